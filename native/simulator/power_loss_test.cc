// Power loss at every moment of one recorded run: single operations, batches, rolls, snapshots and
// compaction. The disk found afterwards may hold any subset of the unsynced pages and sectors.
#include <algorithm>

#include "engine/engine.h"
#include "engine/inspect.h"
#include "simulator/disk_reading.h"
#include "simulator/simulated_environment.h"
#include "simulator/simulator_test_support.h"

namespace pinnacle {
namespace {

constexpr size_t kImages = 6000;
constexpr size_t kFlips = 1500;

EngineOptions SmallOptions() {
  EngineOptions options;
  options.data_directory = "/d";
  options.journal.segment_bytes = kMinSegmentBytes;
  options.durability = Durability::kAppended;
  options.keep_snapshots = 2;
  options.compaction_threshold_bytes = 0;
  return options;
}

uint64_t DigestOf(const BookSet& books) {
  uint64_t digest = books.last_sequence();
  for (uint32_t i = 1; i <= books.instrument_count(); ++i) {
    const uint16_t index = static_cast<uint16_t>(i);
    digest = digest * 1'000'003 + books.book(index).Digest();
    digest = digest * 1'000'003 + books.facts(index).last_timestamp_ns;
    digest = digest * 1'000'003 + books.facts(index).traded_quantity;
  }
  return digest;
}

class RecordedRun {
 public:
  RecordedRun() : world_(20240607) {
    digests_.push_back(0);
    RecoveryReport report;
    REQUIRE(Engine::Open(world_.environment(), SmallOptions(), nullptr, &engine_, &report).ok());
    digests_[0] = DigestOf(engine_->books());
    world_.file_system().StartRecording();
    uint16_t index = 0;
    REQUIRE(engine_->DefineInstrument({"A", 2, 0, InstrumentKind::kOrders}, &index).ok());
    digests_.push_back(DigestOf(engine_->books()));
    for (int round = 0; round < 12; ++round) {
      for (int i = 0; i < 4; ++i) {  // single operations, each made durable
        Append();
        Sync();
      }
      for (int i = 0; i < 60; ++i) Append();  // a batch
      if (round % 2 == 0) Sync();
      for (int i = 0; i < 3; ++i) AppendLarge();  // rolls
      if (round % 3 == 1) {
        SnapshotInfo info;
        REQUIRE(engine_->BuildSnapshot(engine_->FixSnapshotPoint(), {}, &info).ok());
        MarkDurable();
        for (int i = 0; i < 5; ++i) Append();
        CompactionReport compaction;
        REQUIRE(engine_->Compact(true, &compaction).ok());
        released_ += compaction.removed + compaction.recycled;
      }
    }
    Sync();
  }

  const SimulatedFileSystem& files() { return world_.file_system(); }
  SimulatedFileSystem& mutable_files() { return world_.file_system(); }
  const std::vector<uint64_t>& digests() const { return digests_; }
  uint64_t released() const { return released_; }

 private:
  void Append() {
    Operation operation;
    operation.type = EntryType::kAdd;
    operation.instrument = 1;
    operation.id = {++next_id_, 0};
    operation.side = next_id_ % 2 == 0 ? Side::kBuy : Side::kSell;
    operation.price = static_cast<int64_t>(next_id_ % 17);
    operation.quantity = 5;
    if (next_id_ % 3 == 0) {
      operation.type = EntryType::kExecute;
      operation.id = {next_id_ - 1, 0};
      operation.quantity = 2;
    }
    world_.clock().Advance(1000);
    uint64_t sequence = 0;
    REQUIRE(engine_->Apply(operation, 0, &sequence) == Code::kOk);
    digests_.push_back(DigestOf(engine_->books()));
  }

  void AppendLarge() {
    const std::vector<uint8_t> payload(9000 + next_id_, 0x5a);
    uint64_t sequence = 0;
    REQUIRE(engine_->AppendPayload(3, 0, 0, payload.data(), static_cast<uint32_t>(payload.size()),
                                   &sequence) == Code::kOk);
    digests_.push_back(DigestOf(engine_->books()));
  }

