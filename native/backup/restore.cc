#include "backup/restore.h"

#include <memory>
#include <utility>
#include <vector>

#include "backup/backup_directory.h"
#include "backup/verification.h"
#include "base/guarded.h"
#include "engine/recovery.h"
#include "journal/head_record.h"
#include "journal/layout.h"
#include "platform/file_system.h"
#include "platform/path_parts.h"
#include "platform/read_fully.h"
#include "snapshot/snapshot_directory.h"

namespace pinnacle {

namespace {

constexpr char kRestoringSuffix[] = ".restoring";

class Restorer {
 public:
  Restorer(const Environment& environment, const RestoreOptions& options,
           const WorkControl& control, RestoreReport* report)
      : environment_(environment),
        fs_(environment.file_system),
        options_(options),
        control_(control),
        report_(report) {}

  Status Restore() {
    *report_ = RestoreReport();
    PINNACLE_RETURN_IF_ERROR(CheckTarget());
    FoundBackup found;
    PINNACLE_RETURN_IF_ERROR(FindBackup(fs_, options_.backup, options_.sequence, &found));
    report_->backup = found.path;
    report_->manifest = std::move(found.manifest);
    // (Also if memory runs out, as the final recovery may find.)
    Status status = Guarded([this] { return Build(); });
    if (!status.ok() && !directory_.empty()) (void)RemoveTree(fs_, directory_);
    return status;
  }

 private:
  Status CheckTarget() {
    const std::string& target = options_.data_directory;
    PINNACLE_RETURN_IF_ERROR(fs_->Exists(target, &target_exists_));
    if (!target_exists_) return Status();
    std::vector<std::string> names;
    PINNACLE_RETURN_IF_ERROR(fs_->List(target, &names));
    if (names.empty()) return Status();
    return Status(Code::kAlreadyExists,
                  target +
                      " is not empty: a restore never overwrites anything; name a new "
                      "directory, or move this one away first");
  }

  Status Build() {
    const std::string directory = options_.data_directory + kRestoringSuffix;
    PINNACLE_RETURN_IF_ERROR(fs_->CreateDirectory(directory));
    PINNACLE_RETURN_IF_ERROR(
        fs_->Lock(directory, &lock_).WithContext("another restore is running there"));
    directory_ = directory;
    PINNACLE_RETURN_IF_ERROR(RemoveLeftovers());
    PINNACLE_RETURN_IF_ERROR(fs_->CreateDirectory(JournalDirectory(directory_)));
    PINNACLE_RETURN_IF_ERROR(fs_->CreateDirectory(SnapshotDirectory(directory_)));
    PhaseProgress progress(control_, "copy", report_->manifest.header.total_bytes);
    for (const ManifestFile& file : report_->manifest.files) {
      PINNACLE_RETURN_IF_ERROR(CopyFile(file, &progress));
    }
    PINNACLE_RETURN_IF_ERROR(fs_->SyncDirectory(JournalDirectory(directory_)));
    PINNACLE_RETURN_IF_ERROR(fs_->SyncDirectory(SnapshotDirectory(directory_)));
    PINNACLE_RETURN_IF_ERROR(fs_->SyncDirectory(directory_));
    PINNACLE_RETURN_IF_ERROR(Verify());
    return Publish();
  }

  // Of a restore that was killed.
  Status RemoveLeftovers() {
    std::vector<std::string> names;
    PINNACLE_RETURN_IF_ERROR(fs_->List(directory_, &names));
    for (const std::string& name : names) {
      if (name == "LOCK") continue;
      PINNACLE_RETURN_IF_ERROR(RemoveTree(fs_, directory_ + "/" + name));
    }
    return Status();
  }

  Status CopyFile(const ManifestFile& listed, PhaseProgress* progress) {
    const std::string path = report_->backup + "/" + NameOf(listed);
    std::unique_ptr<File> from;
    std::unique_ptr<File> to;
    Status opened = fs_->Open(path, OpenMode::kRead, &from);
    if (opened.code() == Code::kNotFound) {
      return Status(Code::kBackupCorrupt, path + " is missing; choose another backup");
    }
    PINNACLE_RETURN_IF_ERROR(std::move(opened));
    from->DropCache();
    PINNACLE_RETURN_IF_ERROR(fs_->Open(directory_ + "/" + NameOf(listed), OpenMode::kCreate, &to));
    PINNACLE_RETURN_IF_ERROR(Reserve(listed, *from, to.get()));
    uint32_t state = ~0u;
    uint64_t copied = 0;
    PINNACLE_RETURN_IF_ERROR(
        Copier(fs_, progress).Copy(*from, 0, listed.bytes, to.get(), &state, &copied));
    uint64_t size = 0;
    PINNACLE_RETURN_IF_ERROR(from->Size(&size));
    if (copied != listed.bytes || size != listed.bytes || ~state != listed.checksum) {
      return Status(Code::kBackupCorrupt,
                    path + " does not match the manifest; choose another backup");
    }
    report_->bytes += copied;
    return Status();
  }

