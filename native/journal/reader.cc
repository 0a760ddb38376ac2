#include "journal/reader.h"

#include <utility>

namespace pinnacle {

namespace {

// A store that is under way while pread copies the line can look like damage; the next look tells.
constexpr int kLooks = 8;

}  // namespace

Status JournalReader::Open(FileSystem* file_system, const std::string& journal_directory,
                           uint64_t from_sequence, std::unique_ptr<JournalReader>* reader) {
  std::unique_ptr<JournalReader> opened(
      new JournalReader(file_system, journal_directory, from_sequence));
  PINNACLE_RETURN_IF_ERROR(opened->FindStart());
  *reader = std::move(opened);
  return Status();
}

Status JournalReader::FindStart() {
  std::vector<SegmentFile> files;
  PINNACLE_RETURN_IF_ERROR(ListSegments(file_system_, journal_directory_, &files));
  if (files.empty()) {
    return Status(Code::kNotFound, journal_directory_ +
                                       " holds no journal segment; is this the data directory of a "
                                       "journal that was opened before?");
  }
  // The youngest segment whose first entry is not above the wanted one.
  for (size_t i = files.size(); i-- > 0;) {
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
  file_ = std::move(opened);
  segment_ = file;
  header_ = header;
  reader_ = std::make_unique<SegmentReader>(file_.get(), header.segment_bytes,
                                            SeedOfSegment(header.segment_id));
  reader_->Seek(kSegmentHeaderBytes);
  return Status();
}

Status JournalReader::TryNextSegment(bool* moved) {
  *moved = false;
  SegmentFile next{segment_.index + 1, journal_directory_ + "/" + SegmentName(segment_.index + 1)};
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(file_system_->Exists(next.path, &exists));
  if (!exists) return Status();
  std::unique_ptr<File> file;
  SegmentHeader header;
  Status status = file_system_->Open(next.path, OpenMode::kRead, &file);
  if (status.code() == Code::kNotFound) return Status();
  PINNACLE_RETURN_IF_ERROR(std::move(status));
  PINNACLE_RETURN_IF_ERROR(ReadSegmentHeader(*file, next, &header));
  SegmentReader reader(file.get(), header.segment_bytes, SeedOfSegment(header.segment_id));
  reader.Seek(kSegmentHeaderBytes);
  EntryCheck check;
  const uint8_t* entry = nullptr;
  PINNACLE_RETURN_IF_ERROR(reader.Next(&check, &entry));
  if (check.state != EntryState::kValid) return Status();
  const uint64_t first = FirstSequenceOf(LoadHeader(entry), entry);
  if (expected_ != 0 && first != expected_) return Status();
  PINNACLE_RETURN_IF_ERROR(OpenSegment(next));
  expected_ = first;
  *moved = true;
  return Status();
}

Status JournalReader::StillOurs() {
  SegmentHeader header;
  const Status status = ReadSegmentHeader(*file_, segment_, &header);
  if (status.ok() && header.segment_id == header_.segment_id) return Status();
  return Status(Code::kOutOfReach,
                "entry " + std::to_string(next_sequence_) +
                    " was compacted away while it was being read; start again from "
                    "what the journal still holds");
}

Status JournalReader::Read(uint64_t max_bytes, std::vector<uint8_t>* out) {
  bool fresh = false;  // the window was read after the last entry was returned
  int looks = 0;
  while (out->size() < max_bytes) {
    EntryCheck check;
    const uint8_t* entry = nullptr;
    PINNACLE_RETURN_IF_ERROR(reader_->Next(&check, &entry));
    if (check.state == EntryState::kValid) {
      const EntryHeader header = LoadHeader(entry);
      const uint64_t sequence = header.sequence;
      if (expected_ != 0 && FirstSequenceOf(header, entry) != expected_) {
        return Status(Code::kCorrupt,
                      segment_.path + " at offset " + std::to_string(reader_->offset()) +
                          ": entry " + std::to_string(sequence) + " stands where " +
                          std::to_string(expected_) + " should; run pinnacle verify");
      }
      if (sequence >= next_sequence_) {
        if (!out->empty() && out->size() + check.bytes > max_bytes) return Status();
        out->insert(out->end(), entry, entry + check.bytes);
        next_sequence_ = sequence + 1;
      }
      expected_ = sequence + 1;
      reader_->Advance(check.bytes);
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
    PINNACLE_RETURN_IF_ERROR(StillOurs());
    bool moved = false;
    PINNACLE_RETURN_IF_ERROR(TryNextSegment(&moved));
    if (moved) {
      fresh = false;
      continue;
    }
    if (check.state != EntryState::kDamaged || ++looks < kLooks) {
      reader_->Seek(reader_->offset());
      if (check.state == EntryState::kDamaged) continue;
      return Status();
    }
    return Status(Code::kCorrupt,
                  segment_.path + " at offset " + std::to_string(reader_->offset()) + ": entry " +
                      std::to_string(expected_) + " does not verify; run pinnacle verify");
  }
  return Status();
}

}  // namespace pinnacle
