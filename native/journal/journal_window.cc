// How entries get from the window's ring to the segment files.
//
// The ring has the end of the stream of all lines; a line's place in it follows from its segment
// and offset. One limit (end_) bounds the writer: the nearest of the segment's end, the ring's end,
// and the first byte that is not in a file yet.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/guarded.h"
#include "journal/journal.h"
#include "platform/read_fully.h"

namespace pinnacle {

namespace {

// Copied in one call: the lock is held for so long.
constexpr uint64_t kCopyPieceBytes = 1024 * 1024;

// Up to the page's end, if the file has it: a page that is written whole is never read first.
uint64_t PaddingAt(uint64_t end_offset, uint64_t segment_bytes) {
  const uint64_t page_end = (end_offset + kPageBytes - 1) / kPageBytes * kPageBytes;
  return std::min(page_end, segment_bytes) - end_offset;
}

}  // namespace

Status Journal::MakeWindow(const JournalPosition& position) {
  const bool goes_on = position.file.index != 0;
  WindowOwner owner;
  owner.data_directory = position.head_directory;
  owner.journal_id_low = id_.low;
  owner.journal_id_high = id_.high;
  owner.epoch = NextEpoch(position.head);
  owner.segment = goes_on ? position.file.index : position.next_index;
  owner.segment_bytes = goes_on ? position.header.segment_bytes : supply_.segment_bytes();
  owner.offset = goes_on ? position.end_offset : kSegmentHeaderBytes;
  owner.sequence = next_sequence_;
  owner.later_segment_bytes = supply_.segment_bytes();
  PINNACLE_RETURN_IF_ERROR(
      Window::Make(environment_, window_options_, owner, &window_, &why_no_window_));
  has_window_ = window_ != nullptr;
  if (!has_window_) return Status();
  if (owner.offset > kSegmentHeaderBytes) {
    // The line before the first: it tells this directory's present from a fork of it.
    std::unique_ptr<File> file;
    uint8_t line[kLineBytes];
    size_t got = 0;
    PINNACLE_RETURN_IF_ERROR(
        environment_.file_system->Open(position.file.path, OpenMode::kRead, &file));
    PINNACLE_RETURN_IF_ERROR(ReadFully(*file, owner.offset - kLineBytes, line, &got));
    window_->Store(owner.offset - kLineBytes, line);
  }
  ring_bytes_ = window_->ring_bytes();
  most_in_ring_ = ring_bytes_ / 4;
  written_place_.store(window_->PlaceOf(owner.segment, owner.offset), std::memory_order_relaxed);
  written_.store(next_sequence_ - 1, std::memory_order_relaxed);
  return Status();
}

// Sets the writer's pointers to its place in the ring.
void Journal::Aim() {
  const uint64_t offset = offset_.load(std::memory_order_relaxed);
  const uint64_t place = window_->PlaceOf(current_->index, offset);
  cursor_ = window_->At(place);
  base_ = cursor_ - offset;
  end_ = cursor_ + std::min({current_->bytes - offset, window_->ContiguousAt(place), RoomInRing()});
}

// The room from the writer's place on: the ring, less what is not copied yet.
uint64_t Journal::RoomInRing() const {
  const uint64_t place = window_->PlaceOf(current_->index, offset_.load(std::memory_order_relaxed));
  // (The rest of a segment that was left empty may be larger than the ring.)
  const uint64_t limit = written_place_.load(std::memory_order_acquire) + ring_bytes_;
  return limit > place ? limit - place : 0;
}

Code Journal::AwaitRing(uint64_t bytes) {
  if (RoomInRing() < bytes) [[unlikely]] {
    const uint64_t start_ns = environment_.clock->MonotonicNs();
    ring_waits_.fetch_add(1, std::memory_order_relaxed);
    while (RoomInRing() < bytes) {
      if (!CopyStep(kCopyPieceBytes).ok()) return FailureCode();
    }
    ring_wait_ns_.fetch_add(environment_.clock->MonotonicNs() - start_ns,
                            std::memory_order_relaxed);
  }
  Aim();
  return Code::kOk;
}

// An entry that goes across the ring's end, or is too large for the ring.
Code Journal::AppendApart(const EntryHeader& header, const uint8_t* payload, uint64_t entry_bytes) {
  Status status = Guarded([&] {
    apart_.resize(entry_bytes);
    return Status();
  });
  if (!status.ok()) return Refuse(std::move(status));
  const uint32_t checksum = BuildEntry(header, payload, entry_bytes, apart_.data());
  if (entry_bytes > most_in_ring_) {
    status = Guarded([&] { return WriteThrough(apart_); });
    if (!status.ok()) {
      Fail(status);
      return FailureCode();
    }
  } else {
    window_->Store(window_->PlaceOf(current_->index, static_cast<uint64_t>(cursor_ - base_)),
                   apart_);
  }
  last_checksum_ = checksum;
  Publish(entry_bytes);
  Aim();
  return Code::kOk;
}

// Into the file, after everything before it. The ring gets its end, so that the ring still has the
// end of the stream.
Status Journal::WriteThrough(std::span<const uint8_t> entry) {
  std::lock_guard copy_lock(copy_mutex_);
  const Extent to = ExtentNow();
  PINNACLE_RETURN_IF_ERROR(CopyLocked(to, UINT64_MAX));
  const uint64_t end = to.offset + entry.size();
  PINNACLE_RETURN_IF_ERROR(
      to.segment->file->WritePadded(to.offset, entry, PaddingAt(end, to.segment->bytes)));
  const std::span<const uint8_t> last = entry.last(std::min<uint64_t>(entry.size(), ring_bytes_));
  window_->Store(window_->PlaceOf(to.segment->index, end - last.size()), last);
  copied_offset_ = end;
  written_place_.store(window_->PlaceOf(to.segment->index, end), std::memory_order_release);
  copied_bytes_.fetch_add(entry.size(), std::memory_order_relaxed);
  return Status();
}

Status Journal::CopyStep(uint64_t max_bytes) {
  return CopyHolding(std::unique_lock(copy_mutex_), max_bytes);
}

Status Journal::CopyUnlessBusy() {
  return CopyHolding(std::unique_lock(copy_mutex_, std::try_to_lock), UINT64_MAX);
}

Status Journal::CopyHolding(std::unique_lock<std::mutex> copy_lock, uint64_t max_bytes) {
  if (failed()) return failure();
  if (!copy_lock.owns_lock() || window_ == nullptr) return Status();  // busy; mapped or closed
  Status status = Guarded([&] { return CopyLocked(ExtentNow(), max_bytes); });
  if (status.ok()) return status;
  Fail(status);
  return failure();
}

Status Journal::CopyLocked(const Extent& to, uint64_t max_bytes) {
  for (const Rolled& full : to.rolled) {
    PINNACLE_RETURN_IF_ERROR(CopyPart(full.segment, full.end_offset, &max_bytes));
  }
  PINNACLE_RETURN_IF_ERROR(CopyPart(to.segment, to.offset, &max_bytes));
  const bool is_past = copied_segment_->index > to.segment->index;
  if (!is_past && (copied_segment_ != to.segment || copied_offset_ < to.offset)) return Status();
  // (What was written through may be ahead.)
  const uint64_t place = window_->PlaceOf(copied_segment_->index, copied_offset_);
  written_place_.store(place, std::memory_order_release);
  NoteWritten(to.sequence);
  return Status();
}

void Journal::NoteWritten(uint64_t sequence) {
  if (sequence <= written_.load(std::memory_order_relaxed)) return;
  written_.store(sequence, std::memory_order_release);
  window_->Announce(sequence, durable(), environment_.clock->MonotonicNs());
}

bool Journal::IsHurried() const { return window_->IsHurried(environment_.clock->MonotonicNs()); }

Status Journal::CopyPart(const std::shared_ptr<Segment>& segment, uint64_t end_offset,
                         uint64_t* max_bytes) {
  // (A segment is not left before all of it is copied.)
  if (segment->index < copied_segment_->index || *max_bytes == 0) return Status();
  if (copied_segment_ != segment) {
    copied_segment_ = segment;
    copied_offset_ = kSegmentHeaderBytes;
  }
  while (copied_offset_ < end_offset && *max_bytes > 0) {
    const uint64_t place = window_->PlaceOf(segment->index, copied_offset_);
    uint64_t bytes = std::min(
        {end_offset - copied_offset_, window_->ContiguousAt(place), kCopyPieceBytes, *max_bytes});
    const uint64_t end = copied_offset_ + bytes;
    PINNACLE_RETURN_IF_ERROR(segment->file->WritePadded(copied_offset_, {window_->At(place), bytes},
                                                        PaddingAt(end, segment->bytes)));
    copied_offset_ += bytes;
    *max_bytes -= bytes;
    written_place_.store(place + bytes, std::memory_order_release);
    copies_.fetch_add(1, std::memory_order_relaxed);
    copied_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  return Status();
}

// The device has begun to write what the sync covers when this returns, so that the sync itself can
// be waited for a little later.
Status Journal::CopyForSync(const Extent& to) {
  {
    std::lock_guard copy_lock(copy_mutex_);
    PINNACLE_RETURN_IF_ERROR(CopyLocked(to, UINT64_MAX));
  }
  for (const Rolled& full : to.rolled) {
    PINNACLE_RETURN_IF_ERROR(
        full.segment->file->BeginWriteback(full.segment->synced_offset, full.end_offset));
  }
  return to.segment->file->BeginWriteback(to.segment->synced_offset, to.offset);
}

void Journal::CheckWindow() {
  if (window_lost()) return;
  if (!window_->Check().ok()) window_lost_.store(true, std::memory_order_relaxed);
}

void Journal::PublishInWindow(uint64_t offset, std::span<const uint8_t> bytes) {
  std::lock_guard copy_lock(copy_mutex_);
  if (window_ != nullptr) window_->Publish(offset, bytes);
}

WindowCounters Journal::window_counters() const {
  return {ring_bytes_, ring_waits_.load(std::memory_order_relaxed),
          ring_wait_ns_.load(std::memory_order_relaxed), copies_.load(std::memory_order_relaxed),
          copied_bytes_.load(std::memory_order_relaxed)};
}

}  // namespace pinnacle
