// How a segment learns a mandatory feature: its header says so, durably, before the first entry
// that needs it. One that does not know the feature then refuses the segment, and reads no such
// entry.
//
// The header lies in one sector, which a device writes whole, so it is changed in its place. If a
// crash comes in between, a segment has a feature that no entry of it needs, which does no harm.
#include "base/guarded.h"
#include "journal/journal.h"
#include "journal/segment_header.h"

namespace pinnacle {

Status Journal::RequireFeature(uint64_t bits) {
  if ((bits & ~features_) == 0) return Status();
  if (closed_) return Status(Code::kClosed, "the journal is closed");
  if (failed()) return failure();
  // Even without memory to say what failed: the next sync would not get the error.
  Status status = Guarded([&] {
    PINNACLE_RETURN_IF_ERROR(supply_.RequireFeature(bits));
    std::lock_guard flush_lock(flush_mutex_);
    return AddMandatoryFeatures(current_->file.get(), {current_->index, current_->path}, bits);
  });
  if (status.ok()) {
    features_ |= bits;
    return status;
  }
  Fail(status);
  return failure();
}

}  // namespace pinnacle
