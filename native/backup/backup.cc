#include "backup/backup.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "backup/backup_directory.h"
#include "backup/read_back_thread.h"
#include "backup/source.h"
#include "backup/taken_files.h"
#include "backup/verification.h"
#include "base/guarded.h"
#include "checksum/crc32c.h"
#include "engine/backup_mark.h"
#include "engine/recovery.h"
#include "journal/head_record.h"
#include "journal/journal_identity.h"
#include "journal/layout.h"
#include "journal/two_slots.h"
#include "platform/path_parts.h"
#include "snapshot/snapshot_directory.h"
#include "snapshot/snapshot_reader.h"

namespace pinnacle {

namespace {

// Each round has less to copy than the previous one: the copies of earlier rounds are kept.
constexpr int kMostRounds = 30;

class BackupMaker {
 public:
  BackupMaker(const Environment& environment, const BackupOptions& options,
              const WorkControl& control, BackupReport* report)
      : environment_(environment),
        fs_(environment.file_system),
        options_(options),
        control_(control),
        report_(report),
        read_back_(environment.file_system, control),
        files_(environment, control, journal_, &report->damaged_backups) {}

  Status Make() {
    *report_ = BackupReport();
    PINNACLE_RETURN_IF_ERROR(CheckSource(fs_, options_.data_directory));
    PINNACLE_RETURN_IF_ERROR(fs_->IsLocked(options_.data_directory, &journal_.live));
    PINNACLE_RETURN_IF_ERROR(PrepareDestination());
    // (Also if memory runs out midway: no partial backup remains.)
    Status status = Guarded([this] { return Fill(); });
    if (!status.ok() && !directory_.empty()) (void)RemoveTree(fs_, directory_);
    return status;
  }

 private:
  Status PrepareDestination() {
    const std::string& destination = options_.destination;
    bool exists = false;
    PINNACLE_RETURN_IF_ERROR(fs_->Exists(destination, &exists));
    if (!exists) PINNACLE_RETURN_IF_ERROR(fs_->CreateDirectory(destination));
    Status synced = fs_->SyncDirectory(ParentOf(destination));
    // The parent of a directory made by someone else may be unreadable for us.
    if (!synced.ok() && !(exists && synced.code() == Code::kPermission)) return synced;
    PINNACLE_RETURN_IF_ERROR(fs_->Exists(HeadPath(destination), &exists));
    bool journal = false;
    PINNACLE_RETURN_IF_ERROR(fs_->Exists(JournalDirectory(destination), &journal));
    if (exists || journal) {
      return Status(Code::kInvalidOperation,
                    destination + " is a data directory; give backups a directory of their own");
    }
    PINNACLE_RETURN_IF_ERROR(
        fs_->Lock(destination, &lock_).WithContext("another backup is being made there"));
    uint64_t highest = 0;
    PINNACLE_RETURN_IF_ERROR(RemoveStaleBackups(fs_, destination, &highest));
    number_ = highest + 1;
    PINNACLE_RETURN_IF_ERROR(ListBackups(fs_, destination, &earlier_));
    return Status();
  }

  Status Fill() {
    PINNACLE_RETURN_IF_ERROR(MakeDirectory());
    Status status;
    for (int round = 0; round < kMostRounds; ++round) {
      PINNACLE_RETURN_IF_ERROR(control_.Check());
      bool complete = false;
      status = Round(&complete);
      // With a live writer a file may be missing or look damaged because the writer removed or
      // reused it.
      const bool moved = status.code() == Code::kNotFound || status.code() == Code::kCorrupt ||
                         status.code() == Code::kBusy || status.code() == Code::kJournalGap;
      if (!status.ok() && (!moved || !MayHaveMoved(status))) return status;
      if (!status.ok() || !complete) {
        ++report_->restarts;
        continue;
      }
      // With a live writer the full segments are copied first, then what it has appended since, and
      // the end.
      if (caught_up_ || !journal_.live) return Finish();
      caught_up_ = true;
    }
    if (status.code() == Code::kCorrupt) return status;
    return Status(Code::kBusy,
                  options_.data_directory +
                      ": the writer compacts faster than it can be copied; try again when it is "
                      "less busy, or raise keepSnapshots");
  }