  void Sync() {
    REQUIRE(engine_->SyncNow().ok());
    MarkDurable();
  }

  void MarkDurable() { world_.file_system().Mark(engine_->durable()); }

  SimulatedEnvironment world_;
  std::unique_ptr<Engine> engine_;
  std::vector<uint64_t> digests_;  // by the last sequence
  uint64_t next_id_ = 0;
  uint64_t released_ = 0;
};

TEST_CASE("after power loss at any moment, a prefix with everything acknowledged is recovered") {
  RecordedRun run;
  const auto& steps = run.files().steps();
  std::vector<uint64_t> acknowledged;  // before each step
  uint64_t durable = 0;
  for (const auto& step : steps) {
    acknowledged.push_back(durable);
    if (step.kind == CallKind::kMark) durable = std::max(durable, step.mark);
  }
  CHECK(run.released() > 3);
  DeterministicRandom random(7);
  size_t partial = 0;
  for (size_t i = 0; i < kImages; ++i) {
    const size_t step = random.Below(steps.size());
    SimulatedEnvironment world(i, run.files().ImageAt(step, random));
    std::unique_ptr<Engine> engine;
    RecoveryReport report;
    const Status status =
        Engine::Open(world.environment(), SmallOptions(), nullptr, &engine, &report);
    REQUIRE_MESSAGE(status.ok(), "image ", i, " at step ", step, ": ", status.ToString());
    const uint64_t last = engine->appended();
    REQUIRE_MESSAGE(last >= acknowledged[step], "image ", i, " at step ", step);
    REQUIRE(last < run.digests().size());
    REQUIRE_MESSAGE(DigestOf(engine->books()) == run.digests()[last], "image ", i, " at ", last);
    partial += report.tail == Tail::kTorn ? 1 : 0;
  }
  CHECK(partial > kImages / 20);  // enough images have something to cut
}

TEST_CASE("a flipped bit in the durable part is reported, never returned and never cut") {
  RecordedRun run;
  DeterministicRandom random(11);
  const DiskImage sound = run.mutable_files().PowerCut(random, simulator_test::kNothingUnsynced);
  struct Place {
    std::string path;
    simulation::DiskEntry entry;
  };
  std::vector<Place> places;
  for (const simulation::DiskSegment& segment : simulation::ReadDisk(sound).segments) {
    for (const simulation::DiskEntry& entry : segment.entries) {
      places.push_back({segment.path, entry});
    }
  }
  REQUIRE(places.size() > 100);
  size_t refused = 0;
  for (size_t i = 0; i < kFlips; ++i) {
    const auto& [path, entry] = places[random.Below(places.size())];
    DiskImage image = sound;
    REQUIRE(image.files[path].FlipBit(entry.offset + random.Below(entry.bytes),
                                      static_cast<unsigned>(random.Below(8))));
    SimulatedEnvironment world(i, image);
    InspectReport inspected;
    REQUIRE(Inspect(world.environment(), "/d", nullptr, &inspected).ok());
    REQUIRE_MESSAGE(inspected.scan.verdict.tail == Tail::kCorrupt, "entry ", entry.sequence);
    std::unique_ptr<Engine> engine;
    RecoveryReport report;
    const Status status =
        Engine::Open(world.environment(), SmallOptions(), nullptr, &engine, &report);
    if (status.ok()) {
      // Before the range that recovery reads: the snapshot replaces it.
      REQUIRE(entry.sequence <= report.snapshot_sequence);
      REQUIRE(DigestOf(engine->books()) == run.digests().back());
    } else {
      ++refused;
      REQUIRE_MESSAGE(status.code() == Code::kCorrupt, status.ToString());
      REQUIRE(report.break_segment == path);
    }
  }
  CHECK(refused > kFlips / 5);
}

}  // namespace
}  // namespace pinnacle
