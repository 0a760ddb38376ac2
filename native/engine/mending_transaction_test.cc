// An open with each policy of a directory whose transactions are damaged: they are kept whole or
// dropped whole, the books know nothing of the others, and the journal goes on.
#include "doctest.h"
#include "test/killed_machine.h"

namespace pinnacle {
namespace {

// Instrument A (entry 1, two lines), a transaction of the entries 2 to 6, entry 7, a transaction of
// 8 to 10, all durable and closed.
struct Written {
  Machine machine;
  uint64_t id = 0;

  explicit Written(bool with_snapshot = false) {
    machine.options.journal.segment_bytes = kMinSegmentBytes;
    machine.MustOpen();
    uint16_t index = 0;
    REQUIRE(machine.engine->DefineInstrument({"A", 2, 0, InstrumentKind::kOrders}, &index).ok());
    Commit(5);
    Add();
    if (with_snapshot) {
      SnapshotInfo info;
      REQUIRE(machine.engine->BuildSnapshot(machine.engine->FixSnapshotPoint(), {}, &info).ok());
    }
    Commit(3);
    REQUIRE(machine.engine->Close().ok());
    machine.engine.reset();
  }
  void Add() {
    uint64_t sequence = 0;
    REQUIRE(machine.engine->Apply({EntryType::kAdd, 1, Side::kBuy, {++id, 0}, {}, 10, 5}, 0,
                                  &sequence) == Code::kOk);
  }
  void Commit(uint64_t count) {
    uint64_t sequence = 0;
    REQUIRE(machine.engine->BeginTransaction() == Code::kOk);
    for (uint64_t i = 0; i < count; ++i) Add();
    REQUIRE(machine.engine->CommitTransaction(&sequence) == Code::kOk);
  }
  void Damage(uint64_t sequence) {
    const uint64_t offset = OffsetOf(sequence + 1) + 30;  // (the definition has two lines)
    std::vector<uint8_t> byte = machine.Bytes(kSegment, offset, 1);
    byte[0] ^= 1;
    machine.Change(kSegment, offset, byte);
  }
  Status Open(RecoveryPolicy policy) {
    machine.options.policy = policy;
    return machine.Open();
  }
  uint64_t orders() { return machine.engine->books().book(1).order_count(); }
  // It goes on, with transactions, and opens strictly.
  void GoOn() {
    id = 1000;
    const uint64_t last = machine.engine->appended();
    Commit(4);
    const uint64_t digest = machine.engine->books().book(1).Digest();
    REQUIRE(machine.engine->Close().ok());
    REQUIRE(Open(RecoveryPolicy::kStrict).ok());
    CHECK(machine.report.tail == Tail::kClean);
    CHECK(machine.engine->appended() == last + 4);
    CHECK(machine.engine->books().book(1).Digest() == digest);
  }
};

TEST_CASE("a damaged entry inside a transaction is reported at the transaction's beginning") {
  for (uint64_t damaged = 2; damaged <= 6; ++damaged) {
    Written written;
    written.Damage(damaged);
    CHECK(written.Open(RecoveryPolicy::kStrict).code() == Code::kCorrupt);
    CHECK(written.machine.report.break_sequence == 2);
    CHECK(written.machine.report.break_offset == OffsetOf(3));
  }
}

TEST_CASE("salvage drops the whole transaction, and keeps those after it") {
  for (uint64_t damaged = 2; damaged <= 6; ++damaged) {
    Written written;
    written.Damage(damaged);
    REQUIRE(written.Open(RecoveryPolicy::kSalvage).ok());
    const RecoveryReport& report = written.machine.report;
    REQUIRE(report.holes.size() == 1);
    CHECK(report.holes[0].first_sequence == 2);
    CHECK(report.holes[0].last_sequence == 6);
    CHECK(report.entries_dropped == 4);
    CHECK(written.machine.engine->appended() == 10);
    CHECK(written.orders() == 4);
    written.GoOn();
  }
}

TEST_CASE("point-in-time ends before the transaction") {
  Written written;
  written.Damage(9);
  REQUIRE(written.Open(RecoveryPolicy::kPointInTime).ok());
  CHECK(written.machine.engine->appended() == 7);
  CHECK(written.orders() == 6);
  written.GoOn();
}

TEST_CASE("a snapshot after it has what a dropped transaction did, for both policies") {
  for (const RecoveryPolicy policy : {RecoveryPolicy::kPointInTime, RecoveryPolicy::kSalvage}) {
    Written written(true);
    written.Damage(4);
    CHECK(written.Open(RecoveryPolicy::kStrict).code() == Code::kCorrupt);
    REQUIRE(written.Open(policy).ok());
    REQUIRE(written.machine.report.holes.size() == 1);
    CHECK(written.machine.report.holes[0].first_sequence == 2);
    CHECK(written.machine.report.holes[0].last_sequence == 6);
    CHECK(written.machine.report.holes[0].snapshot_sequence == 7);
    CHECK(written.machine.engine->appended() == 10);
    CHECK(written.orders() == 9);
    written.GoOn();
  }
}

}  // namespace
}  // namespace pinnacle