  // A problem found twice without a change in between is real.
  bool MayHaveMoved(const Status& status) {
    HeadFinding head;
    if (!ReadHead(fs_, options_.data_directory, &head).ok()) return false;
    std::vector<SnapshotFile> snapshots;
    if (!ListSnapshots(fs_, SnapshotDirectory(options_.data_directory), &snapshots).ok()) {
      return false;
    }
    const std::string now = std::to_string(head.record.counter) + " " +
                            std::to_string(snapshots.empty() ? 0 : snapshots.back().sequence) +
                            status.ToString();
    return std::exchange(trouble_, now) != now;
  }

  Status MakeDirectory() {
    const std::string directory = options_.destination + "/" + TemporaryBackupName(number_);
    PINNACLE_RETURN_IF_ERROR(fs_->CreateDirectory(directory));
    directory_ = directory;
    files_.Use(directory_, &earlier_);
    std::unique_ptr<File> mark;
    PINNACLE_RETURN_IF_ERROR(fs_->Open(ManifestPath(directory_), OpenMode::kCreate, &mark));
    PINNACLE_RETURN_IF_ERROR(fs_->CreateDirectory(JournalDirectory(directory_)));
    return fs_->CreateDirectory(SnapshotDirectory(directory_));
  }

  // Copies what is missing. `*complete` is false if a file was taken away during the copy.
  Status Round(bool* complete) {
    *complete = false;
    PINNACLE_RETURN_IF_ERROR(TakeSnapshotFile());
    PINNACLE_RETURN_IF_ERROR(LookAtJournal(environment_, options_.data_directory,
                                           snapshot_.meta.sequence, options_.durable, &journal_));
    PINNACLE_RETURN_IF_ERROR(CheckIdentity());
    PINNACLE_RETURN_IF_ERROR(DropUnneeded());
    // With a live writer one busy thread is enough.
    if (environment_.worker_threads > 0 && options_.verify && !journal_.live) read_back_.Start();
    uint64_t missing = 0;
    for (const SourceSegment& segment : journal_.segments) {
      const auto taken = segments_.find(segment.file.index);
      missing +=
          segment.bytes -
          (taken == segments_.end() ? 0 : std::min(taken->second.listed.bytes, segment.bytes));
    }
    PhaseProgress progress(control_, "copy", missing);
    for (const SourceSegment& segment : journal_.segments) {
      if (!segment.whole && journal_.live && !caught_up_) continue;
      PINNACLE_RETURN_IF_ERROR(TakeSegment(segment, &progress));
      bool there = false;
      PINNACLE_RETURN_IF_ERROR(IsStillThere(fs_, segment, &there));
      if (there) continue;
      return Forget(segment.file.index);
    }
    *complete = true;
    return Status();
  }

  // A writer that reopened the directory may have cut entries that were not durable; then
  // everything is copied again. Backups of different journals never share a directory.
  Status CheckIdentity() {
    const uint64_t epoch = journal_.head.record.epoch;
    if (!segments_.empty() && epoch != epoch_) PINNACLE_RETURN_IF_ERROR(ForgetAll());
    epoch_ = epoch;
    for (const FoundBackup& backup : earlier_) {
      if (!backup.status.ok() || JournalIdOf(backup.manifest.header) == journal_.journal_id) {
        continue;
      }
      return Status(Code::kInvalidOperation,
                    options_.destination + " holds backups of another journal (" +
                        JournalIdText(JournalIdOf(backup.manifest.header)) +
                        "); give each data directory a directory of its own");
    }
    return Status();
  }

