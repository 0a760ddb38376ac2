// Power cuts while transactions are being written to the device: whatever subset of their pages and
// sectors survives, each is whole or absent.
#include <cerrno>
#include <map>

#include "engine/engine.h"
#include "simulator/simulated_environment.h"
#include "simulator/simulator_test_support.h"

namespace pinnacle {
namespace {

constexpr uint64_t kCuts = 1200;

uint64_t DigestOf(const BookSet& books) {
  uint64_t digest = books.last_sequence();
  for (uint32_t i = 1; i <= books.instrument_count(); ++i) {
    const uint16_t index = static_cast<uint16_t>(i);
    digest = digest * 1'000'003 + books.book(index).Digest();
    digest = digest * 1'000'003 + books.facts(index).last_sequence;
    digest = digest * 1'000'003 + books.facts(index).traded_quantity;
  }
  return digest;
}

struct Tally {
  uint64_t cuts = 0;
  uint64_t inside = 0;  // part of a transaction was on the disk, and was cut off
  uint64_t inconsistent = 0;
};

// One run: transactions of one to a thousand entries over two books, some of them synced; power is
// cut after each, and in the middle of each copy and sync.
class PowerLoss {
 public:
  PowerLoss(WritePath path, uint64_t seed, Tally* tally)
      : random_(seed), world_(seed), tally_(tally) {
    options_.data_directory = "/d";
    options_.durability = Durability::kAppended;
    options_.journal.segment_bytes = 2 * kMinSegmentBytes;
    options_.journal.window = {path, "", 4 * kMinWindowBytes};
    RecoveryReport report;
    REQUIRE(Engine::Open(world_.environment(), options_, nullptr, &engine_, &report).ok());
    Note();
    for (const char* name : {"A", "B"}) {
      uint16_t index = 0;
      REQUIRE(engine_->DefineInstrument({name, 2, 0, InstrumentKind::kOrders}, &index).ok());
      Note();
    }
  }

  void Run(uint64_t transactions) {
    for (uint64_t i = 0; i < transactions; ++i) {
      Commit(1 + random_.Below(random_.Chance(0.3) ? 1000 : 40));
      Cut();
      CutDuring([&] { (void)engine_->journal()->CopyStep(1 + random_.Below(30'000)); });
      if (random_.Chance(0.4)) {
        CutDuring([&] { REQUIRE(engine_->SyncNow().ok()); });
        acknowledged_ = engine_->durable();
      }
    }
  }

 private:
  void Note() { digests_[engine_->appended()] = DigestOf(engine_->books()); }

  void Commit(uint64_t count) {
    const uint64_t most = engine_->journal()->most_transaction_bytes() / kLineBytes;
    REQUIRE(engine_->BeginTransaction() == Code::kOk);
    uint64_t sequence = 0;
    for (uint64_t i = 0; i < std::min(count, most); ++i) {
      const uint64_t id = ++next_id_;
      Operation operation{EntryType::kAdd,
                          static_cast<uint16_t>(1 + id % 2),
                          Side::kBuy,
                          {id, 0},
                          {},
                          static_cast<int64_t>(id % 17),
                          5};
      if (id % 4 == 0) {
        operation.type = EntryType::kExecute;
        operation.id = {id - 2, 0};
        operation.quantity = 2;
      }
      REQUIRE(engine_->Apply(operation, 0, &sequence) == Code::kOk);
    }
    REQUIRE(engine_->CommitTransaction(&sequence) == Code::kOk);
    Note();
  }

  void Cut() { Check(world_.file_system().PowerCut(random_)); }

  // Cuts power before each call that `work` makes; the work continues.
  template <typename Work>
  void CutDuring(Work&& work) {
    std::vector<DiskImage> images;
    world_.file_system().faults().SetHook([&](CallKind kind, const std::string&) {
      if (kind != CallKind::kMark && random_.Chance(0.5)) {
        images.push_back(world_.file_system().PowerCut(random_));
      }
      return Fault();
    });
    work();
    world_.file_system().faults().Clear();
    for (const DiskImage& image : images) Check(image);
  }

  void Check(const DiskImage& image) {
    ++tally_->cuts;
    SimulatedEnvironment world(random_.Next(), image);
    std::unique_ptr<Engine> engine;
    RecoveryReport report;
    const Status status = Engine::Open(world.environment(), options_, nullptr, &engine, &report);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    tally_->inside += report.break_reason.find("the transaction that begins") == 0;
    const uint64_t last = engine->appended();
    const auto digest = digests_.find(last);
    const bool consistent = last >= acknowledged_ && digest != digests_.end() &&
                            DigestOf(engine->books()) == digest->second;
    REQUIRE_MESSAGE(consistent, "recovered up to ", last, ", ", acknowledged_, " acknowledged");
    tally_->inconsistent += !consistent;
  }

  DeterministicRandom random_;
  SimulatedEnvironment world_;
  EngineOptions options_;
  std::unique_ptr<Engine> engine_;
  std::map<uint64_t, uint64_t> digests_;  // at the ends of transactions
  uint64_t acknowledged_ = 0;
  uint64_t next_id_ = 0;
  Tally* const tally_;
};

TEST_CASE("of a thousand power cuts within transactions none leaves half of one") {
  Tally tally;
  for (uint64_t seed = 1; tally.cuts < kCuts; ++seed) {
    PowerLoss run(seed % 2 == 0 ? WritePath::kWindow : WritePath::kMapped, seed, &tally);
    run.Run(12);
  }
  CHECK(tally.inconsistent == 0);
  CHECK(tally.inside > kCuts / 20);
  MESSAGE(tally.cuts, " power cuts, ", tally.inside, " of them within a transaction, ",
          tally.inconsistent, " inconsistent");
}

}  // namespace
}  // namespace pinnacle
