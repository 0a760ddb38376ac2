#include "backup/backup.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "backup/backup_directory.h"
#include "backup/read_back_thread.h"
#include "backup/source.h"
#include "backup/verification.h"
#include "base/guarded.h"
#include "checksum/crc32c.h"
#include "engine/backup_mark.h"
#include "engine/recovery.h"
#include "journal/head_record.h"
#include "journal/journal_identity.h"
#include "journal/two_slots.h"
#include "platform/read_fully.h"
#include "snapshot/snapshot_directory.h"
#include "snapshot/snapshot_reader.h"

namespace pinnacle {

namespace {

// Each round finds less to copy than the one before: what earlier rounds copied is kept.
constexpr int kMostRounds = 30;

// A file of the backup that is being made.
struct Taken {
  ManifestFile listed{};
  uint32_t state = ~0u;  // checksum register, so that a segment can grow
  bool whole = false;    // nothing will follow
  bool shared = false;   // it is a file of an earlier backup too
};

class BackupMaker {
 public:
  BackupMaker(const Environment& environment, const BackupOptions& options,
              const WorkControl& control, BackupReport* report)
      : environment_(environment),
        fs_(environment.file_system),
        options_(options),
        control_(control),
        report_(report),
        read_back_(environment.file_system, control) {}

  Status Make() {
    *report_ = BackupReport();
    PINNACLE_RETURN_IF_ERROR(CheckSource(fs_, options_.data_directory));
    PINNACLE_RETURN_IF_ERROR(fs_->IsLocked(options_.data_directory, &journal_.live));
    PINNACLE_RETURN_IF_ERROR(PrepareDestination());
    // (Also where memory runs out midway: nothing is left of it.)
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
    Status synced = fs_->SyncDirectory(ParentDirectory(destination));
    // A directory that somebody else made may stand in one that we may not read.
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
      // Beside a writer a file may be gone, or look damaged, because it was taken away.
      const bool moved = status.code() == Code::kNotFound || status.code() == Code::kCorrupt ||
                         status.code() == Code::kBusy || status.code() == Code::kJournalGap;
      if (!status.ok() && (!moved || !MayHaveMoved(status))) return status;
      if (!status.ok() || !complete) {
        ++report_->restarts;
        continue;
      }
      // Beside a writer the full segments come first; then what it appended meanwhile, and the end.
      if (caught_up_ || !journal_.live) return Finish();
      caught_up_ = true;
    }
    if (status.code() == Code::kCorrupt) return status;
    return Status(Code::kBusy,
                  options_.data_directory +
                      ": the writer compacts faster than it can be copied; try again when it is "
                      "less busy, or raise keepSnapshots");
  }

  // Trouble that is found twice with nothing changed in between is there.
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
    std::unique_ptr<File> mark;
    PINNACLE_RETURN_IF_ERROR(fs_->Open(ManifestPath(directory_), OpenMode::kCreate, &mark));
    PINNACLE_RETURN_IF_ERROR(fs_->CreateDirectory(JournalDirectory(directory_)));
    return fs_->CreateDirectory(SnapshotDirectory(directory_));
  }

