#include "engine/engine.h"

#include <filesystem>
#include <fstream>

#include "base/guarded.h"
#include "doctest.h"
#include "engine/inspect.h"
#include "engine/time_travel.h"
#include "test/engine_rig.h"
#include "test/snapshot_image.h"
#include "test/temporary_directory.h"

namespace pinnacle {
namespace {

void FlipByte(const std::string& path, uint64_t offset) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(offset));
  const char byte = static_cast<char>(file.get() ^ 0x10);
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(byte);
}

TEST_CASE("a reopened directory has the same books, instruments and sequence") {
  EngineRig rig;
  rig.AddMany(1, 3000);
  const uint64_t digest = rig.engine->books().book(1).Digest();
  rig.Open();
  CHECK(rig.report.tail == Tail::kClean);
  CHECK(rig.report.last_sequence == 3001);
  CHECK(rig.report.entries_replayed == 3001);
  CHECK(rig.engine->books().book(1).Digest() == digest);
  CHECK(rig.Add(5000) == 3002);
}

TEST_CASE("a snapshot shortens the replay, and compaction frees what it covers") {
  EngineRig rig;
  rig.AddMany(1, 5000);
  rig.Snapshot();
  rig.AddMany(5001, 10);
  CompactionReport compaction;
  REQUIRE(rig.engine->Compact(false, &compaction).ok());
  CHECK(compaction.removed + compaction.recycled >= 4);
  const uint64_t digest = rig.engine->books().book(1).Digest();
  rig.Open();
  CHECK(rig.report.snapshot_sequence == 5001);
  CHECK(rig.report.entries_replayed == 10);
  CHECK(rig.engine->books().book(1).Digest() == digest);
}

TEST_CASE("segments that an interrupted compaction left are given up by the next open") {
  EngineRig rig;
  rig.AddMany(1, 3000);
  rig.Snapshot();
  const std::string journal = rig.options.data_directory + "/journal/";
  const std::string first = journal + SegmentName(1);
  const std::string second = journal + SegmentName(2);
  const std::string copy = rig.CopyAsKilled() + "/journal/";
  CompactionReport compaction;
  REQUIRE(rig.engine->Compact(false, &compaction).ok());
  REQUIRE_FALSE(std::filesystem::exists(second));
  rig.engine.reset();
  std::filesystem::copy_file(copy + SegmentName(1), first);
  std::filesystem::copy_file(copy + SegmentName(2), second);
  std::fstream(first, std::ios::binary | std::ios::in | std::ios::out).write("PINNSEG\n", 8).put(9);
  rig.Open();
  CHECK(rig.report.last_sequence == 3001);
  CHECK_FALSE(std::filesystem::exists(second));
  CHECK(std::filesystem::exists(first));  // does not verify: it is not known to be ours
  CHECK(rig.Add(5000) == 3002);
  rig.Open();
  CHECK(rig.report.last_sequence == 3002);
}

TEST_CASE("a second snapshot at the same sequence replaces the first and proves as much") {
  EngineRig rig;
  rig.AddMany(1, 100);
  const SnapshotInfo first = rig.Snapshot();
  const SnapshotInfo second = rig.Snapshot();
  CHECK(second.path == first.path);
  CHECK(second.meta.entry_checksum == first.meta.entry_checksum);
  CHECK(second.meta.entry_checksum != 0);
  rig.Open();
  CHECK(rig.report.snapshot_sequence == 101);
}

