// The engine's open transaction: what it takes, what a refusal does to it, and what is left of one
// that was not committed.
#include <vector>

#include "doctest.h"
#include "engine/engine.h"
#include "engine/recovery.h"
#include "simulator/simulated_environment.h"

namespace pinnacle {
namespace {

struct Rig {
  SimulatedEnvironment world{1};
  EngineOptions options;
  std::unique_ptr<Engine> engine;
  RecoveryReport report;

  explicit Rig(WritePath path = WritePath::kWindow, Durability durability = Durability::kAppended) {
    options.data_directory = "/d";
    options.durability = durability;
    options.journal.segment_bytes = kMinSegmentBytes;
    options.journal.window = {path, "", kMinWindowBytes};
    Open();
    uint16_t index = 0;
    REQUIRE(engine->DefineInstrument({"ORD", 2, 0, InstrumentKind::kOrders}, &index).ok());
    REQUIRE(engine->DefineInstrument({"LVL", 2, 0, InstrumentKind::kLevels}, &index).ok());
  }
  void Open() {
    engine.reset();
    const Status status = Engine::Open(world.environment(), options, nullptr, &engine, &report);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
  }
  Code Add(uint64_t id, uint64_t* sequence = nullptr, uint64_t timestamp_ns = 0) {
    uint64_t unused = 0;
    return engine->Apply({EntryType::kAdd, 1, Side::kBuy, {id, 0}, {}, 10, 5}, timestamp_ns,
                         sequence == nullptr ? &unused : sequence);
  }
  Code Append(uint32_t bytes, uint8_t type = 1) {
    const std::vector<uint8_t> payload(bytes, 0x5a);
    uint64_t sequence = 0;
    return engine->AppendPayload(type, 0, 0, payload.data(), bytes, &sequence);
  }
  Code Commit(uint64_t* sequence = nullptr) {
    uint64_t unused = 0;
    return engine->CommitTransaction(sequence == nullptr ? &unused : sequence);
  }
  uint64_t Digest() {
    uint64_t digest = engine->books().last_sequence();
    for (uint16_t index = 1; index <= engine->books().instrument_count(); ++index) {
      digest = digest * 31 + engine->books().book(index).Digest();
      digest = digest * 31 + engine->books().facts(index).last_sequence;
      digest = digest * 31 + engine->books().facts(index).last_timestamp_ns;
      digest = digest * 31 + engine->books().facts(index).traded_quantity;
    }
    return digest;
  }
};

TEST_CASE("a committed transaction is there after a reopen, with the sequences that it was given") {
  for (const WritePath path : {WritePath::kWindow, WritePath::kMapped}) {
    Rig rig(path);
    REQUIRE(rig.Add(1) == Code::kOk);
    REQUIRE(rig.engine->BeginTransaction() == Code::kOk);
    uint64_t sequence = 0;
    REQUIRE(rig.Add(2, &sequence) == Code::kOk);
    CHECK(sequence == 4);
    REQUIRE(rig.Append(100) == Code::kOk);
    REQUIRE(rig.engine->Apply({EntryType::kSetLevel, 2, Side::kSell, {}, {}, 20, 7}, 0,
                              &sequence) == Code::kOk);
    CHECK(sequence == 6);
    CHECK(rig.engine->transaction_entries() == 3);
    CHECK(rig.engine->appended() == 3);
    CHECK(rig.engine->books().book(1).order_count() == 2);  // applied at once
    REQUIRE(rig.Commit(&sequence) == Code::kOk);
    CHECK(sequence == 6);
    CHECK(rig.engine->appended() == 6);
    CHECK_FALSE(rig.engine->in_transaction());
    REQUIRE(rig.Add(3, &sequence) == Code::kOk);
    CHECK(sequence == 7);
    const uint64_t digest = rig.Digest();
    rig.Open();
    CHECK(rig.report.last_sequence == 7);
    CHECK(rig.report.tail == Tail::kClean);
    CHECK(rig.Digest() == digest);
  }
}

TEST_CASE("after a refusal nothing more is taken, and what is rolled back leaves no trace") {
  Rig rig;
  REQUIRE(rig.Add(1) == Code::kOk);
  const uint64_t digest = rig.Digest();
  const uint64_t refused = rig.engine->refused();
  REQUIRE(rig.engine->BeginTransaction() == Code::kOk);
  REQUIRE(rig.Add(2) == Code::kOk);
  REQUIRE(rig.Append(10) == Code::kOk);
  CHECK(rig.Add(1) == Code::kDuplicateOrder);
  CHECK(rig.engine->refused() == refused + 1);
  CHECK(rig.Add(3) == Code::kTransactionAborted);
  CHECK(rig.Append(10) == Code::kTransactionAborted);
  CHECK(rig.Commit() == Code::kTransactionAborted);
  CHECK(rig.engine->in_transaction());
  REQUIRE(rig.engine->RollBackTransaction() == Code::kOk);
  CHECK(rig.engine->appended() == 3);
  CHECK(rig.Digest() == digest);
  uint64_t sequence = 0;
  REQUIRE(rig.Add(2, &sequence) == Code::kOk);
  CHECK(sequence == 4);
  const uint64_t after = rig.Digest();
  rig.Open();
  CHECK(rig.report.last_sequence == 4);
  CHECK(rig.Digest() == after);
}

TEST_CASE("each refusal aborts: of the books, of an entry, of what never came to the engine") {
  const auto aborted_after = [](const auto& refuse) {
    Rig rig;
    const uint64_t digest = rig.Digest();
    REQUIRE(rig.engine->BeginTransaction() == Code::kOk);
    REQUIRE(rig.Add(1) == Code::kOk);
    refuse(rig);
    CHECK(rig.Commit() == Code::kTransactionAborted);
    REQUIRE(rig.engine->RollBackTransaction() == Code::kOk);
    CHECK(rig.Digest() == digest);
  };
  aborted_after([](Rig& rig) { CHECK(rig.Append(10, 128) == Code::kInvalidEntryType); });
  aborted_after(
      [](Rig& rig) { CHECK(rig.Append(kMinSegmentBytes) == Code::kTransactionTooLarge); });
  aborted_after([](Rig& rig) {
    uint64_t sequence = 0;
    CHECK(rig.engine->AppendPayload(1, 9, 0, nullptr, 0, &sequence) == Code::kUnknownInstrument);
  });
  aborted_after([](Rig& rig) { rig.engine->AbortTransaction(); });
}

TEST_CASE("one more entry than fits is refused when it is staged") {
  Rig rig;
  const uint64_t most = rig.engine->journal()->most_transaction_bytes() / kLineBytes;
  REQUIRE(rig.engine->BeginTransaction() == Code::kOk);
  for (uint64_t i = 0; i < most; ++i) REQUIRE(rig.Append(32) == Code::kOk);
  CHECK(rig.Append(32) == Code::kTransactionTooLarge);
  REQUIRE(rig.engine->RollBackTransaction() == Code::kOk);
  REQUIRE(rig.engine->BeginTransaction() == Code::kOk);
  for (uint64_t i = 0; i < most; ++i) REQUIRE(rig.Append(32) == Code::kOk);
  REQUIRE(rig.Commit() == Code::kOk);
  CHECK(rig.engine->appended() == 2 + most);
}

TEST_CASE("what belongs outside is refused: nested ones, definitions, an end without a beginning") {
  Rig rig;
  uint64_t sequence = 0;
  CHECK(rig.engine->CommitTransaction(&sequence) == Code::kInvalidOperation);
  CHECK(rig.engine->RollBackTransaction() == Code::kInvalidOperation);
  REQUIRE(rig.engine->BeginTransaction() == Code::kOk);
  CHECK(rig.engine->BeginTransaction() == Code::kTransactionOpen);
  uint16_t index = 0;
  CHECK(rig.engine->DefineInstrument({"NEW", 2, 0, InstrumentKind::kOrders}, &index).code() ==
        Code::kTransactionOpen);
  REQUIRE(rig.Add(1) == Code::kOk);  // it goes on
  REQUIRE(rig.Commit() == Code::kOk);
  CHECK(rig.engine->appended() == 3);
}

TEST_CASE("an empty transaction leaves nothing, one of one entry is an ordinary entry") {
  Rig rig;
  uint64_t sequence = 7;
  REQUIRE(rig.engine->BeginTransaction() == Code::kOk);
  REQUIRE(rig.Commit(&sequence) == Code::kOk);
  CHECK(sequence == 0);
  CHECK(rig.engine->appended() == 2);
  REQUIRE(rig.engine->BeginTransaction() == Code::kOk);
  REQUIRE(rig.Add(1) == Code::kOk);
  REQUIRE(rig.Commit(&sequence) == Code::kOk);
  CHECK(sequence == 3);
  CHECK(rig.engine->journal()->features() == 0);
}

TEST_CASE("a close with an open transaction journals nothing of it") {
  Rig rig;
  REQUIRE(rig.engine->BeginTransaction() == Code::kOk);
  REQUIRE(rig.Add(1) == Code::kOk);
  REQUIRE(rig.engine->Close().ok());
  CHECK(rig.Add(2) == Code::kClosed);
  uint64_t sequence = 0;
  CHECK(rig.engine->CommitTransaction(&sequence) != Code::kOk);
  CHECK(rig.engine->BeginTransaction() == Code::kClosed);
  rig.Open();
  CHECK(rig.report.last_sequence == 2);
  CHECK(rig.engine->books().book(1).order_count() == 0);
}

TEST_CASE("if every call is durable, a transaction is synced once, at its commit") {
  Rig rig(WritePath::kWindow, Durability::kDurable);
  REQUIRE(rig.engine->BeginTransaction() == Code::kOk);
  for (uint64_t id = 1; id <= 50; ++id) REQUIRE(rig.Add(id) == Code::kOk);
  CHECK(rig.engine->durable() == 2);
  uint64_t syncs = 0;
  rig.world.file_system().faults().SetHook([&](CallKind kind, const std::string& path) {
    syncs += kind == CallKind::kSync && path.starts_with("/d/journal/");
    return Fault();
  });
  REQUIRE(rig.Commit() == Code::kOk);
  CHECK(rig.engine->durable() == 52);
  const uint64_t first = syncs;  // with the feature's
  syncs = 0;
  REQUIRE(rig.engine->BeginTransaction() == Code::kOk);
  for (uint64_t id = 51; id <= 100; ++id) REQUIRE(rig.Add(id) == Code::kOk);
  REQUIRE(rig.Commit() == Code::kOk);
  CHECK(rig.engine->durable() == 102);
  CHECK(syncs <= 1);
  CHECK(first > syncs);
  rig.world.file_system().faults().Clear();
}

TEST_CASE("times are the clock's at each call, or the caller's, and go on after a roll back") {
  Rig rig;
  REQUIRE(rig.engine->BeginTransaction() == Code::kOk);
  rig.world.clock().Advance(1000);
  const uint64_t now = rig.world.clock().NowNs();
  REQUIRE(rig.Add(1) == Code::kOk);
  CHECK(rig.engine->books().facts(1).last_timestamp_ns == now);
  REQUIRE(rig.Add(2, nullptr, 77) == Code::kOk);
  CHECK(rig.engine->books().facts(1).last_timestamp_ns == 77);
  REQUIRE(rig.engine->RollBackTransaction() == Code::kOk);
  CHECK(rig.engine->books().facts(1).last_timestamp_ns == 0);
  rig.world.clock().SetWallNs(now - 500);
  REQUIRE(rig.Add(3) == Code::kOk);
  CHECK(rig.engine->books().facts(1).last_timestamp_ns == now);  // it does not go back
}

TEST_CASE("many entries in one call are of the transaction, with one time") {
  Rig rig;
  const std::vector<uint8_t> payloads(10 * 32, 0x11);
  uint64_t taken = 0;
  uint64_t sequence = 0;
  REQUIRE(rig.engine->BeginTransaction() == Code::kOk);
  REQUIRE(rig.engine->AppendPayloads(1, 0, 0, payloads.data(), 32, 32, 10, &taken, &sequence) ==
          Code::kOk);
  CHECK(taken == 10);
  CHECK(sequence == 12);
  CHECK(rig.engine->appended() == 2);
  REQUIRE(rig.Commit() == Code::kOk);
  CHECK(rig.engine->appended() == 12);
}

TEST_CASE(
    "a journal that fails while one is open: it is rolled back, and the books are as before") {
  Rig rig;
  const uint64_t digest = rig.Digest();
  REQUIRE(rig.engine->BeginTransaction() == Code::kOk);
  REQUIRE(rig.Add(1) == Code::kOk);
  REQUIRE(rig.Add(2) == Code::kOk);
  rig.engine->journal()->Abandon(Status(Code::kIo, "as a failed sync does"));
  CHECK(rig.Commit() == Code::kJournalFailed);
  CHECK(rig.engine->in_transaction());
  REQUIRE(rig.engine->RollBackTransaction() == Code::kOk);
  CHECK(rig.Digest() == digest);
  CHECK(rig.engine->BeginTransaction() == Code::kJournalFailed);
}

TEST_CASE("a snapshot that is asked for around a transaction is never taken inside it") {
  Rig rig;
  REQUIRE(rig.Add(1) == Code::kOk);
  REQUIRE(rig.engine->BeginTransaction() == Code::kOk);
  REQUIRE(rig.Add(2) == Code::kOk);
  const SnapshotPoint point = rig.engine->FixSnapshotPoint();
  CHECK(point.sequence == 3);
  REQUIRE(rig.Add(3) == Code::kOk);
  REQUIRE(rig.Commit() == Code::kOk);
  SnapshotInfo info;
  REQUIRE(rig.engine->BuildSnapshot(point, {}, &info).ok());
  CHECK(info.meta.sequence == 3);
  // After it: its proof is the transaction's last entry.
  REQUIRE(rig.engine->BuildSnapshot(rig.engine->FixSnapshotPoint(), {}, &info).ok());
  CHECK(info.meta.sequence == 5);
  CHECK(info.meta.entry_checksum == rig.engine->journal()->last_checksum());
  rig.Open();
  CHECK(rig.report.snapshot_sequence == 5);
  CHECK(rig.report.entries_replayed == 0);
  CHECK(rig.engine->books().book(1).order_count() == 3);
}

}  // namespace
}  // namespace pinnacle