  // Takes what is not there yet. `*complete` false: a file was taken away while it was copied.
  Status Round(bool* complete) {
    *complete = false;
    PINNACLE_RETURN_IF_ERROR(TakeSnapshotFile());
    PINNACLE_RETURN_IF_ERROR(LookAtJournal(environment_, options_.data_directory,
                                           snapshot_.meta.sequence, options_.durable, &journal_));
    PINNACLE_RETURN_IF_ERROR(CheckIdentity());
    PINNACLE_RETURN_IF_ERROR(DropUnneeded());
    // Beside a writer one busy thread is enough.
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

  // A writer that opened the directory anew may have cut what was not durable; then all of it is
  // taken again. Backups of one journal never share a directory with those of another one.
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

  // `*taken` false: it does not verify in the source.
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
    PINNACLE_RETURN_IF_ERROR(ShareOrCopy(*from, bytes, &progress, &copy));
    // As recovery does it: one of another journal is as good as damaged.
    std::optional<JournalId> id;
    PINNACLE_RETURN_IF_ERROR(FindJournalId(fs_, options_.data_directory, &id));
    SnapshotInfo info;
    Status status = VerifySnapshot(fs_, PathOf(copy), &info, id ? &*id : nullptr);
    if (status.ok()) {
      PINNACLE_RETURN_IF_ERROR(ForgetSnapshot());
      snapshot_ = info;
      snapshot_file_ = copy;
      *taken = true;
      return Status();
    }
    PINNACLE_RETURN_IF_ERROR(fs_->Remove(PathOf(copy)));
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
      PINNACLE_RETURN_IF_ERROR(fs_->Remove(PathOf(snapshot_file_)));
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
    // Grown since: its first page may have another link, so it is taken anew.
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
      PINNACLE_RETURN_IF_ERROR(ShareOrCopy(*from, bytes, progress, &copy));
      copy.listed.checksum = ~copy.state;
      if (!copy.shared) read_back_.Add(directory_, copy.listed);
    } else {
      PINNACLE_RETURN_IF_ERROR(CopyEnd(*from, segment, progress, &copy));
    }
    segments_[segment.file.index] = copy;
    return Status();
  }

  static bool IsTaken(const Taken& taken, const SourceSegment& segment) {
    return taken.whole || (!segment.whole && taken.listed.last_sequence == segment.last_sequence &&
                           taken.listed.link == segment.link.link);
  }

  // The last segment: its marks may speak of entries that are not taken.
  Status CopyEnd(const File& from, const SourceSegment& segment, PhaseProgress* progress,
                 Taken* copy) {
    std::vector<uint8_t> page(kSegmentHeaderBytes);
    size_t got = 0;
    PINNACLE_RETURN_IF_ERROR(ReadFully(from, 0, page, &got));
    for (const uint64_t offset : kFrontierMarkOffsets) {
      std::fill_n(page.begin() + static_cast<ptrdiff_t>(offset), sizeof(FrontierMark), uint8_t{0});
    }
    if (segment.last_sequence != 0) {
      const FrontierMark mark =
          MakeFrontierMark(SeedOfSegment(segment.header.segment_id), segment.last_sequence, 1,
                           environment_.clock->NowNs());
      std::memcpy(page.data() + kFrontierMarkOffsets[1], &mark, sizeof(mark));
    }
    copy->listed.link = ReadLink(page, segment.header).link;
    copy->state = Crc32cExtend(~0u, page.data(), page.size());
    std::unique_ptr<File> to;
    PINNACLE_RETURN_IF_ERROR(fs_->Open(PathOf(*copy), OpenMode::kCreate, &to));
    PINNACLE_RETURN_IF_ERROR(to->Write(0, page));
    Copier copier(fs_, progress, sync_bytes());
    uint64_t copied = 0;
    PINNACLE_RETURN_IF_ERROR(
        copier.Copy(from, page.size(), segment.bytes, to.get(), &copy->state, &copied));
    copy->listed.bytes = page.size() + copied;
    return Status();
  }

  // As a second name of an earlier backup's file, if that is the same, and else as a copy.
  Status ShareOrCopy(const File& from, uint64_t bytes, PhaseProgress* progress, Taken* copy) {
    Copier copier(fs_, progress, sync_bytes());
    std::string earlier_path;
    const ManifestFile* earlier = FindEarlier(*copy, bytes, &earlier_path);
    if (earlier != nullptr) {
      uint32_t checksum = 0;
      uint64_t got = 0;
      PINNACLE_RETURN_IF_ERROR(copier.Checksum(from, bytes, &checksum, &got));
      if (got == bytes && checksum == earlier->checksum) {
        PINNACLE_RETURN_IF_ERROR(Share(earlier_path, checksum, bytes, copy));
        if (copy->shared) return Status();
      }
    }
    std::unique_ptr<File> to;
    PINNACLE_RETURN_IF_ERROR(fs_->Open(PathOf(*copy), OpenMode::kCreate, &to));
    copy->state = ~0u;
    return copier.Copy(from, 0, bytes, to.get(), &copy->state, &copy->listed.bytes);
  }

  Status Share(const std::string& path, uint32_t checksum, uint64_t bytes, Taken* copy) {
    bool done = false;
    Status linked = fs_->Link(path, PathOf(*copy), &done);
    // It was removed with its backup meanwhile.
    if (linked.code() == Code::kNotFound) return Status();
    PINNACLE_RETURN_IF_ERROR(std::move(linked));
    if (!done) return Status();
    PhaseProgress unseen(control_, "verify", bytes);
    uint32_t found = 0;
    uint64_t got = 0;
    PINNACLE_RETURN_IF_ERROR(Copier(fs_, &unseen).ChecksumOnDevice(PathOf(*copy), &found, &got));
    if (got != bytes || found != checksum) {
      report_->damaged_backups.push_back(path);
      return fs_->Remove(PathOf(*copy));
    }
    copy->shared = true;
    copy->state = ~checksum;
    copy->listed.bytes = bytes;
    return Status();
  }

  // The newest earlier backup's file that should have the same bytes.
  const ManifestFile* FindEarlier(const Taken& wanted, uint64_t bytes, std::string* path) const {
    for (auto backup = earlier_.rbegin(); backup != earlier_.rend(); ++backup) {
      if (!backup->status.ok()) continue;
      for (const ManifestFile& file : backup->manifest.files) {
        if (file.kind != wanted.listed.kind || file.number != wanted.listed.number ||
            file.bytes != bytes || file.segment_id != wanted.listed.segment_id ||
            file.link != wanted.listed.link) {
          continue;
        }
        *path = backup->path + "/" + NameOf(file);
        if (std::find(report_->damaged_backups.begin(), report_->damaged_backups.end(), *path) !=
            report_->damaged_backups.end()) {
          continue;
        }
        return &file;
      }
    }
    return nullptr;
  }

  // What a newer snapshot makes unneeded, or what is another segment now.
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
    const std::string path = PathOf(found->second);
    read_back_.Forget(found->second.listed);
    segments_.erase(found);
    return fs_->Remove(path);
  }

  Status ForgetAll() {
    while (!segments_.empty()) PINNACLE_RETURN_IF_ERROR(Forget(segments_.begin()->first));
    return Status();
  }

  uint64_t sync_bytes() const { return journal_.live ? Copier::kPoliteSyncBytes : UINT64_MAX; }

  std::string PathOf(const Taken& taken) const { return directory_ + "/" + NameOf(taken.listed); }

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
    directory_.clear();  // from here on it may be there, whatever comes
    report_->path = path;
    return fs_->SyncDirectory(options_.destination);
  }

  Status VerifyFinished() {
    if (!options_.verify) return Status();
    std::vector<std::string> read_back = read_back_.Confirmed();
    // Shared ones were read when they were linked.
    for (const auto& [index, taken] : segments_) {
      if (taken.shared) read_back.push_back(NameOf(taken.listed));
    }
    if (snapshot_file_.shared) read_back.push_back(NameOf(snapshot_file_.listed));
    PINNACLE_RETURN_IF_ERROR(ReadBack(fs_, directory_, report_->manifest, read_back, control_));
    Status status =
        VerifyJournalOf(environment_, directory_, report_->manifest, &snapshot_, control_);
    if (status.code() != Code::kCorrupt) return status;
    // The copy is what was read, so the source is like that.
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
  std::string trouble_;     // what the last round found, and of what state

  ReadBackThread read_back_;

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
