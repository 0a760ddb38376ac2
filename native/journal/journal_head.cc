// How the journal keeps the head record: head_record.h has the order and why.
#include <algorithm>
#include <utility>

#include "journal/journal.h"

namespace pinnacle {

// Says what the directory holds before anything of it is changed. The segment that is written on
// may have its old link or the new one from here on; no segment is ready.
Status Journal::StartHead(const JournalPosition& position, uint64_t link) {
  HeadFinding found = position.head;
  HeadRecord record = found.valid ? found.record : HeadRecord{};
  record.journal_id_low = id_.low;
  record.journal_id_high = id_.high;
  ++record.epoch;
  record.oldest_index = record.oldest_id = 0;
  record.newest_index = record.newest_id = 0;
  record.newest_link = record.newest_link_before = 0;
  record.ready_index = record.ready_id = 0;
  if (position.file.index != 0) {
    record.newest_index = record.oldest_index = position.file.index;
    record.newest_id = record.oldest_id = position.header.segment_id;
    record.newest_link = link;
    record.newest_link_before = position.link.link;
  }
  if (!records_.empty()) {
    record.oldest_index = records_.front().file.index;
    record.oldest_id = records_.front().segment_id;
  }
  record.durable_sequence = std::min(position.known_durable, next_sequence_ - 1);
  record.timestamp_ns = environment_.clock->NowNs();
  const bool exists = found.exists;
  if (!exists) found.record = record;
  PINNACLE_RETURN_IF_ERROR(
      HeadFile::Open(environment_.file_system, position.head_directory, found, &head_));
  head_path_ = head_->path();
  head_identity_ = head_->identity();
  return exists ? head_->Write(record) : Status();
}

HeadRecord Journal::CurrentHead() const {
  HeadRecord record = head_->record();
  record.durable_sequence = std::max(record.durable_sequence, durable());
  record.timestamp_ns = environment_.clock->NowNs();
  std::lock_guard lock(state_mutex_);
  if (current_ != nullptr) {
    record.newest_index = current_->index;
    record.newest_id = current_->segment_id;
    record.newest_link = current_->link;
    record.newest_link_before = 0;
    // Entered: it is the newest one now.
    if (record.ready_index <= record.newest_index) record.ready_index = record.ready_id = 0;
  }
  return record;
}

Status Journal::Announce(uint64_t index, uint64_t segment_id) {
  std::lock_guard head_lock(head_mutex_);
  if (head_ == nullptr) return Status();
  HeadRecord record = CurrentHead();
  record.ready_index = index;
  record.ready_id = segment_id;
  if (record.oldest_index == 0) {
    record.oldest_index = index;
    record.oldest_id = segment_id;
  }
  return head_->Write(record);
}

Status Journal::RaiseHead(const SegmentRecord& oldest) {
  std::lock_guard head_lock(head_mutex_);
  if (head_ == nullptr) return Status();
  HeadRecord record = CurrentHead();
  if (record.oldest_index >= oldest.file.index) return Status();
  record.oldest_index = oldest.file.index;
  record.oldest_id = oldest.segment_id;
  return head_->Write(record);
}

Status Journal::CloseHead() {
  std::lock_guard head_lock(head_mutex_);
  if (head_ == nullptr) return Status();
  Status status = head_->Write(CurrentHead());
  head_.reset();
  return status;
}

}  // namespace pinnacle
