#include "engine/inspect.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/adoption.h"
#include "journal/entry_check.h"
#include "journal/layout.h"
#include "journal/reader.h"
#include "repair/steps.h"
#include "repair/view.h"
#include "snapshot/snapshot_directory.h"

namespace pinnacle {

namespace {

class ProgressVisitor : public EntryVisitor {
 public:
  explicit ProgressVisitor(const ProgressFunction& progress) : progress_(progress) {}
  Status Visit(const EntryView&) override { return Status(); }
  bool NeedsEntries() const override { return false; }
  void Progress(uint64_t done, uint64_t total) override {
    if (progress_) progress_("verify", done, total);
  }

 private:
  const ProgressFunction& progress_;
};

// What a writer changes when it takes something away.
struct Trace {
  uint64_t oldest_index = 0;
  uint64_t epoch = 0;
  std::vector<std::string> snapshots;
  friend bool operator==(const Trace&, const Trace&) = default;
};

Status ReadTrace(FileSystem* fs, const std::string& data_directory, Trace* trace) {
  HeadFinding head;
  PINNACLE_RETURN_IF_ERROR(ReadHead(fs, data_directory, &head));
  *trace = {head.record.oldest_index, head.record.epoch, {}};
  std::vector<SnapshotFile> files;
  PINNACLE_RETURN_IF_ERROR(ListSnapshots(fs, SnapshotDirectory(data_directory), &files));
  for (const SnapshotFile& file : files) trace->snapshots.push_back(file.path);
  return Status();
}

// Whether the journal's entry at the snapshot's sequence differs from the one that it was taken at.
// An entry that is gone denies nothing.
bool IsDenied(FileSystem* fs, const std::string& journal_directory, const SnapshotMeta& meta) {
  std::unique_ptr<JournalReader> reader;
  std::vector<uint8_t> bytes;
  const Status opened = JournalReader::Open(fs, journal_directory, meta.sequence, &reader,
                                            JournalReader::Start::kAnywhere);
  if (!opened.ok()) return false;
  if (!reader->Read(1, &bytes).ok() || bytes.empty()) return false;
  const EntryHeader header = LoadHeader(bytes.data());
  return header.sequence == meta.sequence && !IsHole(header) &&
         LoadTrailer(bytes.data(), EntryBytes(header.payload_bytes)).checksum !=
             meta.entry_checksum;
}

// A snapshot of another copy of the directory verifies, and is not of this journal.
void CheckAgainstJournal(FileSystem* fs, const std::string& data_directory, InspectReport* report) {
  if (report->scan.verdict.tail == Tail::kCorrupt) return;
  for (SnapshotFinding& finding : report->snapshots) {
    const SnapshotMeta& meta = finding.info.meta;
    if (!finding.status.ok() || meta.entry_checksum == 0) continue;
    if (!IsDenied(fs, JournalDirectory(data_directory), meta)) continue;
    finding.status =
        Status(Code::kSnapshotCorrupt,
               finding.info.path + ": the journal's entry at its sequence is not the " +
                   "one that it was taken at; move it away with `pinnacle repair`");
  }
}

Status InspectOnce(const Environment& environment, const std::string& data_directory, bool live,
                   const ProgressFunction& progress, InspectReport* report) {
  FileSystem* fs = environment.file_system;
  Layout layout;
  PINNACLE_RETURN_IF_ERROR(ReadLayout(fs, data_directory, live, &layout));
  report->has_journal_id = layout.has_journal_id;
  report->journal_id = layout.journal_id;
  report->spares = layout.spares.size();
  std::vector<SnapshotFile> files;
  PINNACLE_RETURN_IF_ERROR(ListSnapshots(fs, SnapshotDirectory(data_directory), &files));
  for (const SnapshotFile& file : files) {
    SnapshotFinding finding;
    finding.info.path = file.path;
    finding.info.meta.sequence = file.sequence;
    finding.status = VerifySnapshot(fs, file.path, &finding.info,
                                    layout.has_journal_id ? &layout.journal_id : nullptr);
    report->snapshots.push_back(std::move(finding));
  }
  ProgressVisitor visitor(progress);
  ScanOptions options;
  options.all_segments = true;
  options.live = live;
  options.threads = environment.worker_threads;
  // After a salvage by version 1 the journal begins, still empty, after the snapshot that was taken
  // then.
  for (const SnapshotFinding& finding : report->snapshots) {
    if (!finding.status.ok()) continue;
    options.next_if_empty = finding.info.meta.sequence + 1;
    options.known_durable = std::max(options.known_durable, finding.info.meta.sequence);
  }
  PINNACLE_RETURN_IF_ERROR(ScanJournal(fs, std::move(layout), options, &visitor, &report->scan));
  CheckAgainstJournal(fs, data_directory, report);
  if (progress) progress("verify", report->scan.bytes_read, report->scan.bytes_read);
  RecoveredState state;
  report->recovery_status =
      ReadState(environment, data_directory, {0, live}, progress, &state, &report->recovery);
  if (report->recovery_status.ok()) {
    report->recovery_status = Refusal(data_directory, state, report->recovery);
  }
  return Status();
}

bool FoundTrouble(const Status& status, const InspectReport& report) {
  if (!status.ok() || !report.recovery_status.ok()) return true;
  if (report.scan.verdict.tail == Tail::kCorrupt) return true;
  return std::any_of(report.snapshots.begin(), report.snapshots.end(),
                     [](const SnapshotFinding& finding) { return !finding.status.ok(); });
}

}  // namespace

Status Inspect(const Environment& environment, const std::string& data_directory,
               const ProgressFunction& progress, InspectReport* report) {
  FileSystem* fs = environment.file_system;
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(data_directory, &exists));
  if (!exists) {
    return Status(Code::kNotFound, "the data directory " + data_directory + " does not exist");
  }
  PINNACLE_RETURN_IF_ERROR(fs->Exists(JournalDirectory(data_directory), &exists));
  bool head = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(HeadPath(data_directory), &head));
  if (!exists && !head) {
    return Status(Code::kNotFound, data_directory + " holds no journal; is it a data directory?");
  }
  constexpr int kMostLooks = 20;
  for (int look = 0; look < kMostLooks; ++look) {
    *report = InspectReport();
    PINNACLE_RETURN_IF_ERROR(fs->IsLocked(data_directory, &report->locked));
    RepairSteps steps;
    std::unique_ptr<RepairView> view;
    Environment seen = environment;
    PINNACLE_RETURN_IF_ERROR(ReadSteps(fs, data_directory, &report->repair_pending, &steps));
    if (report->repair_pending) {
      PINNACLE_RETURN_IF_ERROR(RepairView::Make(fs, data_directory, steps, &view));
      seen.file_system = view.get();
    }
    Adoption adoption;
    Status planned;
    if (!report->locked) {
      planned = PlanAdoption(seen, data_directory, {fs->MemoryDirectory()}, false, &adoption);
    }
    AdoptedView adopted(seen.file_system, &adoption);
    if (!adoption.pieces.empty()) seen.file_system = &adopted;
    report->window = adoption.finding;
    Trace before;
    PINNACLE_RETURN_IF_ERROR(ReadTrace(seen.file_system, data_directory, &before));
    Status status = InspectOnce(seen, data_directory, report->locked, progress, report);
    // (Damage of the files that keeps it from being planned is found by reading them, too.)
    if (status.ok() && report->recovery_status.ok()) report->recovery_status = planned;
    if (!report->locked || !FoundTrouble(status, *report)) return status;
    Trace after;
    PINNACLE_RETURN_IF_ERROR(ReadTrace(seen.file_system, data_directory, &after));
    // Unchanged, twice: what was found is there.
    if (before == after && look > 0) return status;
  }
  return Status(Code::kBusy, data_directory +
                                 ": the writer compacts and takes snapshots faster than they can "
                                 "be read; try again, or after the writer has closed it");
}

}  // namespace pinnacle