  // The newest snapshot of the source that verifies.
  Status TakeSnapshotFile() {
    std::vector<SnapshotFile> files;
    const std::string directory = SnapshotDirectory(options_.data_directory);
    PINNACLE_RETURN_IF_ERROR(ListSnapshots(fs_, directory, &files));
    for (auto file = files.rbegin(); file != files.rend(); ++file) {
      if (snapshot_.meta.sequence == file->sequence) return Status();  // taken already
      if (IsKnownDamaged(file->path)) continue;
      bool taken = false;
      PINNACLE_RETURN_IF_ERROR(TakeSnapshot(*file, &taken));
      if (taken) return Status();
    }
    return ForgetSnapshot();
  }

  bool IsKnownDamaged(const std::string& path) const {
    return std::any_of(report_->damaged_snapshots.begin(), report_->damaged_snapshots.end(),
                       [&](const SnapshotFinding& finding) { return finding.info.path == path; });
  }

  // `*taken` is false if it does not verify in the source.
  Status TakeSnapshot(const SnapshotFile& file, bool* taken) {
    *taken = false;
    std::unique_ptr<File> from;
    uint64_t bytes = 0;
    PINNACLE_RETURN_IF_ERROR(fs_->Open(file.path, OpenMode::kRead, &from));
    PINNACLE_RETURN_IF_ERROR(from->Size(&bytes));
    Taken copy;
    copy.whole = true;
    copy.listed.kind = static_cast<uint32_t>(BackupFileKind::kSnapshot);
    copy.listed.number = file.sequence;
    PhaseProgress progress(control_, "snapshot", bytes);
    PINNACLE_RETURN_IF_ERROR(files_.ShareOrCopy(*from, bytes, &progress, &copy));
    // As in recovery, a snapshot of another journal counts as damaged.
    std::optional<JournalId> id;
    PINNACLE_RETURN_IF_ERROR(FindJournalId(fs_, options_.data_directory, &id));
    SnapshotInfo info;
    Status status = VerifySnapshot(fs_, files_.PathOf(copy), &info, id ? &*id : nullptr);
    if (status.ok()) {
      PINNACLE_RETURN_IF_ERROR(ForgetSnapshot());
      snapshot_ = info;
      snapshot_file_ = copy;
      *taken = true;
      return Status();
    }
    PINNACLE_RETURN_IF_ERROR(fs_->Remove(files_.PathOf(copy)));
    if (status.code() != Code::kSnapshotCorrupt) return status;
    SnapshotFinding finding;
    finding.info.path = file.path;
    finding.info.meta.sequence = file.sequence;
    SnapshotInfo original;
    finding.status = VerifySnapshotOnDevice(fs_, file.path, &original, id ? &*id : nullptr);
    if (finding.status.ok()) {
      return Status(Code::kIo, "the copy of " + file.path +
                                   " reads back differently: " + std::string(status.message()));
    }
    if (finding.status.code() != Code::kSnapshotCorrupt) return finding.status;
    report_->damaged_snapshots.push_back(std::move(finding));
    return Status();
  }

  Status ForgetSnapshot() {
    if (snapshot_file_.listed.kind != 0) {
      PINNACLE_RETURN_IF_ERROR(fs_->Remove(files_.PathOf(snapshot_file_)));
    }
    snapshot_ = SnapshotInfo();
    snapshot_file_ = Taken();
    return Status();
  }

