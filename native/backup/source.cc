#include "backup/source.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/backup_mark.h"
#include "engine/recovery.h"
#include "journal/layout.h"
#include "journal/scan.h"
#include "platform/read_fully.h"
#include "repair/steps.h"

namespace pinnacle {

namespace {

// Finds the end of the last entry up to `most`.
class EndVisitor : public EntryVisitor {
 public:
  explicit EndVisitor(uint64_t most) : most_(most) {}

  Status Visit(const EntryView& entry) override {
    const EntryHeader& header = entry.header;
    if (header.sequence > most_) {
      passed_ = true;
      return Status(Code::kOutOfReach, "");  // enough
    }
    // Half a transaction is not copied, even if the frontier is inside it.
    if ((header.flags & kFlagMoreFollows) != 0) return Status();
    index_ = entry.place.segment->file.index;
    end_offset_ = entry.place.offset + entry.bytes.size();
    last_sequence_ = header.sequence;
    return Status();
  }

  bool passed() const { return passed_; }
  uint64_t index() const { return index_; }
  uint64_t end_offset() const { return end_offset_; }
  uint64_t last_sequence() const { return last_sequence_; }

 private:
  const uint64_t most_;
  bool passed_ = false;
  uint64_t index_ = 0;
  uint64_t end_offset_ = 0;
  uint64_t last_sequence_ = 0;
};

// The durable frontier according to the files.
Status DurableByFiles(FileSystem* fs, const Layout& layout, uint64_t* durable) {
  if (layout.head.valid) *durable = std::max(*durable, layout.head.record.durable_sequence);
  std::vector<uint8_t> page(kSegmentHeaderBytes);
  for (size_t i = 0; i < layout.segments.size(); ++i) {
    const SegmentFacts& segment = layout.segments[i];
    if (!segment.belongs()) continue;
    std::unique_ptr<File> file;
    size_t got = 0;
    uint64_t counter = 0;
    PINNACLE_RETURN_IF_ERROR(fs->Open(segment.file.path, OpenMode::kRead, &file));
    PINNACLE_RETURN_IF_ERROR(ReadFully(*file, 0, page, &got));
    uint64_t marked =
        ReadFrontierMarks({page.data(), got}, SeedOfSegment(segment.header.segment_id), &counter);
    // A mark can't cover more than its segment holds.
    if (i + 1 < layout.segments.size() && layout.segments[i + 1].first_sequence != 0) {
      marked = std::min(marked, layout.segments[i + 1].first_sequence - 1);
    }
    *durable = std::max(*durable, marked);
  }
  return Status();
}

// What a killed process appended and did not sync is only in the page cache. It must not be lost in
// a power cut that the copy survives, or the journal would continue differently than the copy says.
Status MakeDurable(FileSystem* fs, const std::vector<SourceSegment>& segments) {
  for (const SourceSegment& segment : segments) {
    std::unique_ptr<File> file;
    Status status = fs->Open(segment.file.path, OpenMode::kReadWrite, &file);
    // It can't be written to, so nothing waits to be written either.
    if (status.code() == Code::kReadOnly || status.code() == Code::kPermission) continue;
    PINNACLE_RETURN_IF_ERROR(std::move(status));
    PINNACLE_RETURN_IF_ERROR(file->Sync());
  }
  return Status();
}

Status CorruptJournal(const std::string& data_directory, const std::string& reason) {
  return Status(Code::kCorrupt, reason +
                                    ". A damaged journal is not backed up: look with `pinnacle "
                                    "verify " +
                                    data_directory + "`");
}

SourceSegment SegmentOf(const SegmentFacts& facts) {
  SourceSegment segment;
  segment.file = facts.file;
  segment.header = facts.header;
  segment.link = facts.link;
  segment.first_sequence = facts.first_sequence;
  segment.bytes = facts.header.segment_bytes;
  segment.whole = true;
  return segment;
}

// From the segment that holds the snapshot's entry to the last one that begins with an entry up to
// `most`.
std::vector<SourceSegment> SegmentsBetween(const Layout& layout, uint64_t snapshot_sequence,
                                           uint64_t most) {
  size_t start = 0;
  size_t last = 0;
  for (size_t i = 0; i < layout.segments.size(); ++i) {
    const uint64_t first = layout.segments[i].first_sequence;
    if (first == 0 || !layout.segments[i].belongs()) continue;
    if (first <= snapshot_sequence) start = i;
    if (first <= most) last = i;
  }
  last = std::max(start, last);
  std::vector<SourceSegment> segments;
  for (size_t i = start; i <= last && i < layout.segments.size(); ++i) {
    segments.push_back(SegmentOf(layout.segments[i]));
    if (i == start) continue;
    SourceSegment& before = segments[segments.size() - 2];
    if (segments.back().first_sequence != 0) {
      before.last_sequence = segments.back().first_sequence - 1;
    }
  }
  return segments;
}

}  // namespace

Status CheckSource(FileSystem* fs, const std::string& data_directory) {
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(data_directory, &exists));
  if (!exists) {
    return Status(Code::kNotFound, "the data directory " + data_directory + " does not exist");
  }
  PINNACLE_RETURN_IF_ERROR(RefuseBackup(fs, data_directory));
  bool journal = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(JournalDirectory(data_directory), &journal));
  PINNACLE_RETURN_IF_ERROR(fs->Exists(HeadPath(data_directory), &exists));
  if (!journal && !exists) {
    return Status(Code::kNotFound, data_directory + " holds no journal; is it a data directory?");
  }
  bool pending = false;
  RepairSteps steps;
  PINNACLE_RETURN_IF_ERROR(ReadSteps(fs, data_directory, &pending, &steps));
  if (!pending) return Status();
  return Status(Code::kInvalidOperation,
                "a repair of " + data_directory +
                    " was interrupted; let the next open or `pinnacle repair` finish it first");
}

