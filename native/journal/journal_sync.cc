// Group commit: what was appended becomes durable, and marks say how far.
#include <algorithm>
#include <cstring>
#include <utility>

#include "journal/journal.h"
#include "journal/segment_pages.h"

namespace pinnacle {

namespace {

// A longer sync hardly notices the metadata that it commits for blocks never written before.
constexpr uint64_t kLongSyncBytes = 256 * 1024;

constexpr uint64_t kMarkIntervalNs = 1'000'000'000;

}  // namespace

Journal::Extent Journal::ExtentNow() const {
  std::lock_guard lock(state_mutex_);
  Extent extent;
  // In this order: the offset then covers the sequence.
  extent.sequence = appended_.load(std::memory_order_acquire);
  extent.offset = offset_.load(std::memory_order_acquire);
  extent.segment = current_;
  extent.rolled = rolled_;
  return extent;
}

Status Journal::Flush() {
  std::lock_guard flush_lock(flush_mutex_);
  const uint64_t before = flushed_bytes_.load(std::memory_order_relaxed);
  Status status;
  try {
    status = FlushLocked();
  } catch (const std::bad_alloc&) {
    // Memory may have run out while reporting a failed sync: the next one would miss the error.
    status = Status::OutOfMemory();
  }
  if (!status.ok()) {
    Fail(status);
    return failure();
  }
  const uint64_t bytes = flushed_bytes_.load(std::memory_order_relaxed) - before;
  if (bytes > 0) fills_.store(bytes < kLongSyncBytes, std::memory_order_relaxed);
  return status;
}

Status Journal::FlushLocked() {
  if (failed()) return failure();
  if (closed_) return Status();  // what was appended was synced then
  const Extent to = ExtentNow();
  // Durable already (a sync is wanted if the recovered prefix was not synced yet: durable is 0
  // then).
  if (to.sequence <= durable() && to.rolled.empty()) return Status();
  if (has_window_) {
    PINNACLE_RETURN_IF_ERROR(CopyForSync(to));
    CheckWindow();
  }
  PINNACLE_RETURN_IF_ERROR(CheckNamesOf(to));
  for (const Rolled& full : to.rolled) {
    PINNACLE_RETURN_IF_ERROR(SyncPart(full.segment.get(), full.end_offset));
  }
  PINNACLE_RETURN_IF_ERROR(SyncPart(to.segment.get(), to.offset));
  if (to.sequence > durable()) durable_.store(to.sequence, std::memory_order_release);
  if (has_window_) {
    std::lock_guard copy_lock(copy_mutex_);
    window_->Announce(written(), durable(), environment_.clock->MonotonicNs());
  }
  if (!to.rolled.empty()) {
    std::lock_guard lock(state_mutex_);
    rolled_.erase(rolled_.begin(), rolled_.begin() + static_cast<std::ptrdiff_t>(to.rolled.size()));
  }
  // The segments that were rolled are closed when this ends, with no lock held that the writer
  // takes.
  return has_window_ ? MarkLocked(to.segment.get(), false) : WriteMark(to.segment.get());
}

Status Journal::SyncPart(Segment* segment, uint64_t end_offset) {
  const uint64_t begin = segment->synced_offset;
  if (end_offset <= begin) return Status();
  PINNACLE_RETURN_IF_ERROR(has_window_ ? segment->file->Sync()
                                       : segment->mapping->Sync(begin, end_offset - begin));
  flushed_bytes_.fetch_add(PageEnd(end_offset) - PageStart(begin), std::memory_order_relaxed);
  segment->synced_offset = end_offset;
  segment->filled_offset = std::max(segment->filled_offset, PageEnd(end_offset));
  return Status();
}

// A mark costs a page of the next sync. On the mapped path the page is dirty anyway, and the mark
// is stored for nothing.
Status Journal::WriteMark(Segment* segment) {
  const FrontierMark mark = MakeFrontierMark(segment->seed, durable(), ++segment->mark_counter,
                                             environment_.clock->NowNs());
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(&mark), sizeof(mark));
  const uint64_t offset = kFrontierMarkOffsets[mark.counter % 2];
  marked_ = mark.durable_sequence;
  mark_ns_ = environment_.clock->MonotonicNs();
  if (has_window_) return segment->file->Write(offset, bytes);
  std::memcpy(segment->mapping->data() + offset, bytes.data(), bytes.size());
  return Status();
}

Status Journal::MarkLocked(Segment* segment, bool now) {
  const bool due = now || environment_.clock->MonotonicNs() - mark_ns_ >= kMarkIntervalNs;
  return due && durable() > marked_ ? WriteMark(segment) : Status();
}

Status Journal::MarkStep() {
  if (!has_window_) return Status();
  std::unique_lock flush_lock(flush_mutex_, std::try_to_lock);
  if (!flush_lock.owns_lock() || failed() || closed_) return Status();
  Status status = MarkLocked(ExtentNow().segment.get(), false);
  if (status.ok()) return status;
  Fail(status);
  return failure();
}

FlushCounters Journal::flush_counters() const {
  return {flushed_bytes_.load(std::memory_order_relaxed),
          fill_count_.load(std::memory_order_relaxed),
          filled_bytes_.load(std::memory_order_relaxed)};
}

}  // namespace pinnacle