  Status TakeSegment(const SourceSegment& segment, PhaseProgress* progress) {
    const auto found = segments_.find(segment.file.index);
    if (found != segments_.end() && IsTaken(found->second, segment)) return Status();
    std::unique_ptr<File> from;
    uint64_t size = 0;
    PINNACLE_RETURN_IF_ERROR(fs_->Open(segment.file.path, OpenMode::kRead, &from));
    PINNACLE_RETURN_IF_ERROR(from->Size(&size));
    const uint64_t bytes = std::min(size, segment.bytes);
    // It has grown, and its first page may have another link, so it is copied again.
    if (found != segments_.end()) PINNACLE_RETURN_IF_ERROR(Forget(segment.file.index));
    Taken copy;
    copy.whole = segment.whole;
    copy.listed.kind = static_cast<uint32_t>(BackupFileKind::kSegment);
    copy.listed.number = segment.file.index;
    copy.listed.segment_id = segment.header.segment_id;
    copy.listed.link = segment.link.link;
    copy.listed.first_sequence = segment.first_sequence;
    copy.listed.last_sequence = segment.last_sequence;
    if (segment.whole) {
      PINNACLE_RETURN_IF_ERROR(files_.ShareOrCopy(*from, bytes, progress, &copy));
      copy.listed.checksum = ~copy.state;
      if (!copy.shared) read_back_.Add(directory_, copy.listed);
    } else {
      PINNACLE_RETURN_IF_ERROR(files_.CopyEnd(*from, segment, progress, &copy));
    }
    segments_[segment.file.index] = copy;
    return Status();
  }

  static bool IsTaken(const Taken& taken, const SourceSegment& segment) {
    return taken.whole || (!segment.whole && taken.listed.last_sequence == segment.last_sequence &&
                           taken.listed.link == segment.link.link);
  }

  // Drops files that a newer snapshot makes unneeded, and segments that were reused.
  Status DropUnneeded() {
    std::vector<uint64_t> dropped;
    for (const auto& [index, taken] : segments_) {
      const auto same = [&, &listed = taken.listed](const SourceSegment& segment) {
        return segment.file.index == listed.number &&
               segment.header.segment_id == listed.segment_id &&
               (!segment.whole || segment.last_sequence >= listed.last_sequence);
      };
      if (std::none_of(journal_.segments.begin(), journal_.segments.end(), same)) {
        dropped.push_back(index);
      }
    }
    for (const uint64_t index : dropped) PINNACLE_RETURN_IF_ERROR(Forget(index));
    return Status();
  }

  Status Forget(uint64_t index) {
    const auto found = segments_.find(index);
    const std::string path = files_.PathOf(found->second);
    read_back_.Forget(found->second.listed);
    segments_.erase(found);
    return fs_->Remove(path);
  }

  Status ForgetAll() {
    while (!segments_.empty()) PINNACLE_RETURN_IF_ERROR(Forget(segments_.begin()->first));
    return Status();
  }

  Status WriteHead(ManifestFile* listed) {
    HeadRecord record = journal_.head.valid ? journal_.head.record : HeadRecord{};
    NameNoWindow(&record);
    record.journal_id_low = journal_.journal_id.low;
    record.journal_id_high = journal_.journal_id.high;
    record.oldest_index = record.oldest_id = record.newest_index = record.newest_id = 0;
    record.newest_link = record.newest_link_before = record.ready_index = record.ready_id = 0;
    if (!segments_.empty()) {
      const ManifestFile& oldest = segments_.begin()->second.listed;
      const ManifestFile& newest = segments_.rbegin()->second.listed;
      record.oldest_index = oldest.number;
      record.oldest_id = oldest.segment_id;
      record.newest_index = newest.number;
      record.newest_id = newest.segment_id;
      record.newest_link = newest.link;
    }
    record.durable_sequence = journal_.last_sequence;
    record.timestamp_ns = environment_.clock->NowNs();
    std::vector<uint8_t> bytes(kSlotFileBytes);
    EncodeHeadFile(record, bytes);
    std::unique_ptr<File> file;
    PINNACLE_RETURN_IF_ERROR(fs_->Open(HeadPath(directory_), OpenMode::kCreate, &file));
    PINNACLE_RETURN_IF_ERROR(file->Write(0, bytes));
    PINNACLE_RETURN_IF_ERROR(file->Sync());
    listed->kind = static_cast<uint32_t>(BackupFileKind::kHead);
    listed->bytes = bytes.size();
    listed->checksum = Crc32c(bytes);
    return Status();
  }

