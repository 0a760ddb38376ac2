#include "engine/inspect.h"

#include <memory>
#include <optional>
#include <utility>

#include "engine/journal_identity.h"

namespace pinnacle {

namespace {

class ProgressVisitor : public EntryVisitor {
 public:
  explicit ProgressVisitor(const ProgressFunction& progress) : progress_(progress) {}
  Status Visit(const EntryHeader&, const uint8_t*, const uint8_t*, uint64_t) override {
    return Status();
  }
  bool NeedsEntries() const override { return false; }
  void Progress(uint64_t done, uint64_t total) override {
    if (progress_) progress_("verify", done, total);
  }

 private:
  const ProgressFunction& progress_;
};

}  // namespace

Status Inspect(const Environment& environment, const std::string& data_directory,
               const ProgressFunction& progress, InspectReport* report) {
  *report = InspectReport();
  FileSystem* fs = environment.file_system;
  const std::string journal_directory = JournalDirectory(data_directory);
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(data_directory, &exists));
  if (!exists) {
    return Status(Code::kNotFound, "the data directory " + data_directory + " does not exist");
  }
  PINNACLE_RETURN_IF_ERROR(fs->Exists(journal_directory, &exists));
  if (!exists) {
    return Status(Code::kNotFound, data_directory + " holds no journal; is it a data directory?");
  }
  bool lock_file = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(data_directory + "/LOCK", &lock_file));
  if (lock_file) {
    std::unique_ptr<FileLock> lock;
    report->locked = fs->Lock(data_directory + "/LOCK", &lock).code() == Code::kLocked;
  }

  std::optional<JournalId> journal_id;
  PINNACLE_RETURN_IF_ERROR(FindJournalId(fs, data_directory, &journal_id));
  std::vector<SnapshotFile> files;
  PINNACLE_RETURN_IF_ERROR(ListSnapshots(fs, SnapshotDirectory(data_directory), &files));
  for (const SnapshotFile& file : files) {
    SnapshotFinding finding;
    finding.info.path = file.path;
    finding.info.meta.sequence = file.sequence;
    finding.status =
        VerifySnapshot(fs, file.path, &finding.info, journal_id ? &*journal_id : nullptr);
    report->snapshots.push_back(std::move(finding));
  }
  ProgressVisitor visitor(progress);
  ScanOptions options;
  options.all_segments = true;
  options.threads = environment.worker_threads;
  // After a salvage the journal begins, still empty, behind the snapshot that was taken then.
  for (const SnapshotFinding& finding : report->snapshots) {
    if (finding.status.ok()) options.next_if_empty = finding.info.meta.sequence + 1;
  }
  PINNACLE_RETURN_IF_ERROR(ScanJournal(fs, journal_directory, options, &visitor, &report->scan));
  if (progress) progress("verify", report->scan.bytes_read, report->scan.bytes_read);
  for (const SegmentFacts& segment : report->scan.segments) {
    if (!segment.header_valid || report->has_journal_id) continue;
    report->journal_id = {segment.header.journal_id_low, segment.header.journal_id_high};
    report->has_journal_id = true;
  }
  std::vector<std::string> names;
  PINNACLE_RETURN_IF_ERROR(fs->List(journal_directory, &names));
  for (const std::string& name : names) {
    uint64_t number = 0;
    if (ParseSpareName(name, &number)) ++report->spares;
  }
  RecoveredState state;
  report->recovery_status =
      ReadState(environment, data_directory, 0, false, progress, &state, &report->recovery);
  return Status();
}

}  // namespace pinnacle
