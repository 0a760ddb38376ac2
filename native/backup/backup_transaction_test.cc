// A backup has transactions whole or not at all, even if the writer commits more of them while it
// is being made.
#include <map>
#include <vector>

#include "backup/backup.h"
#include "backup/restore.h"
#include "doctest.h"
#include "engine/engine.h"
#include "simulator/simulated_environment.h"

namespace pinnacle {
namespace {

struct Writer {
  SimulatedEnvironment world{1};
  EngineOptions options;
  std::unique_ptr<Engine> engine;
  std::map<uint64_t, uint64_t> digests;  // at the ends of transactions
  uint64_t id = 0;

  explicit Writer(WritePath path) {
    options.data_directory = "/d";
    options.durability = Durability::kAppended;
    options.journal.segment_bytes = kMinSegmentBytes;
    options.journal.window = {path, "", kMinWindowBytes};
    RecoveryReport report;
    const Status status = Engine::Open(world.environment(), options, nullptr, &engine, &report);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    uint16_t index = 0;
    REQUIRE(engine->DefineInstrument({"A", 2, 0, InstrumentKind::kOrders}, &index).ok());
    Commit(3);
  }
  void Commit(uint64_t count) {
    uint64_t sequence = 0;
    REQUIRE(engine->BeginTransaction() == Code::kOk);
    for (uint64_t i = 0; i < count; ++i) {
      REQUIRE(engine->Apply({EntryType::kAdd, 1, Side::kBuy, {++id, 0}, {}, 10, 5}, 0, &sequence) ==
              Code::kOk);
    }
    REQUIRE(engine->CommitTransaction(&sequence) == Code::kOk);
    digests[sequence] = engine->books().book(1).Digest();
  }
  // `durable`: the writer's frontier; without one the files are asked.
  Status Backup(std::function<uint64_t()> durable, BackupReport* report) {
    BackupOptions backup{"/d", "/b", std::move(durable)};
    WorkControl control;
    control.piece_bytes = 4096;
    control.after_piece = [this](uint64_t) {
      if (id % 3 == 0) REQUIRE(engine->SyncNow().ok());
      if (id < 3000) Commit(1 + id % 40);
    };
    return MakeBackup(world.environment(), backup, control, report);
  }
  void CheckRestores(const BackupReport& report, const std::string& to) {
    RestoreReport restored;
    const Status status = RestoreBackup(world.environment(), {report.path, 0, to}, {}, &restored);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    EngineOptions second = options;
    second.data_directory = to;
    std::unique_ptr<Engine> opened;
    RecoveryReport recovery;
    REQUIRE(Engine::Open(world.environment(), second, nullptr, &opened, &recovery).ok());
    CHECK(recovery.tail == Tail::kClean);
    const uint64_t last = opened->appended();
    CHECK(last == report.manifest.header.last_sequence);
    REQUIRE(digests.contains(last));
    CHECK(opened->books().book(1).Digest() == digests[last]);
  }
};

TEST_CASE("a backup of a live writer ends at a transaction's end and restores to it") {
  for (const WritePath path : {WritePath::kWindow, WritePath::kMapped}) {
    Writer writer(path);
    for (int i = 0; i < 40; ++i) writer.Commit(1 + static_cast<uint64_t>(i) * 7 % 50);
    REQUIRE(writer.engine->SyncNow().ok());
    BackupReport report;
    Status status = writer.Backup([&] { return writer.engine->durable(); }, &report);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    writer.CheckRestores(report, "/r1");
    // With a snapshot, and with the durable frontier taken from the files alone.
    SnapshotInfo info;
    REQUIRE(writer.engine->BuildSnapshot(writer.engine->FixSnapshotPoint(), {}, &info).ok());
    status = writer.Backup(nullptr, &report);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    CHECK(report.manifest.header.snapshot_sequence == info.meta.sequence);
    writer.CheckRestores(report, "/r2");
  }
}

TEST_CASE("a frontier reported inside a transaction never yields a backup of half of it") {
  Writer writer(WritePath::kWindow);
  REQUIRE(writer.engine->SyncNow().ok());
  BackupReport report;
  const Status status = writer.Backup([&] { return writer.engine->durable() - 1; }, &report);
  CHECK(status.code() == Code::kCorrupt);
}

TEST_CASE("without a writer, a transaction that was cut off in the files is not in a backup") {
  Writer writer(WritePath::kMapped);
  REQUIRE(writer.engine->SyncNow().ok());
  writer.Commit(40);
  // The disk after a power cut.
  DeterministicRandom random(4);
  for (int i = 0; i < 20; ++i) {
    SimulatedEnvironment world(2, writer.world.file_system().PowerCut(random));
    BackupReport report;
    const Status status = MakeBackup(world.environment(), {"/d", "/b", nullptr}, {}, &report);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    const uint64_t last = report.manifest.header.last_sequence;
    CHECK((last == 4 || last == 44));
  }
}

}  // namespace
}  // namespace pinnacle