  void List(const Taken& taken) {
    ManifestFile listed = taken.listed;
    listed.checksum = ~taken.state;
    report_->manifest.files.push_back(listed);
    (taken.shared ? report_->shared_bytes : report_->copied_bytes) += listed.bytes;
    report_->shared_files += taken.shared ? 1 : 0;
  }

  Status Finish() {
    Manifest& manifest = report_->manifest;
    ManifestFile head{};
    PINNACLE_RETURN_IF_ERROR(WriteHead(&head));
    manifest.files.push_back(head);
    report_->copied_bytes += head.bytes;
    if (snapshot_file_.listed.kind != 0) List(snapshot_file_);
    for (const auto& [index, taken] : segments_) List(taken);
    ManifestHeader& header = manifest.header;
    header.journal_id_low = journal_.journal_id.low;
    header.journal_id_high = journal_.journal_id.high;
    header.number = number_;
    header.epoch = epoch_;
    header.first_sequence = segments_.empty() ? 0 : segments_.begin()->second.listed.first_sequence;
    header.last_sequence = journal_.last_sequence;
    header.snapshot_sequence = snapshot_.meta.sequence;
    header.created_ns = environment_.clock->NowNs();
    PINNACLE_RETURN_IF_ERROR(WriteManifest(fs_, directory_, &manifest));
    PINNACLE_RETURN_IF_ERROR(fs_->SyncDirectory(JournalDirectory(directory_)));
    PINNACLE_RETURN_IF_ERROR(fs_->SyncDirectory(SnapshotDirectory(directory_)));
    PINNACLE_RETURN_IF_ERROR(fs_->SyncDirectory(directory_));
    PINNACLE_RETURN_IF_ERROR(VerifyFinished());
    const std::string path = options_.destination + "/" + BackupName(number_, header.last_sequence);
    PINNACLE_RETURN_IF_ERROR(fs_->Rename(directory_, path));
    directory_.clear();  // from here on it may exist, even after an error
    report_->path = path;
    return fs_->SyncDirectory(options_.destination);
  }

  Status VerifyFinished() {
    if (!options_.verify) return Status();
    std::vector<std::string> read_back = read_back_.Confirmed();
    // Shared files were read when they were linked.
    for (const auto& [index, taken] : segments_) {
      if (taken.shared) read_back.push_back(NameOf(taken.listed));
    }
    if (snapshot_file_.shared) read_back.push_back(NameOf(snapshot_file_.listed));
    PINNACLE_RETURN_IF_ERROR(ReadBack(fs_, directory_, report_->manifest, read_back, control_));
    Status status =
        VerifyJournalOf(environment_, directory_, report_->manifest, &snapshot_, control_);
    if (status.code() != Code::kCorrupt) return status;
    // The copy equals what was read, so the source itself is damaged.
    return Status(Code::kCorrupt, std::string(status.message()) +
                                      ". A damaged journal is not backed up: look with `pinnacle "
                                      "verify " +
                                      options_.data_directory + "`");
  }

  const Environment& environment_;
  FileSystem* const fs_;
  const BackupOptions& options_;
  const WorkControl& control_;
  BackupReport* const report_;

  std::unique_ptr<DirectoryLock> lock_;
  std::vector<FoundBackup> earlier_;
  uint64_t number_ = 0;
  uint64_t epoch_ = 0;
  std::string directory_;   // with its temporary name; empty: there is nothing to remove
  bool caught_up_ = false;  // the full segments were taken once
  std::string trouble_;     // the last round's problem, and the state it was found in

  ReadBackThread read_back_;
  FileTaker files_;

  SnapshotInfo snapshot_;  // taken; sequence 0: none
  Taken snapshot_file_;
  SourceJournal journal_;  // as the last round saw it
  std::map<uint64_t, Taken> segments_;
};

}  // namespace

Status MakeBackup(const Environment& environment, const BackupOptions& options,
                  const WorkControl& control, BackupReport* report) {
  return BackupMaker(environment, options, control, report).Make();
}

}  // namespace pinnacle
