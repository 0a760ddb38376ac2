// Backups in the middle of everything else: alongside the writer, which continues meanwhile, with
// failing calls, power cuts and kills at any of their calls, and on a device that lies. A directory
// with a backup's name must restore to the model's state at its sequence, which its source must
// have too.
#include <algorithm>

#include "backup/backup.h"
#include "backup/backup_directory.h"
#include "backup/restore.h"
#include "simulator/simulation_run.h"

namespace pinnacle::simulation {
namespace {

constexpr char kBackups[] = "/b";
constexpr char kRestored[] = "/r";
constexpr size_t kMostBackups = 3;

// The disk with the restored directory in place of the one that was backed up.
DiskImage WithRestored(const DiskImage& image) {
  DiskImage moved;
  const std::string prefix = std::string(kRestored) + "/";
  moved.directories.insert(kDirectory);
  for (const std::string& path : image.directories) {
    if (path.starts_with(prefix)) {
      moved.directories.insert(kDirectory + path.substr(sizeof(kRestored) - 1));
    }
  }
  for (const auto& [path, content] : image.files) {
    if (path.starts_with(prefix)) {
      moved.files[kDirectory + path.substr(sizeof(kRestored) - 1)] = content;
    }
  }
  return moved;
}

}  // namespace

void EraseBackups(DiskImage* image) {
  const auto is_backup = [](const std::string& path) {
    return path == kBackups || path.starts_with(std::string(kBackups) + "/") ||
           path.starts_with(std::string(kDirectory) + "/consumers");
  };
  std::erase_if(image->files, [&](const auto& file) { return is_backup(file.first); });
  std::erase_if(image->directories, is_backup);
}

// What the writer does during a backup.
void Run::WriteBeside() {
  if (!ok() || dead_ || random_.Chance(0.6)) return;
  const uint64_t choice = random_.Below(10);
  if (choice < 4) {
    AppendSome();
  } else if (choice < 6) {
    Flush();
  } else if (choice < 8) {
    TakeSnapshot();
    if (ok() && !dead_ && random_.Chance(0.7)) Compact();
  } else {
    (void)engine_->journal()->PrepareStep();
  }
}

void Run::TakeBackup() {
  // The effects of the device's lies may be anywhere.
  if (lies_ > 0) return;
  BackupOptions options{kDirectory, kBackups, nullptr};
  if (random_.Chance(0.6)) {
    options.durable = [this] {
      (void)engine_->SyncNow();
      return engine_->durable();
    };
  }
  WorkControl control;
  control.piece_bytes = 16 * 1024;  // so that a segment may go while it is read
  control.after_piece = [this](uint64_t) { WriteBeside(); };
  backup_lies_ = random_.Chance(0.15);
  backup_lied_ = false;
  BackupReport report;
  const Status status = MakeBackup(world_->environment(), options, control, &report);
  backup_lies_ = false;
  Trace("backup: " + status.ToString() + ", to " +
        std::to_string(report.manifest.header.last_sequence) + ", snapshot " +
        std::to_string(report.manifest.header.snapshot_sequence) + ", " +
        std::to_string(report.shared_files) + " files shared, restarted " +
        std::to_string(report.restarts) + " times");
  if (dead_ || !ok()) return;
  if (status.ok()) {
    ++result_.counts.backups;
    Holds(report.manifest.header.last_sequence <= engine_->durable(),
          "a backup is ahead of the durable journal");
  } else {
    Holds(cause_ || backup_lied_ || !rotten_snapshots_.empty() || status.code() == Code::kBusy,
          "a backup failed without a cause: " + status.ToString());
  }
  Quiet quiet(&quiet_);
  PowerCutOptions nothing;
  nothing.unsynced = PowerCutOptions::Unsynced::kNothing;
  const DiskImage durable = world_->file_system().PowerCut(random_, nothing);
  const uint64_t found = CheckBackups(durable, engine_->durable());
  if (status.ok()) Holds(found == report.manifest.header.number, "a finished backup is not there");
  ForgetBackups(random_.Chance(0.2) ? 0 : kMostBackups);
}

// Each directory with a backup's name is one, and restores to what it says. `most`: no source ever
// had more. Returns the highest number.
uint64_t Run::CheckBackups(const DiskImage& image, uint64_t most) {
  Quiet quiet(&quiet_);
  SimulatedEnvironment world(random_.Next(), image);
  FileSystem* fs = world.environment().file_system;
  bool exists = false;
  std::vector<FoundBackup> backups;
  if (!fs->Exists(kBackups, &exists).ok() || !exists) return 0;
  if (!ListBackups(fs, kBackups, &backups).ok()) return 0;
  for (const FoundBackup& backup : backups) {
    const uint64_t last = backup.manifest.header.last_sequence;
    const std::string who = backup.path + ": ";
    if (!Holds(backup.status.ok(), who + backup.status.ToString()) ||
        !Holds(last <= most, who + "it has entries up to " + std::to_string(last) +
                                 ", its source only up to " + std::to_string(most))) {
      return 0;
    }
  }
  // One of them, usually the newest: each was checked when it was made.
  if (backups.empty()) return 0;
  const FoundBackup& chosen =
      random_.Chance(0.7) ? backups.back() : backups[random_.Below(backups.size())];
  RestoreReport report;
  const Status restored =
      RestoreBackup(world.environment(), {chosen.path, 0, kRestored}, {}, &report);
  if (!Holds(restored.ok(), chosen.path + ": it can't be restored: " + restored.ToString())) {
    return 0;
  }
  ++result_.counts.restores;
  PowerCutOptions nothing;
  nothing.unsynced = PowerCutOptions::Unsynced::kNothing;
  const DiskImage disk = WithRestored(world.file_system().PowerCut(random_, nothing));
  SimulatedEnvironment opened(random_.Next(), disk);
  std::unique_ptr<Engine> engine;
  RecoveryReport recovery;
  const Status status = Engine::Open(opened.environment(), options_, nullptr, &engine, &recovery);
  const std::string who = chosen.path + ", restored: ";
  if (!Holds(status.ok(), who + status.ToString()) ||
      !Holds(recovery.tail == Tail::kClean, who + "it is not clean: " + recovery.break_reason) ||
      !Holds(engine->appended() == chosen.manifest.header.last_sequence,
             who + "it has entries up to " + std::to_string(engine->appended()))) {
    return 0;
  }
  const std::string difference = DifferenceOf(opened, *engine, recovery);
  Holds(difference.empty(), who + difference);
  return backups.back().number;
}

// An operator removes the older ones.
void Run::ForgetBackups(size_t keep) {
  Quiet quiet(&quiet_);
  FileSystem* fs = world_->environment().file_system;
  bool exists = false;
  std::vector<FoundBackup> backups;
  if (!fs->Exists(kBackups, &exists).ok() || !exists) return;
  if (!ListBackups(fs, kBackups, &backups).ok()) return;
  // Renamed first: an interrupted removal would leave a backup that lacks files.
  static constexpr char kGone[] = "/b/gone";
  for (size_t i = 0; i + keep < backups.size(); ++i) {
    (void)RemoveTree(fs, kGone);
    if (!fs->SyncDirectory(kBackups).ok() || !fs->Rename(backups[i].path, kGone).ok()) return;
    if (!fs->SyncDirectory(kBackups).ok()) return;
    (void)RemoveTree(fs, kGone);
  }
  (void)fs->SyncDirectory(kBackups);
}

void Run::ForgetAllBackups() {
  Quiet quiet(&quiet_);
  FileSystem* fs = world_->environment().file_system;
  (void)RemoveTree(fs, kBackups);
  (void)fs->SyncDirectory("/");
}

}  // namespace pinnacle::simulation
