// The methods of NativeBookReader, for the live books and for rebuilt ones.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "addon/errors.h"
#include "addon/method.h"
#include "addon/staging.h"
#include "addon/values.h"

namespace pinnacle::addon {

namespace {

using BooksFunction = std::function<const BookSet*()>;

// The set and the instrument's index, or null after throwing.
const BookSet* BooksFor(const Napi::CallbackInfo& info, const BooksFunction& books,
                        uint16_t* instrument) {
  const BookSet* set = books();
  if (set == nullptr) {
    Throw(info.Env(),
          Status(Code::kClosed, "the books were closed; open the data directory again"));
    return nullptr;
  }
  if (instrument == nullptr) return set;
  const double index =
      info.Length() > 0 && info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
  if (!(index >= 1 && index <= static_cast<double>(set->instrument_count()))) {
    Throw(info.Env(), Status(Code::kUnknownInstrument,
                             "there is no such instrument; define it in the configuration first"));
    return nullptr;
  }
  *instrument = static_cast<uint16_t>(index);
  return set;
}

bool SideFrom(const Napi::CallbackInfo& info, size_t argument, Side* side) {
  const double value = info.Length() > argument && info[argument].IsNumber()
                           ? info[argument].As<Napi::Number>().DoubleValue()
                           : -1;
  *side = value == 1 ? Side::kSell : Side::kBuy;
  if (value == 0 || value == 1) return true;
  Throw(info.Env(), Status(Code::kInvalidSide, "a side is 0 (buy) or 1 (sell)"));
  return false;
}

bool IdFrom(const Napi::CallbackInfo& info, size_t argument, OrderId* id) {
  if (info.Length() > argument && OrderIdFromValue(info[argument], id)) return true;
  Throw(info.Env(), Status(Code::kInvalidOrderId, "an order id is an integer of at most 128 bits"));
  return false;
}

Napi::Value OrderToValue(Napi::Env env, const OrderView& order) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("id", OrderIdToValue(env, order.id));
  object.Set("side", order.side == Side::kBuy ? 0 : 1);
  object.Set("price", Num(env, order.price));
  object.Set("quantity", Num(env, order.quantity));
  return object;
}

Napi::Value Depth(const Napi::CallbackInfo& info, const BooksFunction& books) {
  Napi::Env env = info.Env();
  uint16_t instrument = 0;
  const BookSet* set = BooksFor(info, books, &instrument);
  Side side;
  if (set == nullptr || !SideFrom(info, 1, &side)) return env.Undefined();
  const OrderBook& book = set->book(instrument);
  const double wanted =
      info.Length() > 2 && info[2].IsNumber() ? info[2].As<Napi::Number>().DoubleValue() : 0;
  const size_t limit = book.level_count(side);
  const size_t count = wanted >= static_cast<double>(limit) ? limit
                       : wanted > 0                         ? static_cast<size_t>(wanted)
                                                            : 0;
  std::vector<LevelView> levels(count);
  const size_t found = book.Depth(side, count, levels.data());
  std::vector<double> prices(found);
  std::vector<double> quantities(found);
  std::vector<double> orders(found);
  for (size_t i = 0; i < found; ++i) {
    prices[i] = static_cast<double>(levels[i].price);
    quantities[i] = static_cast<double>(levels[i].quantity);
    orders[i] = levels[i].orders;
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("prices", LanesToValue(env, prices));
  object.Set("quantities", LanesToValue(env, quantities));
  object.Set("orders", LanesToValue(env, orders));
  return object;
}

Napi::Value Order(const Napi::CallbackInfo& info, const BooksFunction& books) {
  uint16_t instrument = 0;
  const BookSet* set = BooksFor(info, books, &instrument);
  OrderId id;
  if (set == nullptr || !IdFrom(info, 1, &id)) return info.Env().Undefined();
  OrderView order;
  if (!set->book(instrument).Find(id, &order)) return info.Env().Null();
  return OrderToValue(info.Env(), order);
}

Napi::Value QueuePosition(const Napi::CallbackInfo& info, const BooksFunction& books) {
  Napi::Env env = info.Env();
  uint16_t instrument = 0;
  const BookSet* set = BooksFor(info, books, &instrument);
  OrderId id;
  if (set == nullptr || !IdFrom(info, 1, &id)) return env.Undefined();
  uint32_t orders = 0;
  int64_t quantity = 0;
  if (!set->book(instrument).QueuePosition(id, &orders, &quantity)) return env.Null();
  Napi::Object object = Napi::Object::New(env);
  object.Set("ordersAhead", orders);
  object.Set("quantityAhead", Num(env, quantity));
  return object;
}

Napi::Value LevelOrders(const Napi::CallbackInfo& info, const BooksFunction& books) {
  Napi::Env env = info.Env();
  uint16_t instrument = 0;
  const BookSet* set = BooksFor(info, books, &instrument);
  Side side;
  if (set == nullptr || !SideFrom(info, 1, &side)) return env.Undefined();
  int64_t price = 0;
  const bool is_price = info.Length() > 2 && info[2].IsNumber() &&
                        ToPrice(info[2].As<Napi::Number>().DoubleValue(), &price);
  std::vector<OrderView> orders;
  if (!is_price || !set->book(instrument).LevelOrders(side, price, &orders)) return env.Null();
  Napi::Array array = Napi::Array::New(env, orders.size());
  for (uint32_t i = 0; i < orders.size(); ++i) array.Set(i, OrderToValue(env, orders[i]));
  return array;
}

Napi::Value OrNull(Napi::Env env, const std::optional<int64_t>& value) {
  return value ? Num(env, *value) : env.Null();
}

Napi::Value BookInfo(const Napi::CallbackInfo& info, const BooksFunction& books) {
  Napi::Env env = info.Env();
  uint16_t instrument = 0;
  const BookSet* set = BooksFor(info, books, &instrument);
  if (set == nullptr) return env.Undefined();
  const OrderBook& book = set->book(instrument);
  const InstrumentFacts& facts = set->facts(instrument);
  Napi::Object object = Napi::Object::New(env);
  object.Set("orders", Num(env, static_cast<uint64_t>(book.order_count())));
  object.Set("bidLevels", Num(env, static_cast<uint64_t>(book.level_count(Side::kBuy))));
  object.Set("askLevels", Num(env, static_cast<uint64_t>(book.level_count(Side::kSell))));
  object.Set("digest", Napi::BigInt::New(env, book.Digest()));
  object.Set("memoryBytes", Num(env, static_cast<uint64_t>(book.memory_bytes())));
  object.Set("status", OrNull(env, facts.status));
  object.Set("lastSequence", Num(env, facts.last_sequence));
  object.Set("lastTimestamp", Napi::BigInt::New(env, facts.last_timestamp_ns));
  object.Set("tradeCount", Num(env, facts.trade_count));
  object.Set("tradedQuantity", Num(env, facts.traded_quantity));
  object.Set("lastTradePrice", OrNull(env, facts.last_trade_price));
  return object;
}

}  // namespace

void AddBookReading(Napi::Env env, Napi::Object object, BooksFunction books) {
  const auto add = [&](const char* name,
                       Napi::Value (*method)(const Napi::CallbackInfo&, const BooksFunction&)) {
    object.Set(name, Method(env, name, [books, method](const Napi::CallbackInfo& info) {
                 return method(info, books);
               }));
  };
  add("depth", Depth);
  add("order", Order);
  add("queuePosition", QueuePosition);
  add("levelOrders", LevelOrders);
  add("bookInfo", BookInfo);
  add("instruments", [](const Napi::CallbackInfo& info, const BooksFunction& from) -> Napi::Value {
    const BookSet* set = BooksFor(info, from, nullptr);
    return set == nullptr ? info.Env().Undefined() : InstrumentsToValue(info.Env(), *set);
  });
}

}  // namespace pinnacle::addon
