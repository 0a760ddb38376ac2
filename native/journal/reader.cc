#include "journal/reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "journal/layout.h"
#include "platform/path_parts.h"
#include "platform/read_fully.h"

namespace pinnacle {

namespace {

// A store that is under way while pread copies the line can look like damage; the next look tells.
constexpr int kLooks = 8;

// How far a segment's marks say that the journal was durable.
Status ReadMarks(const File& file, const SegmentHeader& header, uint64_t* durable) {
  std::vector<uint8_t> page(kSegmentHeaderBytes);
  size_t page_bytes = 0;
  PINNACLE_RETURN_IF_ERROR(ReadFully(file, 0, page, &page_bytes));
  uint64_t counter = 0;
  *durable =
      ReadFrontierMarks({page.data(), page_bytes}, SeedOfSegment(header.segment_id), &counter);
  return Status();
}

}  // namespace

Status InsideTransaction(uint64_t sequence, uint64_t first, uint64_t last) {
  return Status(Code::kInsideTransaction,
                "entry " + std::to_string(sequence) + " lies inside the transaction of entries " +
                    std::to_string(first) + " to " + std::to_string(last) +
                    ", which is read as a whole or not at all; take " + std::to_string(first - 1) +
                    " or " + std::to_string(last) + " as the last entry, " + std::to_string(first) +
                    " or " + std::to_string(last + 1) + " as the first");
}

Status JournalReader::Open(FileSystem* file_system, const std::string& journal_directory,
                           uint64_t from_sequence, std::unique_ptr<JournalReader>* reader,
                           Start start) {
  std::unique_ptr<JournalReader> opened(
      new JournalReader(file_system, journal_directory, from_sequence, start));
  PINNACLE_RETURN_IF_ERROR(opened->FindStart());
  *reader = std::move(opened);
  return Status();
}

// Beside a writer the oldest segments may be compacted away while they are looked at.
Status JournalReader::FindStart() {
  constexpr int kMostLooks = 20;
  Status status;
  for (int look = 0; look < kMostLooks; ++look) {
    status = FindStartOnce();
    if (status.code() != Code::kNotFound && status.code() != Code::kCorrupt) return status;
    bool compacted = false;
    PINNACLE_RETURN_IF_ERROR(IsCompacted(looked_at_, &compacted));
    if (!compacted) return status;
  }
  return status;
}

Status JournalReader::ReadHeadRecord(HeadFinding* head) const {
  return ReadHead(file_system_, ParentOf(journal_directory_), head);
}

Status JournalReader::IsCompacted(uint64_t index, bool* compacted) {
  HeadFinding head;
  PINNACLE_RETURN_IF_ERROR(ReadHeadRecord(&head));
  *compacted = head.valid && index != 0 && head.record.oldest_index > index;
  return Status();
}

Status JournalReader::OutOfReach() {
  std::string left = "; start again from what the journal still holds";
  Layout layout;
  if (ReadSegments(file_system_, journal_directory_, &layout).ok()) {
    for (const SegmentFacts& segment : layout.segments) {
      if (segment.first_sequence == 0) continue;
      left = "; the journal holds entries from " + std::to_string(segment.first_sequence) + " on";
      break;
    }
  }
  return Status(Code::kOutOfReach, "entry " + std::to_string(next_sequence_) +
                                       " was compacted away before it was read" + left);
}

Status JournalReader::FindStartOnce() {
  looked_at_ = 0;
  // Files below the oldest segment are not part of the journal.
  HeadFinding head;
  PINNACLE_RETURN_IF_ERROR(ReadHeadRecord(&head));
  std::vector<SegmentFile> files;
  PINNACLE_RETURN_IF_ERROR(ListSegments(file_system_, journal_directory_, &files));
  if (head.valid) {
    std::erase_if(files,
                  [&](const SegmentFile& file) { return file.index < head.record.oldest_index; });
  }
  if (files.empty()) {
    return Status(Code::kNotFound, journal_directory_ +
                                       " holds no journal segment; is this the data directory of a "
                                       "journal that was opened before?");
  }
  // The youngest segment whose first entry is not above the wanted one; the oldest if its first
  // entry is wanted: then the others need no look.
  for (size_t i = next_sequence_ == 0 ? 1 : files.size(); i-- > 0;) {
    looked_at_ = files[i].index;
    PINNACLE_RETURN_IF_ERROR(OpenSegment(files[i]));
    EntryCheck check;
    const uint8_t* entry = nullptr;
    PINNACLE_RETURN_IF_ERROR(reader_->Next(&check, &entry));
    if (check.state != EntryState::kValid) {
      if (i == 0) return Status();  // nothing written yet, or damage that Read reports
      continue;
    }
    const uint64_t first = FirstSequenceOf(LoadHeader(entry), entry);
    if (i == 0 && next_sequence_ == 0) next_sequence_ = first;
    if (first <= next_sequence_) {
      expected_ = first;
      return Status();
    }
    if (i == 0) {
      return Status(Code::kOutOfReach, "the journal holds entries from " + std::to_string(first) +
                                           " on; entry " + std::to_string(next_sequence_) +
                                           " was compacted away");
    }
  }
  return Status();
}

Status JournalReader::OpenSegment(const SegmentFile& file) {
  std::unique_ptr<File> opened;
  PINNACLE_RETURN_IF_ERROR(file_system_->Open(file.path, OpenMode::kRead, &opened));
  SegmentHeader header;
  PINNACLE_RETURN_IF_ERROR(ReadSegmentHeader(*opened, file, &header));
  PINNACLE_RETURN_IF_ERROR(opened->Identity(&identity_));
  file_ = std::move(opened);
  segment_ = file;
  header_ = header;
  reader_ = std::make_unique<SegmentReader>(file_.get(), header.segment_bytes,
                                            SeedOfSegment(header.segment_id));
  reader_->Seek(kSegmentHeaderBytes);
  whole_until_ = 0;
  return Status();
}

Status JournalReader::TryNextSegment(bool* moved, Next* seen) {
  *moved = false;
  *seen = Next();
  SegmentFile next{segment_.index + 1, journal_directory_ + "/" + SegmentName(segment_.index + 1)};
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(file_system_->Exists(next.path, &exists));
  std::unique_ptr<File> file;
  SegmentHeader header;
  Status status(Code::kNotFound, "");
  if (exists) status = file_system_->Open(next.path, OpenMode::kRead, &file);
  if (status.ok()) status = ReadSegmentHeader(*file, next, &header);
  if (status.code() == Code::kNotFound || status.code() == Code::kCorrupt) {
    bool compacted = false;
    PINNACLE_RETURN_IF_ERROR(IsCompacted(next.index, &compacted));
    if (compacted) return OutOfReach();
    if (status.code() == Code::kNotFound) return Status();
  }
  PINNACLE_RETURN_IF_ERROR(std::move(status));
  if (JournalIdOf(header) != JournalIdOf(header_)) return Gone();
  SegmentReader reader(file.get(), header.segment_bytes, SeedOfSegment(header.segment_id));
  reader.Seek(kSegmentHeaderBytes);
  EntryCheck check;
  const uint8_t* entry = nullptr;
  PINNACLE_RETURN_IF_ERROR(reader.Next(&check, &entry));
  seen->damaged = check.state == EntryState::kDamaged;
  PINNACLE_RETURN_IF_ERROR(ReadMarks(*file, header, &seen->durable));
  if (check.state != EntryState::kValid) return Status();
  const EntryHeader head = LoadHeader(entry);
  const uint64_t first = FirstSequenceOf(head, entry);
  if (expected_ != 0 && first != expected_) {
    seen->durable = std::max(seen->durable, DurableClaim(head, LoadTrailer(entry, check.bytes)));
    return Status();
  }
  PINNACLE_RETURN_IF_ERROR(OpenSegment(next));
  expected_ = first;
  *moved = true;
  return Status();
}

Status JournalReader::IsMissing(const Next& next, bool* missing) {
  uint64_t durable = 0;
  PINNACLE_RETURN_IF_ERROR(ReadMarks(*file_, header_, &durable));
  HeadFinding head;
  PINNACLE_RETURN_IF_ERROR(ReadHeadRecord(&head));
  if (head.valid) durable = std::max(durable, head.record.durable_sequence);
  const uint64_t wanted = expected_ != 0 ? expected_ : next_sequence_;
  // A segment is left for the next one when that gets an entry: if the newest is a later one, the
  // next one has some.
  *missing = next.damaged || (wanted != 0 && std::max(durable, next.durable) >= wanted) ||
             (head.valid && head.record.newest_index > segment_.index + 1);
  return Status();
}

Status JournalReader::IsEmptyOldest(bool* empty) {
  *empty = false;
  if (expected_ != 0 || segment_.index <= 1) return Status();
  PINNACLE_RETURN_IF_ERROR(reader_->SkipZeroLines());
  *empty = reader_->offset() + kLineBytes > header_.segment_bytes;
  reader_->Seek(kSegmentHeaderBytes);
  return Status();
}

Status JournalReader::StillOurs() {
  SegmentHeader header;
  const Status status = ReadSegmentHeader(*file_, segment_, &header);
  if (!status.ok() || header.segment_id != header_.segment_id) return Gone();
  FileIdentity named;
  Status found = file_system_->Identify(segment_.path, &named);
  if (found.ok()) return named == identity_ ? Status() : Gone();
  const bool missing = found.code() == Code::kNotFound || found.code() == Code::kNotADirectory;
  return missing ? Gone() : found;
}

Status JournalReader::Gone() {
  HeadFinding head;
  PINNACLE_RETURN_IF_ERROR(ReadHeadRecord(&head));
  const bool same = head.valid && JournalIdOf(head.record) == JournalIdOf(header_);
  if (same && head.record.oldest_index > segment_.index) return OutOfReach();
  return Status(
      Code::kDirectoryLost,
      segment_.path + " was removed or replaced while it was read, before entry " +
          std::to_string(std::max<uint64_t>(next_sequence_, 1)) +
          ": the directory was removed, moved, recreated or repaired; find out which, and "
          "read again from that entry on if it is the same journal");
}

// Beside a writer a segment gets a feature before the first entry that needs it: the header may be
// older than the entries.
Status JournalReader::RefreshFeatures() {
  if (MayHaveTransactions(header_)) return Status();
  SegmentHeader header;
  PINNACLE_RETURN_IF_ERROR(ReadSegmentHeader(*file_, segment_, &header));
  if (header.segment_id != header_.segment_id) return Gone();
  header_.mandatory_features = header.mandatory_features;
  return Status();
}

Status JournalReader::LookAhead(const EntryHeader& header, EntryState* state) {
  PINNACLE_RETURN_IF_ERROR(RefreshFeatures());
  TransactionLook look;
  PINNACLE_RETURN_IF_ERROR(
      LookThroughTransaction(reader_.get(), header.sequence, MayHaveTransactions(header_), &look));
  const uint64_t last = look.next_sequence - 1;
  switch (look.kind) {
    case TransactionLook::Kind::kOpen:
      *state = look.state;
      return Status();
    case TransactionLook::Kind::kContradiction:
      return Status(Code::kCorrupt,
                    segment_.path + " at offset " + std::to_string(look.end_offset) +
                        ": the entry there contradicts the transaction that begins with entry " +
                        std::to_string(header.sequence) + "; run pinnacle verify");
    case TransactionLook::Kind::kWhole:
      break;
  }
  if (start_ == Start::kAtTransaction && next_sequence_ > header.sequence &&
      next_sequence_ <= last) {
    return InsideTransaction(next_sequence_, header.sequence, last);
  }
  whole_until_ = look.end_offset;
  return Status();
}

Status JournalReader::Take(std::span<const uint8_t> entry, uint64_t room, std::vector<uint8_t>* out,
                           bool* is_full) {
  const EntryHeader header = LoadHeader(entry.data());
  const uint64_t sequence = header.sequence;
  if (expected_ != 0 && FirstSequenceOf(header, entry.data()) != expected_) {
    return Status(Code::kCorrupt, segment_.path + " at offset " +
                                      std::to_string(reader_->offset()) + ": expected entry " +
                                      std::to_string(expected_) + ", found entry " +
                                      std::to_string(sequence) + "; run pinnacle verify");
  }
  if (sequence >= next_sequence_) {
    *is_full = entry.size() > room;
    if (*is_full) return Status();
    out->insert(out->end(), entry.begin(), entry.end());
    next_sequence_ = sequence + 1;
  }
  expected_ = sequence + 1;
  reader_->Advance(entry.size());
  return Status();
}

Status JournalReader::Read(uint64_t max_bytes, std::vector<uint8_t>* out) {
  bool fresh = false;  // the window was read after the last entry was returned
  int looks = 0;
  while (out->size() < max_bytes || reader_->offset() < whole_until_) {
    EntryCheck check;
    const uint8_t* entry = nullptr;
    PINNACLE_RETURN_IF_ERROR(reader_->Next(&check, &entry));
    const bool is_inside = reader_->offset() < whole_until_;
    if (check.state == EntryState::kValid && !is_inside &&
        (LoadHeader(entry).flags & kTransactionFlags) != 0) [[unlikely]] {
      PINNACLE_RETURN_IF_ERROR(LookAhead(LoadHeader(entry), &check.state));
      const uint64_t bytes = whole_until_ - reader_->offset();
      if (check.state == EntryState::kValid) {
        if (!out->empty() && out->size() + bytes > max_bytes) {
          whole_until_ = 0;  // looked at again by the next call
          return Status();
        }
        continue;
      }
    }
    if (check.state == EntryState::kValid) {
      bool is_full = false;
      const uint64_t room = is_inside || out->empty() ? UINT64_MAX : max_bytes - out->size();
      PINNACLE_RETURN_IF_ERROR(Take({entry, check.bytes}, room, out, &is_full));
      if (is_full) return Status();
      fresh = false;
      looks = 0;
      continue;
    }
    if (!fresh) {
      // The window may be older than the entry: look again with fresh eyes.
      reader_->Seek(reader_->offset());
      fresh = true;
      continue;
    }
    Status ours = StillOurs();
    // Compaction may have taken a segment of which everything was returned: the next one goes on.
    if (!ours.ok() && (ours.code() != Code::kOutOfReach || expected_ == 0)) return ours;
    bool moved = false;
    Next next;
    PINNACLE_RETURN_IF_ERROR(TryNextSegment(&moved, &next));
    if (moved) {
      fresh = false;
      continue;
    }
    PINNACLE_RETURN_IF_ERROR(std::move(ours));
    bool missing = false;
    PINNACLE_RETURN_IF_ERROR(IsMissing(next, &missing));
    reader_->Seek(reader_->offset());
    // The end for now, unless a store that is under way shows so.
    if (check.state != EntryState::kDamaged && !missing) return Status();
    // (A writer may have stored the entry after it was looked for, and said so since.)
    if (++looks < kLooks) continue;
    bool is_empty = false;
    PINNACLE_RETURN_IF_ERROR(IsEmptyOldest(&is_empty));
    if (is_empty) return OutOfReach();
    return Status(Code::kCorrupt, segment_.path + " at offset " +
                                      std::to_string(reader_->offset()) + ": entry " +
                                      std::to_string(std::max<uint64_t>(expected_, 1)) +
                                      " was written and does not verify; run pinnacle verify");
  }
  return Status();
}

}  // namespace pinnacle
