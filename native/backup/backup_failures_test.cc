// Backups and restores that are cut off.
#include "backup/backup.h"
#include "backup/backup_directory.h"
#include "backup/restore.h"
#include "doctest.h"
#include "engine/engine.h"
#include "engine/inspect.h"
#include "engine/mending.h"
#include "simulator/simulated_environment.h"
#include "test/backup_rig.h"
#include "test/temporary_directory.h"
#include "test/thoroughness.h"

namespace pinnacle {
namespace {

// The `at`-th call of a simulated file system fails, or is the last one before a power cut.
class Trouble {
 public:
  Trouble(SimulatedEnvironment* world, uint64_t at, bool cut)
      : world_(world), at_(at), random_(at) {
    world_->file_system().faults().SetHook([this, cut](CallKind kind, const std::string&) {
      if (kind == CallKind::kMark || ++calls_ < at_) return Fault();
      if (calls_ == at_ && cut) left_ = world_->file_system().PowerCut(random_);
      if (calls_ > at_ && !cut) return Fault();
      return Fault{.system_error = 5, .bytes = 0, .never_made = cut};
    });
  }
  void End() { world_->file_system().faults().Clear(); }
  bool came() const { return calls_ >= at_; }
  const DiskImage& left() const { return left_; }  // after a cut

 private:
  SimulatedEnvironment* const world_;
  const uint64_t at_;
  uint64_t calls_ = 0;
  DiskImage left_;
  DeterministicRandom random_;
};

// A directory with a backup's name restores to what it says, and the next backup works and removes
// what was left.
TEST_CASE("a backup that is cut off at any call is whole or absent") {
  for (const bool cut : {false, true}) {
    for (uint64_t at = 1;; at += (cut ? 3 : 2) * TestEvery()) {
      SimulatedEnvironment world(at);
      BackupRig rig(world.environment(), "");
      rig.Open();
      rig.Add(1500);
      rig.Snapshot();
      rig.Add(1200);
      REQUIRE(rig.engine->SyncNow().ok());
      rig.Backup();
      const uint64_t before = rig.engine->appended();
      rig.Add(300);
      REQUIRE(rig.engine->SyncNow().ok());
      const uint64_t last = rig.engine->appended();
      Trouble trouble(&world, at, cut);
      BackupReport report;
      const Status status = rig.TryBackup(&report);
      trouble.End();
      if (!trouble.came()) {
        CHECK(status.ok());
        break;
      }
      SimulatedEnvironment after(at, trouble.left());
      BackupRig next(cut ? after.environment() : world.environment(), "");
      next.options = rig.options;
      next.digests = rig.digests;
      std::vector<FoundBackup> backups;
      REQUIRE(ListBackups(next.env.file_system, "/backups", &backups).ok());
      REQUIRE(!backups.empty());
      for (const FoundBackup& backup : backups) {
        REQUIRE_MESSAGE(backup.status.ok(), backup.status.ToString());
        next.CheckRestores(backup.path, backup.number == 1 ? before : last);
      }
      if (status.ok()) CHECK(backups.size() == 2);
      if (!cut) {
        rig.Backup();
        std::vector<std::string> names;
        REQUIRE(next.env.file_system->List("/backups", &names).ok());
        for (const std::string& name : names) CHECK(!name.ends_with(".tmp"));
      }
    }
  }
}

TEST_CASE(
    "a restore that is cut off at any call leaves a whole directory or none, and can be repeated") {
  for (const bool cut : {false, true}) {
    for (uint64_t at = 1;; at += 2 * TestEvery()) {
      SimulatedEnvironment world(at);
      BackupRig rig(world.environment(), "");
      rig.Open();
      rig.Add(1500);
      REQUIRE(rig.engine->SyncNow().ok());
      const std::string backup = rig.Backup().path;
      Trouble trouble(&world, at, cut);
      RestoreReport report;
      const Status status = rig.TryRestore(backup, "/restored1", &report);
      trouble.End();
      if (!trouble.came()) {
        CHECK(status.ok());
        break;
      }
      SimulatedEnvironment after(at, trouble.left());
      BackupRig next(cut ? after.environment() : world.environment(), "");
      bool exists = false;
      REQUIRE(next.env.file_system->Exists("/restored1", &exists).ok());
      if (exists) {
        InspectReport inspected;
        REQUIRE(Inspect(next.env, "/restored1", nullptr, &inspected).ok());
        CHECK(inspected.recovery_status.ok());
        CHECK(inspected.recovery.last_sequence == 1501);
      } else {
        CHECK(!status.ok());
        next.options = rig.options;
        next.digests = rig.digests;
        next.CheckRestores(backup, 1501);
      }
    }
  }
}

}  // namespace
}  // namespace pinnacle
