#include "simulator/model_state.h"

#include <algorithm>
#include <cstring>

namespace pinnacle::simulation {
namespace {

constexpr int64_t kMost = 9007199254740991;  // 2^53 - 1

struct Place {
  int side = -1;  // -1: there is no such order
  int64_t price = 0;
  size_t position = 0;
};

Place Find(const ModelBook& book, OrderId id) {
  for (int side = 0; side < 2; ++side) {
    for (const auto& [price, orders] : book.sides[side]) {
      for (size_t i = 0; i < orders.size(); ++i) {
        if (orders[i].id == id) return {side, price, i};
      }
    }
  }
  return {};
}

int64_t TotalAt(const ModelBook& book, int side, int64_t price) {
  int64_t total = 0;
  const auto level = book.sides[side].find(price);
  if (level == book.sides[side].end()) return 0;
  for (const ModelOrder& order : level->second) total += order.quantity;
  return total;
}

int64_t QuantityOf(const ModelBook& book, const Place& place) {
  return book.sides[place.side].at(place.price)[place.position].quantity;
}

void Remove(ModelBook& book, const Place& place) {
  auto& level = book.sides[place.side].at(place.price);
  level.erase(level.begin() + static_cast<std::ptrdiff_t>(place.position));
  if (level.empty()) book.sides[place.side].erase(place.price);
}

bool BadPrice(const Instrument& definition, int64_t price) {
  return price < (definition.signed_prices ? -kMost : 0) || price > kMost;
}
bool BadQuantity(int64_t quantity) { return quantity < 1 || quantity > kMost; }

void Put(std::vector<uint8_t>& bytes, uint64_t value, int length = 8) {
  for (int i = 0; i < length; ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

}  // namespace

bool ModelEntry::IsStoredAs(const uint8_t* bytes, uint64_t length, uint64_t sequence) const {
  if (length != (payload.size() + 32 + 63) / 64 * 64) return false;
  const uint64_t head[3] = {
      payload.size() | uint64_t{instrument} << 32 | uint64_t{type} << 48 | uint64_t{flags} << 56,
      sequence, timestamp_ns};
  const uint32_t lag =
      static_cast<uint32_t>(std::min<uint64_t>(sequence - 1 - durable_before, 0xffffffff));
  const uint8_t* padding = bytes + sizeof(head) + payload.size();
  const uint8_t* trailer = bytes + length - 8;
  return std::memcmp(bytes, head, sizeof(head)) == 0 &&
         std::equal(payload.begin(), payload.end(), bytes + sizeof(head)) &&
         std::all_of(padding, trailer, [](uint8_t byte) { return byte == 0; }) &&
         std::memcmp(trailer, &lag, sizeof(lag)) == 0;
}

Code ModelState::Check(const Operation& operation) const {
  if (operation.instrument == 0 || operation.instrument > instruments_.size()) {
    return Code::kUnknownInstrument;
  }
  const ModelInstrument& instrument = instruments_[operation.instrument - 1u];
  const ModelBook& book = instrument.book;
  const bool by_order = instrument.definition.kind == InstrumentKind::kOrders;
  const int side = operation.side == Side::kSell ? 1 : 0;
  const EntryType type = operation.type;
  const bool needs_orders = type == EntryType::kAdd || type == EntryType::kReduce ||
                            type == EntryType::kExecute || type == EntryType::kCancel ||
                            type == EntryType::kReplace;
  if (needs_orders && !by_order) return Code::kInvalidOperation;
  if (type == EntryType::kSetLevel && by_order) return Code::kInvalidOperation;
  if ((type == EntryType::kAdd || type == EntryType::kReplace || type == EntryType::kSetLevel ||
       type == EntryType::kTrade) &&
      BadPrice(instrument.definition, operation.price)) {
    return Code::kInvalidPrice;
  }
  if ((type == EntryType::kAdd || type == EntryType::kReplace || type == EntryType::kReduce ||
       type == EntryType::kExecute || type == EntryType::kTrade) &&
      BadQuantity(operation.quantity)) {
    return Code::kInvalidQuantity;
  }
  if ((type == EntryType::kSetLevel || type == EntryType::kStatus) &&
      (operation.quantity < 0 || operation.quantity > kMost)) {
    return Code::kInvalidQuantity;
  }
  if (!needs_orders) return Code::kOk;
  const Place place = Find(book, operation.id);
  if (type == EntryType::kAdd) {
    if (place.side >= 0) return Code::kDuplicateOrder;
    return TotalAt(book, side, operation.price) > kMost - operation.quantity
               ? Code::kQuantityOverflow
               : Code::kOk;
  }
  if (place.side < 0) return Code::kUnknownOrder;
  if (type == EntryType::kCancel) return Code::kOk;
  const int64_t open = QuantityOf(book, place);
  if (type != EntryType::kReplace) {
    return operation.quantity > open ? Code::kQuantityExceedsOpen : Code::kOk;
  }
  if (!(operation.new_id == operation.id) && Find(book, operation.new_id).side >= 0) {
    return Code::kDuplicateOrder;
  }
  const int64_t others =
      TotalAt(book, place.side, operation.price) - (place.price == operation.price ? open : 0);
  return others > kMost - operation.quantity ? Code::kQuantityOverflow : Code::kOk;
}

bool ModelState::Takes(const ModelEntry& entry) const {
  if (entry.type >= 0x80) return true;
  if (entry.type != 0x03) return Check(entry.operation) == Code::kOk;
  return entry.instrument == instruments_.size() + 1 &&
         std::none_of(instruments_.begin(), instruments_.end(), [&](const ModelInstrument& known) {
           return known.definition.name == entry.definition.name;
         });
}

void ModelState::Apply(const ModelEntry& entry, uint64_t sequence) {
  last_sequence_ = sequence;
  if (entry.type >= 0x80) {
    user_state_.Apply(sequence, entry.type, entry.instrument, entry.payload);
    return;
  }
  if (entry.type == 0x03) {
    instruments_.emplace_back().definition = entry.definition;
    return;
  }
  const Operation& operation = entry.operation;
  ModelInstrument& instrument = instruments_[operation.instrument - 1u];
  ModelBook& book = instrument.book;
  const int side = operation.side == Side::kSell ? 1 : 0;
  const Place place = Find(book, operation.id);
  const auto traded = [&](int64_t price) {
    ++instrument.trades;
    instrument.traded_quantity += static_cast<uint64_t>(operation.quantity);
    instrument.last_trade_price = price;
  };
  switch (operation.type) {
    case EntryType::kAdd:
      book.sides[side][operation.price].push_back({operation.id, operation.quantity});
      break;
    case EntryType::kExecute:
      traded(place.price);
      [[fallthrough]];
    case EntryType::kReduce: {
      int64_t& open = book.sides[place.side].at(place.price)[place.position].quantity;
      open -= operation.quantity;
      if (open == 0) Remove(book, place);
      break;
    }
    case EntryType::kCancel:
      Remove(book, place);
      break;
    case EntryType::kReplace:
      Remove(book, place);
      book.sides[place.side][operation.price].push_back({operation.new_id, operation.quantity});
      break;
    case EntryType::kSetLevel:
      book.sides[side].erase(operation.price);
      if (operation.quantity != 0) {
        const OrderId id{static_cast<uint64_t>(operation.price),
                         ~uint64_t{0} - static_cast<uint64_t>(side)};
        book.sides[side][operation.price] = {{id, operation.quantity}};
      }
      break;
    case EntryType::kTrade:
      traded(operation.price);
      break;
    case EntryType::kStatus:
      instrument.status = operation.quantity;
      break;
    case EntryType::kClear:
      book = {};
      break;
    default:
      break;
  }
  instrument.last_sequence = sequence;
  instrument.last_timestamp_ns = entry.timestamp_ns;
}

std::string ModelState::Difference(const BookSet& books) const {
  if (books.last_sequence() != last_sequence_) {
    return "the books stand at " + std::to_string(books.last_sequence()) + " instead of " +
           std::to_string(last_sequence_);
  }
  if (books.instrument_count() != instruments_.size()) return "number of instruments";
  for (size_t i = 0; i < instruments_.size(); ++i) {
    const uint16_t index = static_cast<uint16_t>(i + 1);
    const ModelInstrument& expected = instruments_[i];
    const std::string who = "instrument " + std::to_string(index) + ": ";
    if (!(books.instrument(index) == expected.definition)) return who + "definition";
    const InstrumentFacts& facts = books.facts(index);
    if (facts.status != expected.status) return who + "status";
    if (facts.last_sequence != expected.last_sequence) return who + "last sequence";
    if (facts.last_timestamp_ns != expected.last_timestamp_ns) return who + "last timestamp";
    if (facts.trade_count != expected.trades || facts.traded_quantity != expected.traded_quantity ||
        facts.last_trade_price != expected.last_trade_price) {
      return who + "trades";
    }
    for (int side = 0; side < 2; ++side) {
      // Both books as one flat list: price, total, count, then the orders.
      std::vector<std::vector<uint64_t>> want;
      const auto level_of = [&](int64_t price, const std::vector<ModelOrder>& orders) {
        int64_t total = 0;
        for (const ModelOrder& order : orders) total += order.quantity;
        want.push_back({static_cast<uint64_t>(price), static_cast<uint64_t>(total), orders.size()});
        for (const ModelOrder& order : orders) {
          want.push_back({order.id.low, order.id.high, static_cast<uint64_t>(order.quantity)});
        }
      };
      const auto& levels = expected.book.sides[side];
      if (side == 0) {
        for (auto it = levels.rbegin(); it != levels.rend(); ++it) level_of(it->first, it->second);
      } else {
        for (const auto& [price, orders] : levels) level_of(price, orders);
      }
      std::vector<std::vector<uint64_t>> have;
      books.book(index).Visit(
          side == 0 ? Side::kBuy : Side::kSell,
          [&](const LevelView& level) {
            have.push_back({static_cast<uint64_t>(level.price),
                            static_cast<uint64_t>(level.quantity), level.orders});
          },
          [&](const OrderView& order) {
            have.push_back({order.id.low, order.id.high, static_cast<uint64_t>(order.quantity)});
          });
      if (want != have) return who + (side == 0 ? "buy side" : "sell side");
    }
  }
  return "";
}

ModelEntry EntryOfOperation(const Operation& operation, uint64_t timestamp_ns, bool given) {
  ModelEntry entry;
  entry.type = static_cast<uint8_t>(operation.type);
  entry.flags =
      static_cast<uint8_t>(0x80 | (given ? 0x02 : 0) | (operation.side == Side::kSell ? 0x01 : 0));
  entry.instrument = operation.instrument;
  entry.timestamp_ns = timestamp_ns;
  entry.operation = operation;
  if (operation.type == EntryType::kReplace) {
    const bool wide = operation.id.high != 0 || operation.new_id.high != 0;
    if (wide) entry.type = 0x22;
    Put(entry.payload, operation.id.low);
    if (wide) Put(entry.payload, operation.id.high);
    Put(entry.payload, operation.new_id.low);
    if (wide) Put(entry.payload, operation.new_id.high);
  } else {
    Put(entry.payload, operation.id.low);
    Put(entry.payload, operation.id.high);
  }
  Put(entry.payload, static_cast<uint64_t>(operation.price));
  Put(entry.payload, static_cast<uint64_t>(operation.quantity));
  return entry;
}

ModelEntry EntryOfPayload(uint8_t user_type, uint16_t instrument, std::vector<uint8_t> payload,
                          uint64_t timestamp_ns, bool given) {
  ModelEntry entry;
  entry.type = static_cast<uint8_t>(0x80 + user_type);
  entry.flags = given ? 0x82 : 0x80;
  entry.instrument = instrument;
  entry.timestamp_ns = timestamp_ns;
  entry.payload = std::move(payload);
  return entry;
}

ModelEntry EntryOfInstrument(const Instrument& definition, uint16_t index, uint64_t timestamp_ns) {
  ModelEntry entry;
  entry.type = 0x03;
  entry.flags = 0x80;
  entry.instrument = index;
  entry.timestamp_ns = timestamp_ns;
  entry.definition = definition;
  entry.payload.assign(definition.name.begin(), definition.name.end());
  entry.payload.resize(32);
  Put(entry.payload, definition.price_scale, 4);
  Put(entry.payload, definition.quantity_scale, 4);
  Put(entry.payload, static_cast<uint64_t>(definition.kind), 4);
  Put(entry.payload, definition.signed_prices ? 1 : 0, 4);
  return entry;
}

}  // namespace pinnacle::simulation