TEST_CASE("a damaged newest snapshot falls back to the one before it") {
  EngineRig rig;
  rig.AddMany(1, 2000);
  rig.Snapshot();
  rig.AddMany(2001, 2000);
  const SnapshotInfo newest = rig.Snapshot();
  rig.AddMany(4001, 5);
  CompactionReport compaction;
  REQUIRE(rig.engine->Compact(true, &compaction).ok());
  const uint64_t digest = rig.engine->books().book(1).Digest();
  rig.engine.reset();
  std::fstream file(newest.path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(5000);
  file.put('x');
  file.close();
  rig.Open();
  CHECK(rig.report.snapshot_sequence == 2001);
  REQUIRE(rig.report.damaged_snapshots.size() == 1);
  CHECK(rig.report.damaged_snapshots[0].path == newest.path);
  CHECK(rig.engine->books().book(1).Digest() == digest);
}

TEST_CASE("a renamed snapshot is passed over and named, by recovery, inspection and time travel") {
  EngineRig rig;
  rig.AddMany(1, 500);
  const SnapshotInfo older = rig.Snapshot();
  rig.AddMany(501, 500);
  const uint64_t digest = rig.engine->books().book(1).Digest();
  const std::string directory = rig.options.data_directory + "/snapshots/";
  const std::string renamed = directory + SnapshotName(900);
  std::filesystem::copy_file(older.path, renamed);
  BookSet books;
  uint32_t checksum = 0;
  REQUIRE(BuildBooks(FileSystem::Real(), rig.options.data_directory, 950, &books, &checksum).ok());
  CHECK(books.book(1).order_count() == 949);
  rig.Open();
  CHECK(rig.report.snapshot_sequence == older.meta.sequence);
  REQUIRE(rig.report.damaged_snapshots.size() == 1);
  CHECK(rig.report.damaged_snapshots[0].path == renamed);
  CHECK(rig.engine->books().book(1).Digest() == digest);
  InspectReport report;
  REQUIRE(Inspect(Environment::Real(), rig.options.data_directory, nullptr, &report).ok());
  REQUIRE(report.snapshots.size() == 2);
  CHECK(report.snapshots[0].status.ok());
  CHECK(report.snapshots[1].status.code() == Code::kSnapshotCorrupt);
  CHECK(report.snapshots[1].info.meta.sequence == 900);
}

TEST_CASE("a snapshot of another journal is never used to rebuild books, and inspection names it") {
  EngineRig rig;
  rig.AddMany(1, 200);
  EngineRig other;
  other.AddMany(1'000'000, 100);
  const SnapshotInfo foreign = other.Snapshot();
  const std::string directory = rig.options.data_directory + "/snapshots/";
  std::filesystem::copy_file(foreign.path, directory + SnapshotName(foreign.meta.sequence));
  BookSet books;
  uint32_t checksum = 0;
  REQUIRE(BuildBooks(FileSystem::Real(), rig.options.data_directory, 201, &books, &checksum).ok());
  CHECK(books.book(1).Digest() == rig.engine->books().book(1).Digest());
  InspectReport report;
  REQUIRE(Inspect(Environment::Real(), rig.options.data_directory, nullptr, &report).ok());
  REQUIRE(report.snapshots.size() == 1);
  CHECK(report.snapshots[0].status.message().find("belongs to another journal") !=
        std::string::npos);
}

TEST_CASE("a new snapshot drives no sound one away to make room for a rotten one") {
  EngineRig rig;
  rig.AddMany(1, 1000);
  const SnapshotInfo oldest = rig.Snapshot();
  rig.AddMany(1001, 1000);
  const SnapshotInfo rotten = rig.Snapshot();
  FlipByte(rotten.path, 4500);
  rig.AddMany(2001, 1000);
  RotationReport rotation;
  const SnapshotInfo newest = rig.Snapshot(&rotation);
  REQUIRE(rotation.damaged.size() == 1);
  CHECK(rotation.damaged[0].info.path == rotten.path);
  CHECK(rotation.removed.empty());
  CHECK(std::filesystem::exists(oldest.path));
  CHECK(std::filesystem::exists(rotten.path));
  CompactionReport compaction;
  REQUIRE(rig.engine->Compact(true, &compaction).ok());
  CHECK(compaction.oldest_sequence <= oldest.meta.sequence + 1);
  // The newest rots as well: the oldest, and the journal that it needs, are still there.
  const uint64_t digest = rig.engine->books().book(1).Digest();
  rig.engine.reset();
  FlipByte(newest.path, 4500);
  rig.Open();
  CHECK(rig.report.snapshot_sequence == oldest.meta.sequence);
  CHECK(rig.report.damaged_snapshots.size() == 2);
  CHECK(rig.engine->books().book(1).Digest() == digest);
  // With two new ones the oldest may go; the rotten ones are kept as evidence.
  rig.AddMany(3001, 10);
  rig.Snapshot();
  rig.AddMany(3011, 10);
  rig.Snapshot(&rotation);
  REQUIRE(rotation.removed.size() == 1);
  CHECK(rotation.removed[0].path == oldest.path);
  CHECK(rotation.damaged.size() == 2);
  CHECK(std::filesystem::exists(rotten.path));
  CHECK(std::filesystem::exists(newest.path));
}

TEST_CASE("compaction keeps what the oldest snapshot that verifies needs, and names older ones") {
  EngineRig rig;
  rig.options.keep_snapshots = 3;
  rig.Open();
  rig.AddMany(1, 2000);
  const SnapshotInfo rotten = rig.Snapshot();
  rig.AddMany(2001, 2000);
  const SnapshotInfo sound = rig.Snapshot();
  rig.AddMany(4001, 2000);
  const SnapshotInfo newest = rig.Snapshot();
  FlipByte(rotten.path, 4500);
  CompactionReport compaction;
  REQUIRE(rig.engine->Compact(true, &compaction).ok());
  CHECK(compaction.removed + compaction.recycled > 0);
  CHECK(compaction.oldest_sequence > rotten.meta.sequence + 1);
  CHECK(compaction.oldest_sequence <= sound.meta.sequence + 1);
  REQUIRE(compaction.damaged_snapshots.size() == 1);
  CHECK(compaction.damaged_snapshots[0].info.path == rotten.path);
  const uint64_t digest = rig.engine->books().book(1).Digest();
  rig.engine.reset();
  FlipByte(newest.path, 4500);
  rig.Open();
  CHECK(rig.report.snapshot_sequence == sound.meta.sequence);
  CHECK(rig.engine->books().book(1).Digest() == digest);
}

TEST_CASE("compaction frees nothing if no snapshot verifies, and says so") {
  EngineRig rig;
  rig.AddMany(1, 3000);
  FlipByte(rig.Snapshot().path, 4500);
  rig.AddMany(3001, 2000);
  FlipByte(rig.Snapshot().path, 4500);
  CompactionReport compaction;
  REQUIRE(rig.engine->Compact(true, &compaction).ok());
  CHECK(compaction.removed + compaction.recycled == 0);
  CHECK(compaction.oldest_sequence == 1);
  CHECK(compaction.damaged_snapshots.size() == 2);
  CHECK(compaction.reason.find("none of the 2 snapshots verifies") != std::string::npos);
  const uint64_t digest = rig.engine->books().book(1).Digest();
  rig.Open();
  CHECK(rig.report.entries_replayed == 5001);
  CHECK(rig.engine->books().book(1).Digest() == digest);
}

TEST_CASE("compaction frees nothing on the word of a name") {
  EngineRig rig;
  rig.AddMany(1, 500);
  const SnapshotInfo taken = rig.Snapshot();
  rig.AddMany(501, 4000);
  const std::string directory = rig.options.data_directory + "/snapshots/";
  EngineRig other;
  other.AddMany(1, 4400);
  const SnapshotInfo foreign = other.Snapshot();
  CompactionReport compaction;
  SUBCASE("of a renamed snapshot") {
    std::filesystem::rename(taken.path, directory + SnapshotName(4400));
  }
  SUBCASE("of a snapshot of another journal") {
    std::filesystem::remove(taken.path);
    std::filesystem::copy_file(foreign.path, directory + SnapshotName(foreign.meta.sequence));
  }
  REQUIRE(rig.engine->Compact(true, &compaction).ok());
  CHECK(compaction.removed + compaction.recycled == 0);
  CHECK(compaction.damaged_snapshots.size() == 1);
  CHECK(rig.engine->journal()->oldest_sequence() == 1);
}

TEST_CASE("recovery starts from a version 1 snapshot, and the next one has today's version") {
  EngineRig rig;
  rig.AddMany(1, 500);
  const SnapshotInfo taken = rig.Snapshot();
  rig.AddMany(501, 5);
  const uint64_t digest = rig.engine->books().book(1).Digest();
  rig.engine.reset();
  SnapshotImage::Load(taken.path).AsVersion1().Store(taken.path);
  rig.Open();
  CHECK(rig.report.snapshot_sequence == taken.meta.sequence);
  CHECK(rig.report.entries_replayed == 5);
  CHECK(rig.engine->books().book(1).Digest() == digest);
  CHECK(SnapshotImage::Load(rig.Snapshot().path).version() == 2);
}

TEST_CASE("a refused operation leaves no entry and no change") {
  EngineRig rig;
  rig.Add(1);
  const uint64_t digest = rig.engine->books().book(1).Digest();
  const uint64_t appended = rig.engine->appended();
  uint64_t sequence = 0;
  CHECK(rig.engine->Apply({EntryType::kExecute, 1, Side::kBuy, {1, 0}, {}, 0, 6}, 0, &sequence) ==
        Code::kQuantityExceedsOpen);
  CHECK(rig.engine->Apply({EntryType::kCancel, 1, Side::kBuy, {2, 0}, {}, 0, 0}, 0, &sequence) ==
        Code::kUnknownOrder);
  CHECK(rig.engine->appended() == appended);
  CHECK(rig.engine->books().book(1).Digest() == digest);
  CHECK(rig.engine->refused() == 2);
}

TEST_CASE("a second writer is refused, and the first goes on") {
  EngineRig rig;
  std::unique_ptr<Engine> second;
  RecoveryReport report;
  CHECK(Engine::Open(Environment::Real(), rig.options, nullptr, &second, &report).code() ==
        Code::kLocked);
  rig.Add(1);
}

TEST_CASE("a directory copied from a running writer opens at its last entry") {
  EngineRig rig;
  rig.AddMany(1, 1500);
  const uint64_t digest = rig.engine->books().book(1).Digest();
  EngineOptions options = rig.options;
  options.data_directory = rig.CopyAsKilled();
  std::unique_ptr<Engine> copy;
  RecoveryReport report;
  REQUIRE(Engine::Open(Environment::Real(), options, nullptr, &copy, &report).ok());
  CHECK(report.last_sequence == 1501);
  CHECK(copy->books().book(1).Digest() == digest);
}

TEST_CASE("damage in the durable part refuses to open, names the place, and changes nothing") {
  EngineRig rig;
  rig.AddMany(1, 3000);
  rig.engine.reset();
  const std::string second = rig.options.data_directory + "/journal/" + SegmentName(2);
  FlipByte(second, 4096 + 64 * 100 + 30);
  const Status status = rig.TryOpen();
  CHECK(status.code() == Code::kCorrupt);
  CHECK(status.message().find("segment") != std::string::npos);
  CHECK(status.message().find("pinnacle verify") != std::string::npos);
  CHECK(rig.report.tail == Tail::kCorrupt);
  CHECK(rig.report.break_segment == second);
  CHECK(rig.report.break_offset == 4096 + 64 * 100);
  CHECK(rig.report.valid_entries_follow);
  const uint64_t lost = rig.report.break_sequence;

  SUBCASE("point-in-time keeps what comes before it and copies of the rest") {
    rig.options.policy = RecoveryPolicy::kPointInTime;
    rig.Open();
    CHECK(rig.report.last_sequence == lost - 1);
    CHECK(std::filesystem::exists(rig.report.quarantine_directory + "/" + SegmentName(2)));
    CHECK(rig.Add(900000) == lost);
    InspectReport inspected;
    REQUIRE(Inspect(Environment::Real(), rig.options.data_directory, nullptr, &inspected).ok());
    CHECK(inspected.scan.verdict.tail == Tail::kClean);
    rig.options.policy = RecoveryPolicy::kStrict;
    rig.Open();
    CHECK(rig.report.last_sequence == lost);
  }
  SUBCASE("salvage also applies what verifies after it, and opens cleanly afterwards") {
    rig.options.policy = RecoveryPolicy::kSalvage;
    rig.Open();
    CHECK(rig.report.entries_salvaged == 3001 - lost);
    CHECK(rig.report.last_sequence == 3001);
    CHECK(rig.engine->books().book(1).order_count() == 2999);
    const uint64_t digest = rig.engine->books().book(1).Digest();
    rig.engine.reset();
    InspectReport inspected;
    REQUIRE(Inspect(Environment::Real(), rig.options.data_directory, nullptr, &inspected).ok());
    CHECK_MESSAGE(inspected.scan.verdict.tail == Tail::kClean, inspected.scan.verdict.reason);
    rig.options.policy = RecoveryPolicy::kStrict;
    rig.Open();
    CHECK(rig.Add(900000) == 3002);
    rig.options.policy = RecoveryPolicy::kStrict;
    rig.Open();
    CHECK(rig.report.tail == Tail::kClean);
    CHECK(rig.report.last_sequence == 3002);
    CHECK(rig.engine->books().book(1).Digest() != digest);
  }
}

TEST_CASE("inspect verifies all of it and names what open would do") {
  EngineRig rig;
  rig.AddMany(1, 3000);
  rig.Snapshot();
  InspectReport report;
  REQUIRE(Inspect(Environment::Real(), rig.options.data_directory, nullptr, &report).ok());
  CHECK(report.locked);
  CHECK(report.scan.verdict.tail == Tail::kClean);
  CHECK(report.scan.entries == 3001);
  REQUIRE(report.snapshots.size() == 1);
  CHECK(report.snapshots[0].status.ok());
  rig.engine.reset();
  FlipByte(rig.options.data_directory + "/journal/" + SegmentName(1), 5000);
  REQUIRE(Inspect(Environment::Real(), rig.options.data_directory, nullptr, &report).ok());
  CHECK_FALSE(report.locked);
  // Below the snapshot: recovery does not need it, but verify must tell.
  CHECK(report.scan.verdict.tail == Tail::kCorrupt);
  CHECK(report.recovery_status.ok());
}

TEST_CASE("books can be rebuilt at any sequence and time that is kept") {
  EngineRig rig;
  std::vector<uint64_t> digests = {0, 0};
  for (uint64_t i = 1; i <= 200; ++i) {
    uint64_t sequence = 0;
    REQUIRE(rig.engine->Apply({EntryType::kAdd, 1, Side::kBuy, {i, 0}, {}, 100, 5}, i * 1000,
                              &sequence) == Code::kOk);
    digests.push_back(rig.engine->books().book(1).Digest());
    if (i == 100) rig.Snapshot();
  }
  BookSet books;
  uint32_t checksum = 0;
  for (uint64_t sequence : {2u, 60u, 101u, 102u, 201u}) {
    const Status status =
        BuildBooks(FileSystem::Real(), rig.options.data_directory, sequence, &books, &checksum);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    CHECK(books.book(1).Digest() == digests[sequence]);
  }
  CHECK(BuildBooks(FileSystem::Real(), rig.options.data_directory, 202, &books, &checksum).code() ==
        Code::kOutOfReach);
  TimesAround times;
  REQUIRE(
      BuildBooksAtTime(FileSystem::Real(), rig.options.data_directory, 1, 150'500, &books, &times)
          .ok());
  REQUIRE(books.instrument_count() == 1);
  CHECK(books.book(1).order_count() == 150);
  CHECK_FALSE(times.beyond_last_entry);
  CHECK(times.out_of_order_sequence == 0);
  REQUIRE(
      BuildBooksAtTime(FileSystem::Real(), rig.options.data_directory, 1, 50'000, &books, &times)
          .ok());
  CHECK(books.book(1).order_count() == 50);
}

TEST_CASE("timestamps of the clock never go back, given ones are kept as they are") {
  EngineRig rig;
  uint64_t sequence = 0;
  rig.Add(1);
  const uint64_t first = rig.engine->books().facts(1).last_timestamp_ns;
  rig.Add(2);
  CHECK(rig.engine->books().facts(1).last_timestamp_ns >= first);
  REQUIRE(rig.engine->Apply({EntryType::kTrade, 1, Side::kBuy, {}, {}, 1, 1}, 17, &sequence) ==
          Code::kOk);
  CHECK(rig.engine->books().facts(1).last_timestamp_ns == 17);
}

TEST_CASE("with durability 'durable' an operation returns when the device has it") {
  EngineRig rig;
  rig.options.durability = Durability::kDurable;
  rig.Open();
  const uint64_t sequence = rig.Add(1);
  CHECK(rig.engine->durable() == sequence);
}

TEST_CASE("a closed engine refuses everything and closes again without harm") {
  EngineRig rig;
  rig.Add(1);
  REQUIRE(rig.engine->Close().ok());
  uint64_t sequence = 0;
  CHECK(rig.engine->Apply({EntryType::kTrade, 1, Side::kBuy, {}, {}, 1, 1}, 0, &sequence) ==
        Code::kClosed);
  SnapshotInfo info;
  RotationReport rotation;
  CompactionReport compaction;
  CHECK(rig.engine->BuildSnapshot({1, 1, 0}, {}, &info).code() == Code::kClosed);
  CHECK(rig.engine->RotateSnapshots(1, &rotation).code() == Code::kClosed);
  CHECK(rig.engine->Compact(true, &compaction).code() == Code::kClosed);
  CHECK(rig.engine->Close().ok());
}

#if defined(__linux__)
TEST_CASE("an instrument whose book there is no memory for leaves no entry, and writing goes on") {
  EngineRig rig;
  rig.Add(1);
  rig.engine.reset();
  rig.options.expected_orders = uint64_t{1} << 40;
  // Of the recovered book it is refused, too.
  const auto open = [&] { return rig.TryOpen(); };
  CHECK(Guarded(open).code() == Code::kOutOfMemory);
  CHECK(rig.engine == nullptr);
  rig.options.expected_orders = 0;
  rig.Open();  // the lock is free
  const uint64_t appended = rig.engine->appended();
  CHECK(appended == 2);

  TemporaryDirectory other;
  rig.engine.reset();
  rig.options.data_directory = other.path() + "/data";
  rig.options.expected_orders = uint64_t{1} << 40;
  rig.Open();  // no book yet
  uint16_t index = 0;
  const Status refused = Guarded(
      [&] { return rig.engine->DefineInstrument({"BBB", 2, 0, InstrumentKind::kOrders}, &index); });
  CHECK(refused.code() == Code::kOutOfMemory);
  CHECK(refused.message().find("expectedOrders") != std::string::npos);
  CHECK(rig.engine->appended() == 0);
  CHECK(rig.engine->books().instrument_count() == 0);
  uint64_t sequence = 0;
  CHECK(rig.engine->AppendPayload(1, 0, 0, nullptr, 0, &sequence) == Code::kOk);
}
#endif

}  // namespace
}  // namespace pinnacle
