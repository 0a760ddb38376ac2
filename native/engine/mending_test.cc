// A repair that is killed, loses power, or meets a failing call, at every call of an open with a
// policy: the directory then opens as before, or as after, and nothing is lost.
#include "engine/mending.h"

#include <cerrno>

#include "engine/inspect.h"
#include "platform/path_parts.h"
#include "test/damaged_directories.h"
#include "test/thoroughness.h"

namespace pinnacle {
namespace {

using Unsynced = PowerCutOptions::Unsynced;

constexpr RecoveryPolicy kPolicies[] = {RecoveryPolicy::kPointInTime, RecoveryPolicy::kSalvage};

std::string Segment(uint64_t index) { return "/d/journal/" + SegmentName(index); }
std::string SnapshotPath(uint64_t sequence) { return "/d/snapshots/" + SnapshotName(sequence); }

struct Damaged {
  std::string name;
  DiskImage disk;
};

// Five segments or more: a snapshot in the first, one in the third, orders and payloads after each.
struct Base {
  DiskImage disk;
  uint64_t older = 0;  // snapshots
  uint64_t newer = 0;

  Base() {
    SoundDirectory directory;
    directory.Orders(15).Snapshot();
    older = directory.appended();
    directory.Orders(3).Payloads(14).Orders(6).Snapshot();
    newer = directory.appended();
    directory.Orders(3).Payloads(13).Orders(6);
    disk = directory.Close();
  }
};

// The place of the line with this sequence.
struct Place {
  std::string path;
  uint64_t offset = 0;
};

Place Find(const DiskImage& disk, uint64_t sequence) {
  SimulatedEnvironment world(1, disk);
  JournalEntries visitor;
  ScanResult scan;
  REQUIRE(ScanJournal(&world.file_system(), "/d/journal", {}, &visitor, &scan).ok());
  for (const JournalEntry& entry : visitor.entries) {
    if (entry.last == sequence && !entry.is_hole) return {Segment(entry.segment), entry.offset};
  }
  FAIL("no entry ", sequence);
  return {};
}

DiskImage WithDamagedEntry(DiskImage disk, uint64_t sequence) {
  const Place place = Find(disk, sequence);
  REQUIRE(disk.files.at(place.path).FlipBit(place.offset + 30, 1));
  return disk;
}

DiskImage WithDamagedSnapshot(DiskImage disk, uint64_t sequence) {
  REQUIRE(disk.files.at(SnapshotPath(sequence)).FlipBit(4200, 3));
  return disk;
}

std::vector<Damaged> MakeDamaged() {
  const Base base;
  std::vector<Damaged> all;
  all.push_back({"an entry after the snapshots", WithDamagedEntry(base.disk, base.newer + 6)});
  all.push_back(
      {"an entry before the newest snapshot", WithDamagedEntry(base.disk, base.newer - 1)});
  {
    DiskImage disk = base.disk;
    REQUIRE(disk.files.erase(Segment(2)) == 1);
    all.push_back({"a missing segment below the snapshot", disk});
    disk = base.disk;
    REQUIRE(disk.files.erase(Segment(4)) == 1);
    all.push_back({"a missing segment above it", disk});
  }
  {
    DiskImage disk = base.disk;
    for (const uint64_t offset : {100u, 4196u}) {
      REQUIRE(disk.files.at("/d/HEAD").FlipBit(offset, 1));
    }
    all.push_back({"a damaged head record", disk});
  }
  {
    DiskImage disk = WithDamagedEntry(base.disk, base.older + 1);
    disk.files[SnapshotPath(base.newer + 3)] = disk.files.at(SnapshotPath(base.newer));
    disk.files.erase(SnapshotPath(base.newer));
    all.push_back({"a renamed snapshot and an entry after the other one", disk});
  }
  {
    DiskImage disk = WithDamagedSnapshot(WithDamagedSnapshot(base.disk, base.older), base.newer);
    all.push_back({"both snapshots and an entry", WithDamagedEntry(disk, base.older + 1)});
  }
  {
    // An earlier repair left a hole that the newest snapshot covers; then that one rots.
    SimulatedEnvironment world(5, WithDamagedEntry(base.disk, base.newer - 1));
    std::unique_ptr<Engine> engine;
    RecoveryReport report;
    REQUIRE(Engine::Open(world.environment(), SmallOptions(RecoveryPolicy::kSalvage), nullptr,
                         &engine, &report)
                .ok());
    REQUIRE(engine->Close().ok());
    all.push_back(
        {"the snapshot that covers a hole",
         WithDamagedSnapshot(ImageOf(world.file_system(), Unsynced::kNothing), base.newer)});
  }
  return all;
}

const std::vector<Damaged>& AllDamaged() {
  static const std::vector<Damaged> all = MakeDamaged();
  return all;
}

bool IsChange(CallKind kind) {
  return kind != CallKind::kRead && kind != CallKind::kSize && kind != CallKind::kList &&
         kind != CallKind::kExists;
}

// One damaged directory and one policy: what the repair makes of it if nothing interrupts it.
class Case {
 public:
  Case(const Damaged& damaged, RecoveryPolicy policy)
      : name_(damaged.name), disk_(damaged.disk), policy_(policy) {
    SimulatedEnvironment strict(1, disk_);
    before_ = Open(strict, RecoveryPolicy::kStrict);
    REQUIRE_MESSAGE(!before_.status.ok(), name_, " opens");
    originals_ = ContentsOf(disk_);
  }

