// Rotation and compaction next to a rotten snapshot: a power cut at any call loses nothing, even if
// the newest snapshot then rots too.
#include <cerrno>
#include <memory>
#include <string>

#include "doctest.h"
#include "engine/engine.h"
#include "simulator/simulated_environment.h"
#include "simulator/simulator_test_support.h"
#include "snapshot/snapshot_directory.h"

namespace pinnacle {
namespace {

constexpr char kSnapshots[] = "/d/snapshots/";

EngineOptions SmallOptions() {
  EngineOptions options;
  options.data_directory = "/d";
  options.journal.segment_bytes = kMinSegmentBytes;
  options.durability = Durability::kAppended;
  options.keep_snapshots = 2;
  options.compaction_threshold_bytes = 0;
  return options;
}

class Rig {
 public:
  Rig() : world_(71) {
    RecoveryReport report;
    REQUIRE(Engine::Open(world_.environment(), SmallOptions(), nullptr, &engine_, &report).ok());
    uint16_t index = 0;
    REQUIRE(engine_->DefineInstrument({"A", 2, 0, InstrumentKind::kOrders}, &index).ok());
  }
  void Append(int count) {
    for (int i = 0; i < count; ++i) {
      uint64_t sequence = 0;
      REQUIRE(engine_->Apply({EntryType::kAdd, 1, Side::kBuy, {++next_id_, 0}, {}, 100, 5}, 0,
                             &sequence) == Code::kOk);
    }
  }
  Status Snapshot(SnapshotInfo* info, RotationReport* rotation = nullptr) {
    return engine_->BuildSnapshot(engine_->FixSnapshotPoint(), {}, info, rotation);
  }
  SnapshotInfo MustSnapshot() {
    SnapshotInfo info;
    const Status status = Snapshot(&info);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    return info;
  }
  Engine& engine() { return *engine_; }
  SimulatedFileSystem& files() { return world_.file_system(); }
  FileSystem* file_system() { return world_.environment().file_system; }

