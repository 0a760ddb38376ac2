// Instruments with signed prices, from the definition to what is read back.
#include <filesystem>
#include <random>

#include "doctest.h"
#include "engine/engine.h"
#include "engine/time_travel.h"
#include "journal/layout.h"
#include "test/reference_book.h"
#include "test/temporary_directory.h"

namespace pinnacle {
namespace {

const Instrument kCrude{"CL", 2, 0, InstrumentKind::kOrders, true};
const Instrument kSpread{"CL-SPREAD", 2, 0, InstrumentKind::kLevels, true};
const Instrument kPlain{"PLAIN", 2, 0, InstrumentKind::kOrders, false};

struct Rig {
  TemporaryDirectory directory;
  EngineOptions options;
  std::unique_ptr<Engine> engine;
  RecoveryReport report;

  Rig() {
    options.data_directory = directory.path() + "/data";
    options.journal.segment_bytes = kMinSegmentBytes;
    options.keep_snapshots = 1;
    options.compaction_threshold_bytes = 0;
    Open();
  }
  void Open() {
    engine.reset();
    const Status status = Engine::Open(Environment::Real(), options, nullptr, &engine, &report);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
  }
  uint16_t Define(const Instrument& instrument) {
    uint16_t index = 0;
    const Status status = engine->DefineInstrument(instrument, &index);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    return index;
  }
  Code Apply(EntryType type, uint16_t instrument, Side side, uint64_t id, int64_t price,
             int64_t quantity) {
    uint64_t sequence = 0;
    return engine->Apply({type, instrument, side, {id, 0}, {id, 0}, price, quantity}, 0, &sequence);
  }
  // One entry after the other until the journal has gone on to another segment.
  void Roll(uint16_t instrument, uint64_t first_id) {
    const uint64_t index = engine->journal()->segment_index();
    for (uint64_t id = first_id; engine->journal()->segment_index() == index; ++id) {
      const int64_t price = static_cast<int64_t>(id % 40) - 20;
      REQUIRE(Apply(EntryType::kAdd, instrument, Side::kBuy, id, price, 1) == Code::kOk);
    }
  }
  void Snapshot() {
    SnapshotInfo info;
    const Status status = engine->BuildSnapshot(engine->FixSnapshotPoint(), {}, &info);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
  }
  uint64_t FeaturesOf(uint64_t index) {
    std::unique_ptr<File> file;
    SegmentHeader header{};
    const std::string path = JournalDirectory(options.data_directory) + "/" + SegmentName(index);
    REQUIRE(FileSystem::Real()->Open(path, OpenMode::kRead, &file).ok());
    REQUIRE(ReadSegmentHeader(*file, {index, path}, &header).ok());
    return header.mandatory_features;
  }
};

TEST_CASE("a segment names the feature from the first signed instrument on, and not before") {
  Rig rig;
  rig.Define(kPlain);
  CHECK(rig.FeaturesOf(1) == 0);
  rig.Roll(rig.Define(kCrude), 1);
  CHECK(rig.FeaturesOf(1) == kFeatureSignedPrices);
  CHECK(rig.FeaturesOf(2) == kFeatureSignedPrices);
}

TEST_CASE("a book with negative prices is the same after a kill, a snapshot and compaction") {
  Rig rig;
  REQUIRE(rig.Define(kCrude) == 1);
  REQUIRE(rig.Define(kSpread) == 2);
  rig.Roll(1, 1);
  REQUIRE(rig.Apply(EntryType::kAdd, 1, Side::kSell, 900'001, -3763, 7) == Code::kOk);
  REQUIRE(rig.Apply(EntryType::kExecute, 1, Side::kBuy, 900'001, 0, 2) == Code::kOk);
  REQUIRE(rig.Apply(EntryType::kReplace, 1, Side::kBuy, 900'001, -1, 4) == Code::kOk);
  REQUIRE(rig.Apply(EntryType::kSetLevel, 2, Side::kBuy, 0, -5, 3) == Code::kOk);
  REQUIRE(rig.Apply(EntryType::kTrade, 2, Side::kBuy, 0, -4, 1) == Code::kOk);
  const uint64_t crude = rig.engine->books().book(1).Digest();
  const uint64_t spread = rig.engine->books().book(2).Digest();
  const auto check = [&] {
    const BookSet& books = rig.engine->books();
    CHECK(books.instrument(1) == kCrude);
    CHECK(books.book(1).Digest() == crude);
    CHECK(books.book(2).Digest() == spread);
    CHECK(books.facts(1).last_trade_price == -3763);
    CHECK(books.facts(2).last_trade_price == -4);
  };
  rig.Open();  // without a close, as after a kill
  CHECK(rig.report.entries_replayed > 900);
  check();
  rig.Snapshot();
  CompactionReport compaction;
  REQUIRE(rig.engine->Compact(true, &compaction).ok());
  CHECK(compaction.removed + compaction.recycled >= 1);
  rig.Open();
  CHECK(rig.report.entries_replayed == 0);
  check();
  CHECK(rig.engine->journal()->features() == kFeatureSignedPrices);
}

TEST_CASE("the books of a moment before have their negative prices") {
  Rig rig;
  rig.Define(kCrude);
  REQUIRE(rig.Apply(EntryType::kAdd, 1, Side::kBuy, 1, -3763, 7) == Code::kOk);
  REQUIRE(rig.Apply(EntryType::kAdd, 1, Side::kBuy, 2, -3700, 7) == Code::kOk);
  REQUIRE(rig.engine->Close().ok());
  BookSet books;
  uint32_t checksum = 0;
  REQUIRE(BuildBooks(FileSystem::Real(), rig.options.data_directory, 2, &books, &checksum).ok());
  LevelView best;
  REQUIRE(books.book(1).Best(Side::kBuy, &best));
  CHECK(best.price == -3763);
}

TEST_CASE("an instrument without signed prices refuses them, beside one that has them") {
  Rig rig;
  rig.Define(kCrude);
  const uint16_t plain = rig.Define(kPlain);
  CHECK(rig.Apply(EntryType::kAdd, plain, Side::kBuy, 1, -1, 1) == Code::kInvalidPrice);
  CHECK(rig.Apply(EntryType::kTrade, plain, Side::kBuy, 0, -1, 1) == Code::kInvalidPrice);
  CHECK(rig.engine->appended() == 2);
  uint16_t index = 0;
  Instrument other = kPlain;
  other.signed_prices = true;
  const Status status = rig.engine->DefineInstrument(other, &index);
  CHECK(status.code() == Code::kInstrumentMismatch);
  CHECK(status.message().find("without signedPrices") != std::string::npos);
}

TEST_CASE("a signed book agrees with the naive book over random operations and an open") {
  Rig rig;
  rig.Define(kCrude);
  ReferenceBook reference;
  std::mt19937_64 random(20200420);
  for (int i = 0; i < 4000; ++i) {
    const uint64_t id = random() % 200;
    const bool sell = random() % 2 == 0;
    const int64_t price = static_cast<int64_t>(random() % 41) - 20;
    const int64_t quantity = static_cast<int64_t>(1 + random() % 9);
    const ReferenceBook::Id reference_id{0, id};
    Code code = Code::kOk;
    ReferenceBook::Answer answer = ReferenceBook::Answer::kOk;
    switch (random() % 4) {
      case 0:
        code = rig.Apply(EntryType::kReduce, 1, Side::kBuy, id, 0, quantity);
        answer = reference.Reduce(reference_id, quantity);
        break;
      case 1:
        code = rig.Apply(EntryType::kReplace, 1, Side::kBuy, id, price, quantity);
        answer = reference.Replace(reference_id, reference_id, price, quantity);
        break;
      default:
        code = rig.Apply(EntryType::kAdd, 1, sell ? Side::kSell : Side::kBuy, id, price, quantity);
        answer = reference.Add(reference_id, sell, price, quantity);
    }
    REQUIRE((code == Code::kOk) == (answer == ReferenceBook::Answer::kOk));
    if (i % 1000 != 999) continue;
    rig.Open();
    for (const Side side : {Side::kBuy, Side::kSell}) {
      const auto levels = reference.Levels(side == Side::kSell);
      std::vector<LevelView> found(levels.size() + 1);
      REQUIRE(rig.engine->books().book(1).Depth(side, found.size(), found.data()) == levels.size());
      for (size_t k = 0; k < levels.size(); ++k) {
        CHECK(found[k].price == levels[k].first);
        CHECK(found[k].orders == levels[k].second.size());
      }
    }
  }
}

}  // namespace
}  // namespace pinnacle