  struct Opened {
    Status status;
    std::unique_ptr<Engine> engine;
    RecoveryReport report;
  };

  Opened Open(SimulatedEnvironment& world, RecoveryPolicy policy) const {
    Opened opened;
    opened.status = Engine::Open(world.environment(), SmallOptions(policy), nullptr, &opened.engine,
                                 &opened.report);
    return opened;
  }
  Opened OpenMending(SimulatedEnvironment& world) const { return Open(world, policy_); }

  // Repairs without interruption, and records it.
  void Repair(SimulatedEnvironment& world) {
    world.file_system().StartRecording();
    Opened opened = OpenMending(world);
    REQUIRE_MESSAGE(opened.status.ok(), name_, ": ", opened.status.ToString());
    calls_ = world.file_system().steps().size();
    after_ = OutcomeOf(world, *opened.engine, opened.report);
    CheckNothingIsLost(world);
  }

  const DiskImage& disk() const { return disk_; }
  // That change something, or open a file.
  size_t calls() const { return calls_; }

  // Of a world in which a repair was interrupted. Answers whether it opened as after it.
  bool Check(SimulatedEnvironment& world) {
    const DiskImage found = ImageOf(world.file_system(), Unsynced::kEverything);
    if (found != ImageOf(world.file_system(), Unsynced::kNothing)) return CheckOpens(world);
    // The same disk was found after other calls.
    for (const auto& [disk, opened_as_after] : checked_) {
      if (disk == found) return opened_as_after;
    }
    const bool opened_as_after = CheckOpens(world);
    checked_.emplace_back(found, opened_as_after);
    return opened_as_after;
  }

 private:
  bool CheckOpens(SimulatedEnvironment& world) const {
    CheckNothingIsLost(world);
    InspectReport inspected;
    const Status inspection = Inspect(world.environment(), "/d", nullptr, &inspected);
    REQUIRE_MESSAGE(inspection.ok(), inspection.ToString());
    Opened opened = Open(world, RecoveryPolicy::kStrict);
    // What the inspection said beforehand.
    CHECK(inspected.recovery_status.ToString() == opened.status.ToString());
    CHECK(inspected.repair_pending == opened.report.repair_finished);
    CHECK(inspected.recovery.last_sequence == opened.report.last_sequence);
    CHECK(inspected.recovery.snapshot_sequence == opened.report.snapshot_sequence);
    const bool as_before = !opened.status.ok();
    if (as_before) {
      REQUIRE(opened.status.ToString() == before_.status.ToString());
      // Every file is as it was, so the repair can be made again.
      const Contents now = Now(world, Unsynced::kEverything);
      for (const auto& [path, bytes] : originals_) {
        if (path != "/d/LOCK") REQUIRE_MESSAGE(now.at(path) == bytes, path);
      }
      opened = OpenMending(world);
      REQUIRE_MESSAGE(opened.status.ok(), opened.status.ToString());
    }
    REQUIRE((OutcomeOf(world, *opened.engine, opened.report) == after_));
    CheckNothingIsLost(world);
    // And that holds: the process is killed and the power goes.
    opened.engine.reset();
    SimulatedEnvironment later(2, ImageOf(world.file_system(), Unsynced::kNothing));
    Opened again = Open(later, RecoveryPolicy::kStrict);
    REQUIRE_MESSAGE(again.status.ok(), again.status.ToString());
    REQUIRE((OutcomeOf(later, *again.engine, again.report) == after_));
    return !as_before;
  }