 private:
  SimulatedEnvironment world_;
  std::unique_ptr<Engine> engine_;
  uint64_t next_id_ = 0;
};

TEST_CASE("rot that only the device has is seen by rotation, whatever the page cache holds") {
  Rig rig;
  rig.Append(500);
  const SnapshotInfo oldest = rig.MustSnapshot();
  rig.Append(500);
  const SnapshotInfo rotten = rig.MustSnapshot();
  REQUIRE(rig.files().FlipBit(rotten.path, 4500, 0));
  SnapshotInfo found;
  CHECK(VerifySnapshot(rig.file_system(), rotten.path, &found).ok());  // from the cache
  rig.Append(500);
  SnapshotInfo newest;
  RotationReport rotation;
  REQUIRE(rig.Snapshot(&newest, &rotation).ok());
  REQUIRE(rotation.damaged.size() == 1);
  CHECK(rotation.damaged[0].info.path == rotten.path);
  CHECK(rotation.removed.empty());
  CHECK(simulator_test::Durable(rig.files(), oldest.path).size() == oldest.bytes);
}

TEST_CASE("a snapshot that can't be read for a reason other than damage stops compaction") {
  Rig rig;
  rig.Append(1500);
  const SnapshotInfo older = rig.MustSnapshot();
  rig.Append(1500);
  rig.MustSnapshot();
  rig.files().faults().SetHook([&](CallKind kind, const std::string& path) {
    return kind == CallKind::kRead && path == older.path ? Fault::Error(EIO) : Fault();
  });
  CompactionReport compaction;
  CHECK(rig.engine().Compact(true, &compaction).code() == Code::kIo);
  CHECK(rig.engine().journal()->oldest_sequence() == 1);
  // Rotation leaves it in place and says why.
  rig.Append(10);
  RotationReport rotation;
  SnapshotInfo newest;
  REQUIRE(rig.Snapshot(&newest, &rotation).ok());
  REQUIRE(rotation.damaged.size() == 1);
  CHECK(rotation.damaged[0].info.path == older.path);
  CHECK(rotation.damaged[0].status.code() == Code::kIo);
  CHECK(rotation.removed.empty());
  rig.files().faults().SetHook(nullptr);
  REQUIRE(rig.engine().Compact(true, &compaction).ok());
  CHECK(compaction.removed + compaction.recycled > 0);
  CHECK(compaction.damaged_snapshots.empty());
}

TEST_CASE("a power cut at any call of rotation or compaction leaves two ways to recover") {
  Rig rig;
  rig.Append(1500);
  rig.MustSnapshot();
  rig.Append(900);
  const SnapshotInfo rotten = rig.MustSnapshot();
  REQUIRE(rig.files().FlipBit(rotten.path, 4500, 0));
  rig.Append(900);
  REQUIRE(rig.engine().SyncNow().ok());
  rig.files().StartRecording();
  const uint64_t last = rig.engine().appended();
  const uint64_t digest = rig.engine().books().book(1).Digest();
  const SnapshotInfo third = rig.MustSnapshot();
  CompactionReport compaction;
  REQUIRE(rig.engine().Compact(true, &compaction).ok());
  const uint64_t first_released = compaction.removed + compaction.recycled;
  const SnapshotInfo same = rig.MustSnapshot();  // replaces the third
  CHECK(same.path == third.path);
  REQUIRE(rig.engine().Compact(true, &compaction).ok());
  CHECK(first_released + compaction.removed + compaction.recycled > 0);

  DeterministicRandom random(5);
  const auto opens_whole = [&](const DiskImage& image, const std::string& what) {
    SimulatedEnvironment world(random.Next(), image);
    std::unique_ptr<Engine> engine;
    RecoveryReport report;
    const Status status =
        Engine::Open(world.environment(), SmallOptions(), nullptr, &engine, &report);
    REQUIRE_MESSAGE(status.ok(), what, ": ", status.ToString());
    REQUIRE_MESSAGE(engine->appended() == last, what);
    REQUIRE_MESSAGE(engine->books().book(1).Digest() == digest, what);
  };
  size_t with_third = 0;
  for (size_t step = 0; step < rig.files().steps().size(); ++step) {
    for (int i = 0; i < 8; ++i) {
      DiskImage image = rig.files().ImageAt(step, random);
      const std::string what = "step " + std::to_string(step) + ", image " + std::to_string(i);
      REQUIRE_MESSAGE(image.files.contains(rotten.path), what, ": the rotten one is evidence");
      opens_whole(image, what);
      const auto newest = image.files.find(third.path);
      if (newest == image.files.end()) continue;
      ++with_third;
      REQUIRE(newest->second.FlipBit(4500, 3));
      opens_whole(image, what + ", the newest rotten too");
    }
  }
  CHECK(with_third > 100);
}

TEST_CASE("a snapshot of which the device lost a part is never published") {
  for (const Fault::Device lie : {Fault::Device::kLosePage, Fault::Device::kLoseSector}) {
    Rig rig;
    rig.Append(900);
    const SnapshotInfo sound = rig.MustSnapshot();
    rig.Append(900);
    REQUIRE(rig.engine().SyncNow().ok());
    rig.files().faults().SetHook([&](CallKind kind, const std::string& path) {
      const bool hit = kind == CallKind::kSync && path.ends_with(kSnapshotTemporarySuffix);
      return hit ? Fault::Lying(lie) : Fault();
    });
    SnapshotInfo info;
    const Status status = rig.Snapshot(&info);
    CHECK(status.code() == Code::kIo);
    CHECK(status.message().find("other bytes than were written") != std::string::npos);
    std::vector<std::string> names;
    REQUIRE(rig.file_system()->List("/d/snapshots", &names).ok());
    CHECK(names == std::vector<std::string>{sound.path.substr(sizeof(kSnapshots) - 1)});
    rig.files().faults().SetHook(nullptr);
    CHECK(rig.Snapshot(&info).ok());
  }
}

}  // namespace
}  // namespace pinnacle
