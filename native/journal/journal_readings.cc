// What any thread may ask of a journal: its first entry, what it has on disk.
#include "journal/journal.h"

namespace pinnacle {

uint64_t Journal::oldest_sequence() const {
  std::lock_guard lock(state_mutex_);
  return records_.front().first_sequence;
}

uint64_t Journal::segment_count() const {
  std::lock_guard lock(state_mutex_);
  return records_.size();
}

uint64_t Journal::disk_bytes() const {
  std::lock_guard lock(state_mutex_);
  uint64_t bytes = 0;
  for (const SegmentRecord& record : records_) bytes += record.bytes;
  return bytes + (supply_.ready() ? supply_.segment_bytes() : 0);
}

bool Journal::HasManyUnsynced() const {
  constexpr size_t kMany = 16;
  std::lock_guard lock(state_mutex_);
  return rolled_.size() >= kMany;
}

uint64_t Journal::bytes_appended() const {
  std::lock_guard lock(state_mutex_);
  return bytes_before_ + offset_.load(std::memory_order_relaxed) - start_offset_;
}

uint64_t Journal::FirstWithin(uint64_t sequence, uint64_t max_bytes) const {
  std::lock_guard lock(state_mutex_);
  uint64_t first = sequence;
  uint64_t bytes = 0;
  for (auto record = records_.rbegin(); record != records_.rend(); ++record) {
    if (record->last_sequence == 0 || record->last_sequence >= sequence) continue;
    bytes += record->bytes;
    if (bytes > max_bytes) break;
    first = record->first_sequence;
  }
  return first;
}

uint64_t Journal::ReleasableBytes(uint64_t sequence) const {
  std::lock_guard lock(state_mutex_);
  uint64_t bytes = 0;
  for (const SegmentRecord& record : records_) {
    if (record.last_sequence == 0 || record.last_sequence >= sequence) break;
    bytes += record.bytes;
  }
  return bytes;
}

}  // namespace pinnacle