  static Contents Now(SimulatedEnvironment& world, Unsynced unsynced) {
    return ContentsOf(ImageOf(world.file_system(), unsynced));
  }

  void CheckNothingIsLost(SimulatedEnvironment& world) const {
    const Contents now = Now(world, Unsynced::kEverything);
    HeadFinding head;
    SimulatedEnvironment original(1, disk_);
    REQUIRE(ReadHead(&original.file_system(), "/d", &head).ok());
    for (const auto& [path, bytes] : originals_) {
      if (HoldsNothing(path, bytes) || (path == "/d/HEAD" && head.valid)) continue;
      REQUIRE_MESSAGE(IsKept(path, bytes, now), name_, ": ", path, " is gone");
    }
  }

  std::string name_;
  DiskImage disk_;
  RecoveryPolicy policy_;
  Contents originals_;
  Opened before_;
  Outcome after_;
  size_t calls_ = 0;
  std::vector<std::pair<DiskImage, bool>> checked_;
};

template <typename Body>
void ForEachCase(Body body) {
  uint64_t number = 0;
  for (const Damaged& damaged : AllDamaged()) {
    for (const RecoveryPolicy policy : kPolicies) {
      if (number++ % TestEvery() != 0) continue;
      INFO(damaged.name);
      CAPTURE(static_cast<int>(policy));
      Case subject(damaged, policy);
      body(subject);
    }
  }
}

TEST_CASE("a power cut at any call of a repair leaves a directory as before or as after it") {
  ForEachCase([](Case& subject) {
    SimulatedEnvironment world(3, subject.disk());
    subject.Repair(world);
    SimulatedFileSystem& files = world.file_system();
    DeterministicRandom random(11);
    size_t after = 0;
    for (size_t step = 0; step <= subject.calls(); ++step) {
      CAPTURE(step);
      for (const Unsynced unsynced :
           {Unsynced::kNothing, Unsynced::kEverything, Unsynced::kRandom, Unsynced::kRandom}) {
        SimulatedEnvironment found(step, files.ImageAt(step, random, {.unsynced = unsynced}));
        after += subject.Check(found) ? 1 : 0;
      }
    }
    CHECK(after > 5);
  });
}

TEST_CASE("a process killed at any call of a repair leaves a directory as before or as after it") {
  ForEachCase([](Case& subject) {
    SimulatedEnvironment whole(3, subject.disk());
    subject.Repair(whole);
    size_t after = 0;
    for (size_t killed_at = 1; killed_at <= subject.calls(); ++killed_at) {
      CAPTURE(killed_at);
      SimulatedEnvironment world(3, subject.disk());
      size_t call = 0;
      world.file_system().faults().SetHook([&](CallKind kind, const std::string&) {
        if (IsChange(kind)) ++call;
        return call < killed_at ? Fault()
                                : Fault{.system_error = EIO, .bytes = 0, .never_made = true};
      });
      {
        const Case::Opened opened = subject.OpenMending(world);
        REQUIRE_FALSE(opened.status.ok());
        world.file_system().ProcessKill();
      }
      world.file_system().faults().Clear();
      after += subject.Check(world) ? 1 : 0;
    }
    CHECK(after > 5);
  });
}

TEST_CASE("a repair that is interrupted again while the next open finishes it is finished later") {
  ForEachCase([](Case& subject) {
    SimulatedEnvironment whole(3, subject.disk());
    subject.Repair(whole);
    DeterministicRandom random(13);
    size_t interrupted = 0;
    for (size_t step = 0; step <= subject.calls(); ++step) {
      const DiskImage first = whole.file_system().ImageAt(step, random);
      if (!first.files.contains("/d/REPAIR")) continue;
      CAPTURE(step);
      SimulatedEnvironment world(step, first);
      world.file_system().StartRecording();
      REQUIRE(subject.Open(world, RecoveryPolicy::kStrict).status.ok());
      const size_t steps = world.file_system().steps().size();
      for (int outcome = 0; outcome < 5; ++outcome) {
        const size_t at = random.Below(steps);
        CAPTURE(at);
        SimulatedEnvironment found(at, world.file_system().ImageAt(at, random));
        CHECK(subject.Check(found));
        ++interrupted;
      }
    }
    CHECK(interrupted > 10);
  });
}

TEST_CASE(
    "any failing call of a repair is reported, and the directory is as before or as after it") {
  struct Failure {
    int system_error;
    Code code;
  };
  ForEachCase([](Case& subject) {
    SimulatedEnvironment whole(3, subject.disk());
    subject.Repair(whole);
    for (const Failure failure : {Failure{EIO, Code::kIo}, Failure{ENOSPC, Code::kNoSpace}}) {
      for (size_t failing = 1;; ++failing) {
        CAPTURE(failing);
        SimulatedEnvironment world(3, subject.disk());
        size_t call = 0;
        std::string failed;
        world.file_system().faults().SetHook([&](CallKind kind, const std::string& path) {
          // (A call that needs no room does not find the disk full.)
          if (failure.system_error == ENOSPC && !IsChange(kind)) return Fault();
          if (++call != failing) return Fault();
          failed = std::string(CallKindName(kind)) + " " + path;
          return Fault::Error(failure.system_error);
        });
        Case::Opened opened = subject.OpenMending(world);
        world.file_system().faults().Clear();
        if (call < failing) {
          CHECK(opened.status.ok());
          CHECK(failing > 50);
          break;
        }
        CAPTURE(failed);
        if (opened.status.ok()) {
          // One older than the snapshot that is used: the repair does without it. Or a look for
          // windows that were left.
          CHECK((failed.find("/d/snapshots/0") != std::string::npos ||
                 failed.find(" /shm") != std::string::npos || failed == "Exists /d"));
        } else if (opened.status.code() != Code::kJournalFailed) {
          CHECK_MESSAGE(opened.status.code() == failure.code, opened.status.ToString());
        } else {
          // Of the journal that is open by then: a sync, or the look at what it went to.
          const bool is_sync = failed.starts_with("MapSync") || failed.starts_with("Exists") ||
                               failed.starts_with("Size");
          CHECK(is_sync);
        }
        opened.engine.reset();
        subject.Check(world);
      }
    }
  });
}

TEST_CASE("a dry run says what the repair will do and changes nothing") {
  for (const Damaged& damaged : AllDamaged()) {
    for (const RecoveryPolicy policy : kPolicies) {
      INFO(damaged.name);
      SimulatedEnvironment world(3, damaged.disk);
      const Contents before = ContentsOf(damaged.disk);
      MendReport dry;
      REQUIRE(MendDirectory(world.environment(), SmallOptions(policy), true, &dry).ok());
      CHECK(ContentsOf(ImageOf(world.file_system(), Unsynced::kEverything)) == before);
      CHECK(dry.quarantine_directory.empty());
      MendReport real;
      REQUIRE(MendDirectory(world.environment(), SmallOptions(policy), false, &real).ok());
      CHECK(dry.last_sequence == real.last_sequence);
      CHECK(dry.snapshot_sequence == real.snapshot_sequence);
      CHECK(dry.lost_tail == real.lost_tail);
      CHECK(dry.entries_after_damage == real.entries_after_damage);
      CHECK(dry.entries_dropped == real.entries_dropped);
      CHECK(dry.quarantined == real.quarantined);
      CHECK(dry.damaged_snapshots.size() == real.damaged_snapshots.size());
      CHECK(dry.holes.size() == real.holes.size());
      // What it names is in quarantine.
      const Contents after = ContentsOf(ImageOf(world.file_system(), Unsynced::kNothing));
      for (const std::string& path : real.quarantined) {
        CHECK(after.at(real.quarantine_directory + "/" + BaseName(path)) == before.at(path));
      }
    }
  }
}

}  // namespace
}  // namespace pinnacle
