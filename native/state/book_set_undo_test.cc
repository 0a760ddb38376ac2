// Operations on all books, undone in reverse order: books and facts are restored, and later
// operations behave as if the undone ones had never been.
#include <random>
#include <vector>

#include "doctest.h"
#include "state/book_set.h"

namespace pinnacle {
namespace {

bool AreEqual(const InstrumentFacts& a, const InstrumentFacts& b) {
  return a.status == b.status && a.last_sequence == b.last_sequence &&
         a.last_timestamp_ns == b.last_timestamp_ns && a.trade_count == b.trade_count &&
         a.traded_quantity == b.traded_quantity && a.last_trade_price == b.last_trade_price;
}

void CheckSame(const BookSet& one, const BookSet& other) {
  REQUIRE(one.last_sequence() == other.last_sequence());
  for (uint16_t index = 1; index <= one.instrument_count(); ++index) {
    REQUIRE(one.book(index).Digest() == other.book(index).Digest());
    REQUIRE(one.book(index).order_count() == other.book(index).order_count());
    REQUIRE(AreEqual(one.facts(index), other.facts(index)));
  }
}

BookSet ThreeInstruments() {
  BookSet books;
  books.Define({"ORD", 2, 0, InstrumentKind::kOrders}, 1);
  books.Define({"LVL", 8, 8, InstrumentKind::kLevels}, 2);
  books.Define({"SND", 0, 0, InstrumentKind::kOrders}, 3);
  return books;
}

class Writer {
 public:
  explicit Writer(BookSet* books) : books_(books) {}
  // False if it is refused.
  bool Apply(const Operation& operation, uint64_t sequence) {
    BookSet::Prepared prepared;
    if (books_->Check(operation, &prepared) != Code::kOk) return false;
    books_->MakeRoom(operation, &prepared);
    books_->ApplyUndoably(operation, prepared, sequence, 1000 + sequence, &undos_);
    return true;
  }
  void TakeBack(uint64_t last_sequence) {
    books_->TakeBack(&undos_);
    books_->Skip(last_sequence);
  }
  void Keep() { undos_.Clear(); }

