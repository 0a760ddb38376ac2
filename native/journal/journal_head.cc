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
  record.epoch = NextEpoch(position.head);
  NameNoWindow(&record);
  if (has_window_) NameWindow(*window_, &record);
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

// The newest segment is the one that the files have come to, which the writer may be ahead of.
HeadRecord Journal::CurrentHead() {
  HeadRecord record = head_->record();
  record.durable_sequence = std::max(record.durable_sequence, durable());
  record.timestamp_ns = environment_.clock->NowNs();
  std::shared_ptr<Segment> newest;
  if (has_window_) {
    std::lock_guard copy_lock(copy_mutex_);
    newest = copied_segment_;
  } else {
    std::lock_guard lock(state_mutex_);
    newest = current_;
  }
  if (newest != nullptr) {
    record.newest_index = newest->index;
    record.newest_id = newest->segment_id;
    record.newest_link = newest->link;
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
  if (head_ == nullptr) {
    // What the closed head record names must stay.
    return head_path_.empty() ? Status() : Status(Code::kClosed, "the journal is closed");
  }
  HeadRecord record = CurrentHead();
  if (record.oldest_index >= oldest.file.index) return Status();
  record.oldest_index = oldest.file.index;
  record.oldest_id = oldest.segment_id;
  return head_->Write(record);
}

Status Journal::CloseHead() {
  std::lock_guard head_lock(head_mutex_);
  if (head_ == nullptr) return Status();
  HeadRecord record = CurrentHead();
  NameNoWindow(&record);
  Status status = head_->Write(record);
  head_.reset();
  return status;
}

}  // namespace pinnacle
