#include "journal/journal.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/guarded.h"

namespace pinnacle {

Journal::Journal(const Environment& environment, const std::string& journal_directory, JournalId id,
                 const JournalOptions& options)
    : environment_(environment),
      id_(id),
      window_options_(options.window),
      supply_(environment, journal_directory, id, options.segment_bytes, options.max_spares) {}

Journal::~Journal() = default;

Status Journal::Open(const Environment& environment, const std::string& journal_directory,
                     JournalId journal_id, const JournalOptions& options,
                     const JournalPosition& position, std::unique_ptr<Journal>* journal) {
  std::unique_ptr<Journal> opened(new Journal(environment, journal_directory, journal_id, options));
  PINNACLE_RETURN_IF_ERROR(opened->Start(position));
  *journal = std::move(opened);
  return Status();
}

Status Journal::Start(const JournalPosition& position) {
  lock_ = position.lock;
  records_ = position.older;
  for (SegmentRecord& record : records_) {
    PINNACLE_RETURN_IF_ERROR(
        environment_.file_system->Identify(record.file.path, &record.identity));
  }
  next_sequence_ = position.next_sequence;
  appended_.store(next_sequence_ - 1, std::memory_order_relaxed);
  const bool goes_on = position.file.index != 0;
  SegmentSupply::Reopening how;
  if (goes_on) {
    how.end_offset = position.end_offset;
    how.clear_rest = position.clear_rest;
    how.make_durable = next_sequence_ - 1 > position.known_durable;
    how.link_counter = position.link.counter + 1;
    do {
      how.link = environment_.random->NextU64();
    } while (how.link == 0 || how.link == position.header.segment_id);
  }
  // While the head record still names them: one that it does not name must hold nothing.
  for (const SegmentFile& file : position.to_empty) {
    PINNACLE_RETURN_IF_ERROR(supply_.Empty(file));
  }
  // An unfinished open may have left its link in the cache only, if its sync failed; the head
  // record is about to say that the segment has it.
  if (goes_on && position.head.valid && position.head.record.newest_link_before != 0) {
    PINNACLE_RETURN_IF_ERROR(supply_.MakeDurable(position.file, kSegmentHeaderBytes));
  }
  if (!position.head_directory.empty()) {
    PINNACLE_RETURN_IF_ERROR(MakeWindow(position));
    PINNACLE_RETURN_IF_ERROR(StartHead(position, how.link));
  }
  most_transaction_bytes_ = supply_.segment_bytes() - kSegmentHeaderBytes;
  if (has_window_) {
    most_transaction_bytes_ =
        std::min(most_transaction_bytes_, ring_bytes_ / 2 - kSegmentHeaderBytes);
  }
  supply_.Start(
      position.next_index, how.link, !has_window_, position.spares, [this] { return CheckNames(); },
      [this](uint64_t index, uint64_t id) { return Announce(index, id); });
  if (goes_on) features_ = position.header.mandatory_features;
  PINNACLE_RETURN_IF_ERROR(supply_.RequireFeature(features_));
  // Youngest first: a cut-off run must not leave a hole between the names.
  for (auto it = position.trailing.rbegin(); it != position.trailing.rend(); ++it) {
    bool recycled = false;
    PINNACLE_RETURN_IF_ERROR(supply_.Retire(*it, &recycled));
  }
  PINNACLE_RETURN_IF_ERROR(EnterFirst(position, how));
  // The recovered entries may still be in the page cache only (a killed process): make them
  // durable, older segments included, before anything builds on them.
  for (const SegmentRecord& record : position.older) {
    if (record.last_sequence <= position.known_durable) continue;
    PINNACLE_RETURN_IF_ERROR(supply_.MakeDurable(record.file));
  }
  if (next_sequence_ > 1) PINNACLE_RETURN_IF_ERROR(Flush());
  return Status();
}

Status Journal::EnterFirst(const JournalPosition& position, const SegmentSupply::Reopening& how) {
  const bool goes_on = position.file.index != 0;
  std::shared_ptr<Segment> segment;
  uint64_t offset = kSegmentHeaderBytes;
  if (goes_on) {
    PINNACLE_RETURN_IF_ERROR(supply_.Reopen(position.file, position.header, how, &segment));
    offset = position.end_offset;
    segment->mark_counter = position.mark_counter;
    segment->synced_offset = kSegmentHeaderBytes;  // what was recovered may not have been durable
  } else {
    PINNACLE_RETURN_IF_ERROR(supply_.Take(&segment));
  }
  records_.push_back({{segment->index, segment->path},
                      next_sequence_,
                      0,
                      segment->bytes,
                      segment->segment_id,
                      segment->identity});
  if (goes_on && position.first_sequence != 0) {
    records_.back().first_sequence = position.first_sequence;
  }
  copied_segment_ = segment;
  copied_offset_ = offset;
  Enter(std::move(segment), offset);
  return Status();
}

void Journal::Enter(std::shared_ptr<Segment> segment, uint64_t offset) {
  seed_ = segment->seed;
  offset_.store(offset, std::memory_order_relaxed);
  start_offset_ = offset;
  current_ = std::move(segment);
  if (has_window_) return Aim();
  base_ = current_->mapping->data();
  cursor_ = base_ + offset;
  end_ = base_ + current_->bytes;
}

Code Journal::Refuse(Status status) {
  const Code code = status.code();
  std::lock_guard lock(state_mutex_);
  last_error_ = std::move(status);
  return code;
}

Code Journal::MakeRoom(uint64_t entry_bytes) {
  if (closed_) return Refuse(Status(Code::kClosed, "the journal is closed"));
  if (failed()) return FailureCode();
  if (entry_bytes > supply_.segment_bytes() - kSegmentHeaderBytes) {
    return Refuse(Status(Code::kEntryTooLarge, "an entry of " + std::to_string(entry_bytes) +
                                                   " bytes does not fit a segment of " +
                                                   std::to_string(supply_.segment_bytes()) +
                                                   "; raise segmentSize or split the payload"));
  }
  if (current_->bytes - static_cast<uint64_t>(cursor_ - base_) < entry_bytes) {
    if (const Code code = Roll(); code != Code::kOk) return code;
  }
  // (A larger one does not go through the ring.)
  return has_window_ && entry_bytes <= most_in_ring_ ? AwaitRing(entry_bytes) : Code::kOk;
}

Code Journal::Roll() {
  std::shared_ptr<Segment> next;
  SegmentRecord record;
  Status status = Guarded([&] {
    // All the memory first: a segment that was taken is entered, or there would be a gap.
    record.file.path.reserve(current_->path.size());
    MakeRoomForRoll();
    return supply_.Take(&next);
  });
  if (!status.ok()) return Refuse(std::move(status));
  std::lock_guard lock(state_mutex_);
  bytes_before_ += static_cast<uint64_t>(cursor_ - base_) - start_offset_;
  rolled_.push_back({current_, static_cast<uint64_t>(cursor_ - base_), next_sequence_ - 1});
  records_.back().last_sequence = next_sequence_ - 1;
  record.file.index = next->index;
  record.file.path = next->path;  // as long as the others' are
  record.first_sequence = next_sequence_;
  record.bytes = next->bytes;
  record.segment_id = next->segment_id;
  record.identity = next->identity;
  records_.push_back(std::move(record));
  Enter(std::move(next), kSegmentHeaderBytes);
  return Code::kOk;
}

void Journal::MakeRoomForRoll() {
  std::lock_guard lock(state_mutex_);
  if (rolled_.size() == rolled_.capacity()) rolled_.reserve(2 * rolled_.size() + 4);
  if (records_.size() == records_.capacity()) records_.reserve(2 * records_.size() + 4);
}

Code Journal::Append(EntryType type, uint16_t instrument, uint8_t flags, uint64_t timestamp_ns,
                     const uint8_t* payload, uint32_t payload_bytes) {
  if (payload_bytes > kMaxPayloadBytes) {
    return Refuse(Status(Code::kEntryTooLarge, "a payload of " + std::to_string(payload_bytes) +
                                                   " bytes is above the limit of " +
                                                   std::to_string(kMaxPayloadBytes)));
  }
  const uint64_t entry_bytes = EntryBytes(payload_bytes);
  const bool fits = static_cast<uint64_t>(end_ - cursor_) >= entry_bytes;
  if (!fits || entry_bytes > most_in_ring_) [[unlikely]] {
    if (const Code code = MakeRoom(entry_bytes); code != Code::kOk) return code;
  }
  if (failed_.load(std::memory_order_relaxed)) [[unlikely]]
    return FailureCode();
  const EntryHeader header{payload_bytes,
                           instrument,
                           static_cast<uint8_t>(type),
                           static_cast<uint8_t>(flags | kFlagWritten),
                           next_sequence_,
                           timestamp_ns};
  if (static_cast<uint64_t>(end_ - cursor_) < entry_bytes || entry_bytes > most_in_ring_)
      [[unlikely]] {
    return AppendApart(header, payload, entry_bytes);
  }
  last_checksum_ = BuildEntry(header, payload, entry_bytes, cursor_);
  Publish(entry_bytes);
  return Code::kOk;
}

uint32_t Journal::BuildEntry(const EntryHeader& header, const uint8_t* payload,
                             uint64_t entry_bytes, uint8_t* entry) const {
  std::memcpy(entry, &header, sizeof(header));
  uint8_t* end = entry + sizeof(header);
  if (header.payload_bytes > 0) std::memcpy(end, payload, header.payload_bytes);
  end += header.payload_bytes;
  // The ring has other entries' bytes there.
  std::memset(end, 0, static_cast<size_t>(entry + entry_bytes - sizeof(EntryTrailer) - end));
  const uint32_t durable_lag =
      static_cast<uint32_t>(DurableLag(header.sequence, durable_.load(std::memory_order_relaxed)));
  std::memcpy(entry + entry_bytes - sizeof(EntryTrailer), &durable_lag, sizeof(durable_lag));
  const uint32_t checksum = Crc32cExtend(seed_, entry, entry_bytes - sizeof(checksum));
  __atomic_store_n(reinterpret_cast<uint32_t*>(entry + entry_bytes - sizeof(checksum)), checksum,
                   __ATOMIC_RELEASE);
  return checksum;
}

// In groups, whose checksums are computed together: the unit takes one chain's steps one after the
// other, so several chains cost hardly more than one. Within a group the checksums still come last
// and in order, so a kill leaves a run of whole entries and then torn ones.
Code Journal::AppendLines(EntryType type, uint16_t instrument, uint8_t flags, uint64_t timestamp_ns,
                          const uint64_t* payloads, uint64_t count, uint64_t* taken) {
  constexpr uint64_t kGroup = 8;
  const uint64_t head = kLinePayloadBytes | uint64_t{instrument} << 32 |
                        static_cast<uint64_t>(type) << 48 |
                        static_cast<uint64_t>(flags | kFlagWritten) << 56;
  *taken = 0;
  while (*taken < count) {
    if (static_cast<uint64_t>(end_ - cursor_) < kLineBytes) [[unlikely]] {
      if (const Code code = MakeRoom(kLineBytes); code != Code::kOk) return code;
    }
    if (failed_.load(std::memory_order_relaxed)) [[unlikely]]
      return FailureCode();
    const uint64_t group =
        std::min({kGroup, count - *taken, static_cast<uint64_t>(end_ - cursor_) / kLineBytes});
    const uint64_t durable = durable_.load(std::memory_order_relaxed);
    uint64_t* words = reinterpret_cast<uint64_t*>(cursor_);
    const uint64_t* payload = payloads + *taken * (kLinePayloadBytes / sizeof(uint64_t));
    for (uint64_t i = 0; i < group; ++i, words += 8, payload += 4) {
      FetchAhead(words);
      words[0] = head;
      words[1] = next_sequence_ + i;
      words[2] = timestamp_ns;
      words[3] = payload[0];
      words[4] = payload[1];
      words[5] = payload[2];
      words[6] = payload[3];
      words[7] = DurableLag(next_sequence_ + i, durable);
    }
    uint32_t checksums[kGroup];
    Crc32cLines(seed_, cursor_, group, checksums);
    words = reinterpret_cast<uint64_t*>(cursor_) + 7;
    for (uint64_t i = 0; i < group; ++i, words += 8) {
      __atomic_store_n(words, *words | uint64_t{checksums[i]} << 32, __ATOMIC_RELEASE);
    }
    last_checksum_ = checksums[group - 1];
    *taken += group;
    Publish(group * kLineBytes, group);
  }
  return Code::kOk;
}

Status Journal::last_error() const {
  std::lock_guard lock(state_mutex_);
  return failed() ? failure_ : last_error_;
}

Status Journal::failure() const {
  std::lock_guard lock(state_mutex_);
  return failure_;
}

void Journal::Fail(const Status& status) {
  std::lock_guard lock(state_mutex_);
  if (failed()) return;
  const bool lost = status.code() == Code::kDirectoryLost;
  try {
    const std::string kept = " and accepts no more entries; those after entry " +
                             std::to_string(durable()) + " may be lost. Close it, ";
    failure_ = Status(lost ? Code::kDirectoryLost : Code::kJournalFailed,
                      (lost ? "the journal lost its files" + kept +
                                  "find out what moved or removed them, put them back if you can, "
                                  "and open it again: "
                            : "the journal has failed" + kept +
                                  "check the device, and open it again to recover: ") +
                          std::string(status.message()),
                      status.system_error());
  } catch (const std::bad_alloc&) {
    failure_ = failed_without_memory_;
  }
  failed_.store(true, std::memory_order_release);
}

Status Journal::Release(uint64_t sequence, ReleaseReport* report) {
  *report = ReleaseReport();
  std::vector<SegmentRecord> released;
  SegmentRecord oldest;  // that is left
  {
    std::lock_guard lock(state_mutex_);
    for (const SegmentRecord& record : records_) {
      oldest = record;
      if (!IsReleasable(record, sequence)) break;
      released.push_back(record);
    }
  }
  if (released.empty()) return Status();
  PINNACLE_RETURN_IF_ERROR(CheckNames());
  PINNACLE_RETURN_IF_ERROR(RaiseHead(oldest));
  for (const SegmentRecord& record : released) {
    {
      std::lock_guard lock(state_mutex_);
      released_below_ = record.file.index + 1;
    }
    bool recycled = false;
    PINNACLE_RETURN_IF_ERROR(supply_.Retire(record.file, &recycled));
    (recycled ? report->recycled : report->removed) += 1;
    report->bytes_freed += recycled ? 0 : record.bytes;
    if (!recycled) segments_removed_.fetch_add(1, std::memory_order_relaxed);
    std::lock_guard lock(state_mutex_);
    records_.erase(records_.begin());
  }
  return Status();
}

// Never the current segment, never one that a flush still has to sync, never one of which it is not
// known what it holds.
bool Journal::IsReleasable(const SegmentRecord& record, uint64_t sequence) const {
  if (record.last_sequence == 0) return false;
  if (record.last_sequence >= sequence || record.last_sequence > durable()) return false;
  return std::none_of(rolled_.begin(), rolled_.end(), [&](const Rolled& rolled) {
    return rolled.segment->index == record.file.index;
  });
}

Status Journal::Close() {
  if (closed_) return Status();
  Status status = failed() ? failure() : Flush();
  std::lock_guard flush_lock(flush_mutex_);
  closed_ = true;
  if (status.ok()) {
    if (has_window_) status = MarkLocked(current_.get(), true);
    if (status.ok()) {
      status =
          has_window_ ? current_->file->Sync() : current_->mapping->Sync(0, kSegmentHeaderBytes);
    }
    if (!status.ok()) {
      Fail(status);
      status = failure();
    }
  }
  if (status.ok()) status = CloseHead();
  // The next append finds no room and goes to MakeRoom, which refuses.
  base_ = cursor_ = end_ = nullptr;
  supply_.Stop();
  std::lock_guard copy_lock(copy_mutex_);
  std::lock_guard lock(state_mutex_);
  // One that is still needed stays for the next open; its lock goes with the object.
  if (window_ != nullptr && status.ok()) (void)window_->Remove();
  window_.reset();
  current_->mapping.reset();
  current_->file.reset();
  copied_segment_.reset();
  rolled_.clear();
  return status;
}

}  // namespace pinnacle