 private:
  BookSet* books_;
  BookSet::UndoLog undos_;
};

Operation Draw(std::mt19937_64& random) {
  static constexpr EntryType kTypes[] = {
      EntryType::kAdd,     EntryType::kAdd,      EntryType::kAdd,    EntryType::kReduce,
      EntryType::kExecute, EntryType::kExecute,  EntryType::kCancel, EntryType::kReplace,
      EntryType::kReplace, EntryType::kSetLevel, EntryType::kTrade,  EntryType::kStatus};
  Operation operation;
  operation.type = random() % 60 == 0 ? EntryType::kClear : kTypes[random() % 12];
  operation.instrument = static_cast<uint16_t>(1 + random() % 3);
  if (operation.type == EntryType::kSetLevel) operation.instrument = 2;
  operation.side = random() % 2 == 0 ? Side::kBuy : Side::kSell;
  operation.id = {1 + random() % 30, random() % 8 == 0 ? 1u : 0u};
  operation.new_id = random() % 3 == 0 ? operation.id : OrderId{1 + random() % 30, 0};
  operation.price = static_cast<int64_t>(random() % 10);
  operation.quantity = static_cast<int64_t>(1 + random() % 8);
  return operation;
}

TEST_CASE("random transactions over several books, half of them taken back, leave no trace") {
  std::mt19937_64 random(5);
  BookSet books = ThreeInstruments();
  BookSet twin = ThreeInstruments();
  uint64_t sequence = 3;
  for (int round = 0; round < 6000; ++round) {
    Writer writer(&books);
    std::vector<Operation> kept;
    const uint64_t before = sequence;
    for (uint64_t i = random() % 25; i > 0; --i) {
      const Operation operation = Draw(random);
      if (!writer.Apply(operation, sequence + 1)) continue;
      ++sequence;
      kept.push_back(operation);
    }
    if (random() % 2 == 0) {
      sequence = before;
      writer.TakeBack(before);
    } else {
      writer.Keep();
      Writer other(&twin);
      for (size_t i = 0; i < kept.size(); ++i) REQUIRE(other.Apply(kept[i], before + 1 + i));
    }
    CheckSame(books, twin);
  }
  CHECK(sequence > 10'000);
}

TEST_CASE("undoing a clear restores all orders and removes those added after it") {
  BookSet books = ThreeInstruments();
  Writer writer(&books);
  Operation add{EntryType::kAdd, 1, Side::kBuy, {1, 0}, {}, 10, 5};
  REQUIRE(writer.Apply(add, 4));
  writer.Keep();
  const uint64_t digest = books.book(1).Digest();
  REQUIRE(writer.Apply({EntryType::kClear, 1, Side::kBuy, {}, {}, 0, 0}, 5));
  CHECK(books.book(1).order_count() == 0);
  REQUIRE(writer.Apply(add, 6));
  REQUIRE(writer.Apply({EntryType::kClear, 1, Side::kBuy, {}, {}, 0, 0}, 7));
  writer.TakeBack(4);
  CHECK(books.book(1).Digest() == digest);
  CHECK(books.last_sequence() == 4);
  CHECK(books.facts(1).last_sequence == 4);
}

TEST_CASE("undo restores the facts that executions, trades and statuses changed") {
  BookSet books = ThreeInstruments();
  Writer writer(&books);
  REQUIRE(writer.Apply({EntryType::kAdd, 1, Side::kBuy, {1, 0}, {}, 10, 5}, 4));
  REQUIRE(writer.Apply({EntryType::kStatus, 1, Side::kBuy, {}, {}, 0, 1}, 5));
  writer.Keep();
  const InstrumentFacts before = books.facts(1);
  REQUIRE(writer.Apply({EntryType::kExecute, 1, Side::kBuy, {1, 0}, {}, 0, 5}, 6));
  REQUIRE(writer.Apply({EntryType::kTrade, 1, Side::kBuy, {}, {}, 12, 7}, 7));
  REQUIRE(writer.Apply({EntryType::kStatus, 1, Side::kBuy, {}, {}, 0, 0}, 8));
  CHECK(books.facts(1).trade_count == 2);
  CHECK(books.facts(1).last_trade_price == 12);
  writer.TakeBack(5);
  CHECK(AreEqual(books.facts(1), before));
  CHECK(books.facts(1).last_trade_price == std::nullopt);
}

TEST_CASE("an entry that is read back can be undone too, and a refused one changes nothing") {
  BookSet books = ThreeInstruments();
  BookSet::UndoLog undos;
  const Operation add{EntryType::kAdd, 1, Side::kSell, {7, 0}, {}, 10, 5};
  uint8_t payload[kMaxOperationPayload];
  EntryType type;
  uint8_t side = 0;
  EntryHeader header{};
  header.payload_bytes = EncodeOperation(add, payload, &type, &side);
  header.instrument = 1;
  header.type = static_cast<uint8_t>(type);
  header.flags = static_cast<uint8_t>(kFlagWritten | side);
  header.sequence = 4;
  REQUIRE(books.ApplyEntryUndoably(header, payload, &undos).ok());
  CHECK(books.last_sequence() == 4);
  header.sequence = 5;
  CHECK(books.ApplyEntryUndoably(header, payload, &undos).code() == Code::kCorrupt);
  CHECK(undos.size() == 1);
  header.type = 0x85;  // a user entry
  REQUIRE(books.ApplyEntryUndoably(header, payload, &undos).ok());
  CHECK(undos.size() == 1);
  CHECK(books.last_sequence() == 5);
  books.TakeBack(&undos);
  CHECK(books.book(1).order_count() == 0);
}

}  // namespace
}  // namespace pinnacle