Status LookAtJournal(const Environment& environment, const std::string& data_directory,
                     uint64_t snapshot_sequence, const std::function<uint64_t()>& durable,
                     SourceJournal* journal) {
  *journal = SourceJournal();
  FileSystem* fs = environment.file_system;
  PINNACLE_RETURN_IF_ERROR(fs->IsLocked(data_directory, &journal->live));
  // Asked before the files are listed: every entry up to it is then in one of them.
  uint64_t known = std::max(snapshot_sequence, durable ? durable() : 0);
  Layout layout;
  PINNACLE_RETURN_IF_ERROR(ReadLayout(fs, data_directory, journal->live, &layout));
  if (journal->live && !durable) PINNACLE_RETURN_IF_ERROR(DurableByFiles(fs, layout, &known));
  const uint64_t most = journal->live ? known : UINT64_MAX;
  journal->head = layout.head;
  journal->journal_id = layout.journal_id;
  journal->last_sequence = snapshot_sequence;

  std::vector<SourceSegment> segments = SegmentsBetween(layout, snapshot_sequence, most);
  if (segments.empty() && snapshot_sequence == 0) return Status();  // nothing was written yet
  if (segments.empty() || segments.front().first_sequence > snapshot_sequence + 1) {
    const uint64_t first = segments.empty() ? 0 : segments.front().first_sequence;
    return Status(Code::kJournalGap, data_directory + ": " + HowItBegins(first) +
                                         ", and the newest snapshot that verifies is of entry " +
                                         std::to_string(snapshot_sequence) +
                                         "; `pinnacle verify` says more");
  }

  // The last segment is read to its end, and what follows is judged as in recovery.
  ScanOptions options;
  options.from_sequence = std::max<uint64_t>(segments.back().first_sequence, 1);
  options.known_durable = snapshot_sequence;
  options.next_if_empty = snapshot_sequence + 1;
  options.live = journal->live;
  EndVisitor visitor(most);
  ScanResult scan;
  Status scanned = ScanJournal(fs, std::move(layout), options, &visitor, &scan);
  if (!scanned.ok() && !visitor.passed()) return scanned;
  if (!visitor.passed() && scan.verdict.tail == Tail::kCorrupt) {
    return CorruptJournal(data_directory, scan.verdict.reason);
  }
  SourceSegment& end = segments.back();
  end.whole = false;
  end.bytes = kSegmentHeaderBytes;
  if (visitor.last_sequence() != 0) {
    if (visitor.index() != end.file.index) {
      // (Without a writer, the last segment may have got its first entry meanwhile.)
      return Status(Code::kBusy,
                    data_directory + ": a writer opened it during the backup; try again");
    }
    end.bytes = visitor.end_offset();
    end.last_sequence = visitor.last_sequence();
    journal->last_sequence = std::max(journal->last_sequence, visitor.last_sequence());
  }
  if (journal->live && known > journal->last_sequence) {
    return CorruptJournal(data_directory, "entry " + std::to_string(journal->last_sequence + 1) +
                                              " was durable and can't be read");
  }
  if (!journal->live) PINNACLE_RETURN_IF_ERROR(MakeDurable(fs, segments));
  journal->segments = std::move(segments);
  return Status();
}

Status IsStillThere(FileSystem* fs, const SourceSegment& segment, bool* there) {
  *there = true;
  std::unique_ptr<File> file;
  SegmentHeader header{};
  Status status = fs->Open(segment.file.path, OpenMode::kRead, &file);
  if (status.ok()) status = ReadSegmentHeader(*file, segment.file, &header);
  *there = status.ok() && header.segment_id == segment.header.segment_id;
  // Removed, or being reused.
  if (status.code() == Code::kNotFound || status.code() == Code::kCorrupt ||
      status.code() == Code::kNotOurFile) {
    return Status();
  }
  return status;
}

}  // namespace pinnacle