  // A segment gets all its blocks, which read as zeros: no later store may find the disk full.
  Status Reserve(const ManifestFile& listed, const File& from, File* to) const {
    if (listed.kind != static_cast<uint32_t>(BackupFileKind::kSegment)) return Status();
    SegmentHeader header{};
    const SegmentFile name{listed.number, report_->backup + "/" + NameOf(listed)};
    Status status = ReadSegmentHeader(from, name, &header);
    if (status.code() == Code::kCorrupt || status.code() == Code::kNotOurFile) {
      return Status(Code::kBackupCorrupt, std::string(status.message()));
    }
    PINNACLE_RETURN_IF_ERROR(std::move(status));
    PINNACLE_RETURN_IF_ERROR(to->Preallocate(header.segment_bytes));
    bool done = false;
    PINNACLE_RETURN_IF_ERROR(to->ZeroBlocks(0, header.segment_bytes, &done));
    return Status();
  }

  // Verifies like a strict open, from the bytes on the device.
  Status Verify() {
    const ManifestHeader& header = report_->manifest.header;
    PhaseProgress progress(control_, "verify", header.total_bytes);
    for (const ManifestFile& listed : report_->manifest.files) {
      const std::string path = directory_ + "/" + NameOf(listed);
      std::unique_ptr<File> file;
      PINNACLE_RETURN_IF_ERROR(fs_->Open(path, OpenMode::kRead, &file));
      file->DropCache();
      uint32_t checksum = 0;
      uint64_t got = 0;
      PINNACLE_RETURN_IF_ERROR(
          Copier(fs_, &progress).Checksum(*file, listed.bytes, &checksum, &got));
      if (got != listed.bytes || checksum != listed.checksum) {
        return Status(Code::kIo, path + " reads back differently from how it was written");
      }
    }
    RecoveredState state;
    RecoveryReport& recovery = report_->recovery;
    const uint64_t start_ns = environment_.clock->MonotonicNs();
    PINNACLE_RETURN_IF_ERROR(
        ReadState(environment_, directory_, {}, control_.progress, &state, &recovery));
    recovery.duration_ns = environment_.clock->MonotonicNs() - start_ns;
    PINNACLE_RETURN_IF_ERROR(Refusal(directory_, state, recovery));
    if (recovery.tail != Tail::kClean || recovery.last_sequence != header.last_sequence ||
        !recovery.damaged_snapshots.empty()) {
      return Status(Code::kBackupCorrupt,
                    report_->backup + " restores to entry " +
                        std::to_string(recovery.last_sequence) + " instead of " +
                        std::to_string(header.last_sequence) + "; choose another backup");
    }
    return control_.Check();
  }

  Status Publish() {
    const std::string& target = options_.data_directory;
    if (target_exists_) {
      PINNACLE_RETURN_IF_ERROR(fs_->RemoveDirectory(target).WithContext(
          "the empty directory can't be replaced; name one that does not exist, such as one below "
          "it"));
    }
    // From here on the path contains the final name.
    std::string& snapshot = report_->recovery.snapshot_path;
    if (!snapshot.empty()) snapshot.replace(0, directory_.size(), target);
    PINNACLE_RETURN_IF_ERROR(fs_->Rename(directory_, target));
    directory_.clear();  // from here on it may exist, even after an error
    return fs_->SyncDirectory(ParentOf(target));
  }

  const Environment& environment_;
  FileSystem* const fs_;
  const RestoreOptions& options_;
  const WorkControl& control_;
  RestoreReport* const report_;
  std::unique_ptr<DirectoryLock> lock_;
  std::string directory_;  // with its temporary name; empty: there is nothing to remove
  bool target_exists_ = false;
};

}  // namespace

Status RestoreBackup(const Environment& environment, const RestoreOptions& options,
                     const WorkControl& control, RestoreReport* report) {
  return Restorer(environment, options, control, report).Restore();
}

}  // namespace pinnacle
