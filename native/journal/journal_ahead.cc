// Work ahead of the writer, so that neither an append nor a sync waits for it: zeros in the file,
// memory that is present.
#include <algorithm>

#include "base/guarded.h"
#include "journal/journal.h"
#include "journal/segment_pages.h"

namespace pinnacle {

namespace {

// Zeros are written ahead in pieces of this size, and when less than this is left.
constexpr uint64_t kFillBytes = 512 * 1024;

}  // namespace

Status Journal::FillStep() {
  if (!fills_.load(std::memory_order_relaxed)) return Status();
  // A sync under way goes first. None may run beside this one: the kernel reports an error once,
  // and the other sync would miss it.
  std::unique_lock flush_lock(flush_mutex_, std::try_to_lock);
  if (!flush_lock.owns_lock() || failed() || closed_) return Status();
  const std::shared_ptr<Segment> segment = ExtentNow().segment;
  Status status;
  {
    std::lock_guard copy_lock(copy_mutex_);
    if (!has_window_ || copied_segment_ != segment) return Status();
    // No thread writes to the file meanwhile, so what follows the copied bytes is zero.
    const uint64_t begin = std::max(segment->filled_offset, PageEnd(copied_offset_));
    if (begin >= segment->bytes || begin >= copied_offset_ + kFillBytes) return Status();
    const uint64_t end = std::min(segment->bytes, begin + kFillBytes);
    status = Guarded([&] {
      for (uint64_t page = begin; page < end; page += kPageBytes) {
        PINNACLE_RETURN_IF_ERROR(
            segment->file->WritePadded(page, {}, std::min(kPageBytes, end - page)));
      }
      return Status();
    });
    if (status.ok()) {
      segment->filled_offset = end;
      fill_count_.fetch_add(1, std::memory_order_relaxed);
      filled_bytes_.fetch_add(end - begin, std::memory_order_relaxed);
    }
  }
  // Even without memory to say why it failed: the next sync would not get the error.
  if (status.ok()) status = Guarded([&] { return segment->file->Sync(); });
  if (status.ok()) return status;
  Fail(status);
  return failure();
}

uint64_t Journal::TouchStep(uint64_t ahead_bytes, uint64_t max_bytes) {
  if (has_window_) return window_->TouchStep(max_bytes);
  std::shared_ptr<Segment> segment;
  uint64_t offset = 0;
  {
    std::lock_guard lock(state_mutex_);
    segment = current_;
    offset = offset_.load(std::memory_order_relaxed);
    if (segment->mapping == nullptr) return 0;  // closed
  }
  const uint64_t ahead_end = PageEnd(offset + ahead_bytes);
  if (const uint64_t bytes = PrefaultPart(segment.get(), offset, ahead_end, max_bytes); bytes > 0) {
    return bytes;
  }
  if (ahead_end <= segment->bytes) return 0;
  const std::shared_ptr<Segment> next = supply_.next_ready();
  if (next == nullptr) return 0;
  return PrefaultPart(next.get(), 0, ahead_end - segment->bytes, max_bytes);
}

uint64_t Journal::PrefaultPart(Segment* segment, uint64_t offset, uint64_t end_offset,
                               uint64_t max_bytes) {
  const uint64_t begin = std::max(segment->prefaulted_offset, PageStart(offset));
  if (begin >= segment->bytes) return 0;
  const uint64_t end =
      std::min({segment->bytes, end_offset, begin + std::max(PageStart(max_bytes), kPageBytes)});
  if (end <= begin) return 0;
  segment->mapping->Prefault(begin, end - begin);
  segment->prefaulted_offset = end;
  return end - begin;
}

}  // namespace pinnacle
