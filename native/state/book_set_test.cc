#include "state/book_set.h"

#include "doctest.h"

namespace pinnacle {
namespace {

BookSet TwoInstruments() {
  BookSet books;
  books.Define({"ORD", 2, 0, InstrumentKind::kOrders}, 1);
  books.Define({"LVL", 8, 8, InstrumentKind::kLevels}, 2);
  return books;
}

Code Try(BookSet& books, const Operation& operation, uint64_t sequence = 3) {
  BookSet::Prepared prepared;
  const Code code = books.Check(operation, &prepared);
  if (code == Code::kOk) books.Apply(operation, prepared, sequence, 1000 + sequence);
  return code;
}

Operation Of(EntryType type, uint16_t instrument, uint64_t id = 0, int64_t price = 0,
             int64_t quantity = 0, Side side = Side::kBuy) {
  return {type, instrument, side, {id, 0}, {}, price, quantity};
}

TEST_CASE("operations fit the kind of their instrument") {
  BookSet books = TwoInstruments();
  CHECK(Try(books, Of(EntryType::kAdd, 1, 1, 10, 1)) == Code::kOk);
  CHECK(Try(books, Of(EntryType::kAdd, 2, 1, 10, 1)) == Code::kInvalidOperation);
  CHECK(Try(books, Of(EntryType::kSetLevel, 2, 0, 10, 1)) == Code::kOk);
  CHECK(Try(books, Of(EntryType::kSetLevel, 1, 0, 10, 1)) == Code::kInvalidOperation);
  CHECK(Try(books, Of(EntryType::kTrade, 1, 0, 10, 1)) == Code::kOk);
  CHECK(Try(books, Of(EntryType::kTrade, 2, 0, 10, 1)) == Code::kOk);
  CHECK(Try(books, Of(EntryType::kInstrument, 1)) == Code::kInvalidOperation);
  CHECK(Try(books, Of(EntryType::kAdd, 0, 1, 10, 1)) == Code::kUnknownInstrument);
  CHECK(Try(books, Of(EntryType::kAdd, 3, 1, 10, 1)) == Code::kUnknownInstrument);
}

TEST_CASE("prices and quantities out of range are refused") {
  BookSet books = TwoInstruments();
  const int64_t most = static_cast<int64_t>(kMaxSafeInteger);
  CHECK(Try(books, Of(EntryType::kAdd, 1, 1, -1, 1)) == Code::kInvalidPrice);
  CHECK(Try(books, Of(EntryType::kAdd, 1, 1, most + 1, 1)) == Code::kInvalidPrice);
  CHECK(Try(books, Of(EntryType::kAdd, 1, 1, 1, 0)) == Code::kInvalidQuantity);
  CHECK(Try(books, Of(EntryType::kAdd, 1, 1, 1, most + 1)) == Code::kInvalidQuantity);
  CHECK(Try(books, Of(EntryType::kAdd, 1, 1, most, most)) == Code::kOk);
  CHECK(Try(books, Of(EntryType::kSetLevel, 2, 0, 1, -1)) == Code::kInvalidQuantity);
  CHECK(Try(books, Of(EntryType::kStatus, 1, 0, 0, -1)) == Code::kInvalidQuantity);
}

TEST_CASE("an instrument with signed prices takes negative ones, to -(2^53 - 1)") {
  BookSet books = TwoInstruments();
  CHECK(books.RequiredFeatures() == 0);
  books.Define({"SIGNED", 2, 0, InstrumentKind::kOrders, true}, 3);
  books.Define({"SIGNED-LVL", 2, 0, InstrumentKind::kLevels, true}, 4);
  CHECK(books.RequiredFeatures() == kFeatureSignedPrices);
  const int64_t most = static_cast<int64_t>(kMaxSafeInteger);
  CHECK(Try(books, Of(EntryType::kAdd, 3, 1, -most, 1)) == Code::kOk);
  CHECK(Try(books, Of(EntryType::kAdd, 3, 2, -most - 1, 1)) == Code::kInvalidPrice);
  CHECK(Try(books, Of(EntryType::kAdd, 3, 2, INT64_MIN, 1)) == Code::kInvalidPrice);
  CHECK(Try(books, Of(EntryType::kAdd, 3, 2, most + 1, 1)) == Code::kInvalidPrice);
  CHECK(Try(books, Of(EntryType::kAdd, 3, 2, most, 1, Side::kSell)) == Code::kOk);
  CHECK(Try(books, Of(EntryType::kTrade, 3, 0, -1, 1)) == Code::kOk);
  CHECK(books.facts(3).last_trade_price == -1);
  CHECK(Try(books, Of(EntryType::kSetLevel, 4, 0, -1, 5)) == Code::kOk);
  CHECK(Try(books, Of(EntryType::kSetLevel, 2, 0, -1, 5)) == Code::kInvalidPrice);
  CHECK(Try(books, Of(EntryType::kTrade, 1, 0, -1, 5)) == Code::kInvalidPrice);
}

TEST_CASE("an entry with a negative price is corruption if the instrument has unsigned prices") {
  BookSet books = TwoInstruments();
  books.Define({"SIGNED", 2, 0, InstrumentKind::kOrders, true}, 3);
  const OrderPayload payload{1, 0, -3763, 1};
  const auto apply = [&](uint16_t instrument) {
    const EntryHeader header{32,           instrument, static_cast<uint8_t>(EntryType::kAdd),
                             kFlagWritten, 4,          1};
    return books.ApplyEntry(header, reinterpret_cast<const uint8_t*>(&payload)).code();
  };
  CHECK(apply(1) == Code::kCorrupt);
  CHECK(apply(3) == Code::kOk);
}

TEST_CASE("a definition says in its flags that prices are signed, and no more") {
  InstrumentPayload payload;
  Instrument back;
  EncodeInstrument({"A", 2, 0, InstrumentKind::kOrders, true}, &payload);
  CHECK(payload.flags == kInstrumentSignedPrices);
  REQUIRE(DecodeInstrument(payload, &back).ok());
  CHECK(back.signed_prices);
  payload.flags = 0;
  REQUIRE(DecodeInstrument(payload, &back).ok());
  CHECK_FALSE(back.signed_prices);
  payload.flags = 2;
  CHECK(DecodeInstrument(payload, &back).code() == Code::kInvalidInstrument);
}

TEST_CASE("executions and trades are counted, with the resting order's price") {
  BookSet books = TwoInstruments();
  REQUIRE(Try(books, Of(EntryType::kAdd, 1, 1, 10, 5)) == Code::kOk);
  REQUIRE(Try(books, Of(EntryType::kExecute, 1, 1, 0, 2), 4) == Code::kOk);
  REQUIRE(Try(books, Of(EntryType::kTrade, 1, 0, 12, 7), 5) == Code::kOk);
  REQUIRE(Try(books, Of(EntryType::kStatus, 1, 0, 0, 0), 6) == Code::kOk);
  const InstrumentFacts& facts = books.facts(1);
  CHECK(facts.trade_count == 2);
  CHECK(facts.traded_quantity == 9);
  CHECK(facts.last_trade_price == 12);
  CHECK(facts.status == 0);
  CHECK(facts.last_sequence == 6);
  CHECK(books.last_sequence() == 6);
}

TEST_CASE("a definition can be repeated but not changed") {
  BookSet books = TwoInstruments();
  bool present = false;
  uint16_t index = 0;
  REQUIRE(books.CheckDefine({"ORD", 2, 0, InstrumentKind::kOrders}, &present, &index).ok());
  CHECK(present);
  CHECK(index == 1);
  CHECK(books.CheckDefine({"ORD", 3, 0, InstrumentKind::kOrders}, &present, &index).code() ==
        Code::kInstrumentMismatch);
  REQUIRE(books.CheckDefine({"NEW", 3, 0, InstrumentKind::kOrders}, &present, &index).ok());
  CHECK_FALSE(present);
  CHECK(index == 3);
}

TEST_CASE("names are printable UTF-8 of 1 to 32 bytes, scales 0 to 15") {
  const auto code = [](std::string name, uint32_t scale = 0) {
    return CheckInstrument({std::move(name), scale, 0, InstrumentKind::kOrders}).code();
  };
  CHECK(code("BTC-USD") == Code::kOk);
  CHECK(code("\xe6\x97\xa5\xe7\xb5\x8c") == Code::kOk);
  CHECK(code(std::string(32, 'x')) == Code::kOk);
  CHECK(code(std::string(33, 'x')) == Code::kInvalidInstrument);
  CHECK(code("") == Code::kInvalidInstrument);
  CHECK(code("a\nb") == Code::kInvalidInstrument);
  CHECK(code(std::string("a\0b", 3)) == Code::kInvalidInstrument);
  CHECK(code("\xff") == Code::kInvalidInstrument);
  CHECK(code("\xc0\x80") == Code::kInvalidInstrument);      // overlong
  CHECK(code("\xed\xa0\x80") == Code::kInvalidInstrument);  // a surrogate
  CHECK(code("\xe6\x97") == Code::kInvalidInstrument);      // cut off
  CHECK(code("X", 16) == Code::kInvalidInstrument);
}

TEST_CASE("every operation survives encoding into an entry and back") {
  std::vector<Operation> operations = {
      {EntryType::kAdd, 1, Side::kSell, {5, 6}, {}, 7, 8},
      {EntryType::kReduce, 1, Side::kBuy, {5, 0}, {}, 0, 8},
      {EntryType::kReplace, 2, Side::kBuy, {5, 0}, {6, 0}, 7, 8},
      {EntryType::kReplace, 2, Side::kBuy, {5, 1}, {6, 0}, 7, 8},
      {EntryType::kReplace, 2, Side::kBuy, {5, 0}, {6, 1}, 7, 8},
      {EntryType::kSetLevel, 2, Side::kSell, {}, {}, 7, 0},
      {EntryType::kStatus, 2, Side::kBuy, {}, {}, 0, 1},
  };
  for (const Operation& operation : operations) {
    uint8_t payload[kMaxOperationPayload];
    EntryHeader header{};
    EntryType type;
    header.payload_bytes = EncodeOperation(operation, payload, &type, &header.flags);
    header.type = static_cast<uint8_t>(type);
    header.instrument = operation.instrument;
    Operation back;
    REQUIRE(DecodeOperation(header, payload, &back));
    CHECK(back.type == operation.type);
    CHECK(back.instrument == operation.instrument);
    CHECK(back.side == operation.side);
    CHECK(back.id == operation.id);
    CHECK(back.new_id == operation.new_id);
    CHECK(back.price == operation.price);
    CHECK(back.quantity == operation.quantity);
  }
}

TEST_CASE("an entry that the books refuse on reading back is corruption, with its sequence") {
  BookSet books = TwoInstruments();
  const OrderPayload payload{99, 0, 0, 1};
  const EntryHeader header{32, 1, static_cast<uint8_t>(EntryType::kExecute), kFlagWritten, 42, 1};
  const Status status = books.ApplyEntry(header, reinterpret_cast<const uint8_t*>(&payload));
  CHECK(status.code() == Code::kCorrupt);
  CHECK(status.message().find("entry 42") != std::string::npos);
}

}  // namespace
}  // namespace pinnacle
