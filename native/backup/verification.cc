#include "backup/verification.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/recovery.h"
#include "journal/scan.h"
#include "snapshot/snapshot_directory.h"
#include "snapshot/snapshot_reader.h"

namespace pinnacle {

namespace {

class ProgressVisitor : public EntryVisitor {
 public:
  explicit ProgressVisitor(const WorkControl& control) : control_(control) {}
  Status Visit(const EntryView&) override { return Status(); }
  bool NeedsEntries() const override { return false; }
  void Progress(uint64_t done, uint64_t total) override {
    if (control_.progress) control_.progress("check", done, total);
  }

 private:
  const WorkControl& control_;
};

}  // namespace

Status ReadBack(FileSystem* fs, const std::string& backup_directory, const Manifest& manifest,
                const std::vector<std::string>& read_already, const WorkControl& control) {
  {
    // The manifest itself, too.
    std::unique_ptr<File> file;
    PINNACLE_RETURN_IF_ERROR(fs->Open(ManifestPath(backup_directory), OpenMode::kRead, &file));
    file->DropCache();
    Manifest found;
    PINNACLE_RETURN_IF_ERROR(ReadManifest(fs, backup_directory, &found));
    if (found.header.checksum != manifest.header.checksum) {
      return Status(Code::kBackupCorrupt,
                    ManifestPath(backup_directory) + " reads back differently");
    }
  }
  PhaseProgress progress(control, "verify", manifest.header.total_bytes);
  Copier copier(fs, &progress);
  for (const ManifestFile& file : manifest.files) {
    const std::string name = NameOf(file);
    if (std::find(read_already.begin(), read_already.end(), name) != read_already.end()) continue;
    const std::string path = backup_directory + "/" + name;
    uint32_t checksum = 0;
    uint64_t bytes = 0;
    Status status = copier.ChecksumOnDevice(path, &checksum, &bytes);
    if (status.code() == Code::kNotFound) {
      return Status(Code::kBackupCorrupt, path + " is missing; choose another backup");
    }
    PINNACLE_RETURN_IF_ERROR(std::move(status));
    if (bytes == file.bytes && checksum == file.checksum) continue;
    return Status(
        Code::kBackupCorrupt,
        path +
            (bytes == file.bytes ? " does not match its checksum in the manifest"
                                 : " has " + std::to_string(bytes) + " bytes instead of " +
                                       std::to_string(file.bytes)) +
            "; choose another backup");
  }
  return Status();
}

Status VerifyJournalOf(const Environment& environment, const std::string& backup_directory,
                       const Manifest& manifest, const SnapshotInfo* snapshot,
                       const WorkControl& control) {
  FileSystem* fs = environment.file_system;
  const ManifestHeader& header = manifest.header;
  Layout layout;
  PINNACLE_RETURN_IF_ERROR(ReadLayout(fs, backup_directory, false, &layout));
  ScanOptions options;
  options.all_segments = true;
  options.next_if_empty = header.snapshot_sequence + 1;
  options.known_durable = header.last_sequence;
  options.threads = environment.worker_threads;
  if (header.snapshot_sequence != 0) {
    SnapshotInfo read;
    const std::string path =
        SnapshotDirectory(backup_directory) + "/" + SnapshotName(header.snapshot_sequence);
    const JournalId id = JournalIdOf(header);
    if (snapshot == nullptr) PINNACLE_RETURN_IF_ERROR(VerifySnapshot(fs, path, &read, &id));
    const SnapshotInfo& info = snapshot == nullptr ? read : *snapshot;
    if (!(info.meta.journal_id == id)) {
      return Status(Code::kCorrupt, path + " is the snapshot of another journal");
    }
    // If it is not known (a version 1 salvage), no entry can prove the snapshot.
    if (info.meta.entry_checksum != 0) options.proof_sequence = info.meta.sequence;
    options.proof_checksum = info.meta.entry_checksum;
  }
  ProgressVisitor visitor(control);
  ScanResult scan;
  PINNACLE_RETURN_IF_ERROR(ScanJournal(fs, std::move(layout), options, &visitor, &scan));
  PINNACLE_RETURN_IF_ERROR(control.Check());
  if (scan.verdict.tail != Tail::kClean) return Status(Code::kCorrupt, scan.verdict.reason);
  const uint64_t last = std::max(scan.evidence.next_sequence - 1, header.snapshot_sequence);
  if (last != header.last_sequence) {
    return Status(Code::kCorrupt, "the journal ends with entry " + std::to_string(last) +
                                      " instead of " + std::to_string(header.last_sequence));
  }
  const uint64_t first = scan.segments.empty() ? 0 : scan.segments.front().first_sequence;
  if (first > header.snapshot_sequence + 1) {
    return Status(Code::kJournalGap, "the journal begins with entry " + std::to_string(first) +
                                         ", and no snapshot that verifies leads there");
  }
  return Status();
}

}  // namespace pinnacle
