#include "book/order_book.h"

#include <bit>

#include "platform/random.h"

namespace pinnacle {

namespace {

constexpr uint64_t kMultiplier1 = 0x9e3779b97f4a7c15ull;
constexpr uint64_t kMultiplier2 = 0xd6e8feb86659fd93ull;

// Every bit of the result depends on every bit of the argument.
uint64_t Mix(uint64_t x) {
  x ^= x >> 32;
  x *= kMultiplier2;
  x ^= x >> 32;
  x *= kMultiplier2;
  x ^= x >> 32;
  return x;
}

// Another one in every process, so that nobody can choose ids that collide.
uint64_t HashSeed() {
  static const uint64_t seed = RandomSource::Real()->NextU64();
  return seed;
}

const uint64_t kHashSeed = HashSeed();

}  // namespace

OrderBook::OrderBook(size_t expected_orders, uint32_t max_orders)
    : ids_(expected_orders), max_orders_(max_orders) {
  orders_.Reserve(expected_orders);
}

uint32_t OrderBook::HashOf(OrderId id) {
  uint64_t x = (id.low ^ kHashSeed) * kMultiplier1;
  x ^= std::rotl((id.high + kHashSeed) * kMultiplier2, 31);
  x ^= x >> 32;
  x *= kMultiplier2;
  return static_cast<uint32_t>(x >> 32);
}

bool OrderBook::LevelHasRoom(Side side, int64_t price, int64_t quantity) const {
  if (quantity > kMaxLevelQuantity) return false;
  const uint32_t found = list(side).Find(KeyOf(side, price));
  return found == LevelList::kNone || levels_[found].quantity <= kMaxLevelQuantity - quantity;
}

// Puts the order at the tail of the queue at `price`, making the level where there is none.
void OrderBook::Append(uint32_t order_index, Side side, int64_t price, int64_t quantity) {
  const int64_t key = KeyOf(side, price);
  uint32_t level_index = list(side).Find(key);
  if (level_index == LevelList::kNone) {
    level_index = levels_.Allocate();
    levels_[level_index] = {price, 0, 0, kNoIndex, kNoIndex, static_cast<uint32_t>(side)};
    list(side).Insert(key, level_index);
  }
  Level& level = levels_[level_index];
  Order& order = orders_[order_index];
  order.quantity = quantity;
  order.level = level_index;
  order.previous = level.tail;
  order.next = kNoIndex;
  (level.tail == kNoIndex ? level.head : orders_[level.tail].next) = order_index;
  level.tail = order_index;
  level.quantity += quantity;
  ++level.orders;
}

// Takes the order out of its level, and the level out of the book where it was the last.
void OrderBook::Unlink(uint32_t order_index) {
  const Order& order = orders_[order_index];
  Level& level = levels_[order.level];
  (order.previous == kNoIndex ? level.head : orders_[order.previous].next) = order.next;
  (order.next == kNoIndex ? level.tail : orders_[order.next].previous) = order.previous;
  level.quantity -= order.quantity;
  if (--level.orders == 0) {
    const Side side = SideOf(level);
    list(side).Erase(KeyOf(side, level.price));
    levels_.Free(order.level);
  }
}

Code OrderBook::CheckAdd(OrderId id, Side side, int64_t price, int64_t quantity) {
  if (FindOrder(id, HashOf(id)) != IdTable::kNone) return Code::kDuplicateOrder;
  if (orders_.size() >= max_orders_) return Code::kBookFull;
  return LevelHasRoom(side, price, quantity) ? Code::kOk : Code::kQuantityOverflow;
}

void OrderBook::ApplyAdd(OrderId id, Side side, int64_t price, int64_t quantity) {
  const uint32_t index = orders_.Allocate();
  Order& order = orders_[index];
  order.id = id;
  order.hash = HashOf(id);
  ids_.Insert(order.hash, index);
  Append(index, side, price, quantity);
}

Code OrderBook::CheckReduce(OrderId id, int64_t quantity, Handle* handle) {
  *handle = FindOrder(id, HashOf(id));
  if (*handle == IdTable::kNone) return Code::kUnknownOrder;
  return quantity <= orders_[*handle].quantity ? Code::kOk : Code::kQuantityExceedsOpen;
}

void OrderBook::ApplyReduce(Handle handle, int64_t quantity) {
  Order& order = orders_[handle];
  if (order.quantity == quantity) {
    ApplyCancel(handle);
    return;
  }
  order.quantity -= quantity;
  levels_[order.level].quantity -= quantity;
}

Code OrderBook::CheckCancel(OrderId id, Handle* handle) {
  *handle = FindOrder(id, HashOf(id));
  return *handle == IdTable::kNone ? Code::kUnknownOrder : Code::kOk;
}

void OrderBook::ApplyCancel(Handle handle) {
  Unlink(handle);
  ids_.Erase(orders_[handle].hash, handle);
  orders_.Free(handle);
}

Code OrderBook::CheckReplace(OrderId id, OrderId new_id, int64_t price, int64_t quantity,
                             Handle* handle) {
  *handle = FindOrder(id, HashOf(id));
  if (*handle == IdTable::kNone) return Code::kUnknownOrder;
  if (!(id == new_id) && FindOrder(new_id, HashOf(new_id)) != IdTable::kNone) {
    return Code::kDuplicateOrder;
  }
  const Order& order = orders_[*handle];
  const Level& level = levels_[order.level];
  if (level.price == price) {
    return quantity <= kMaxLevelQuantity - (level.quantity - order.quantity)
               ? Code::kOk
               : Code::kQuantityOverflow;
  }
  return LevelHasRoom(SideOf(level), price, quantity) ? Code::kOk : Code::kQuantityOverflow;
}

void OrderBook::ApplyReplace(Handle handle, OrderId new_id, int64_t price, int64_t quantity) {
  Order& order = orders_[handle];
  const Side side = SideOf(levels_[order.level]);
  Unlink(handle);
  if (!(order.id == new_id)) {
    ids_.Erase(order.hash, handle);
    order.id = new_id;
    order.hash = HashOf(new_id);
    ids_.Insert(order.hash, handle);
  }
  Append(handle, side, price, quantity);
}

OrderId OrderBook::LevelOrderId(Side side, int64_t price) {
  // Outside of what a venue hands out: UUIDs have a version in the high half, other ids are
  // shorter.
  return {static_cast<uint64_t>(price), ~uint64_t{0} - static_cast<uint64_t>(side)};
}

Code OrderBook::CheckSetLevel(Side side, int64_t price, int64_t quantity) {
  if (quantity > kMaxLevelQuantity) return Code::kQuantityOverflow;
  if (quantity == 0 || orders_.size() < max_orders_) return Code::kOk;
  const OrderId id = LevelOrderId(side, price);
  return FindOrder(id, HashOf(id)) != IdTable::kNone ? Code::kOk : Code::kBookFull;
}

void OrderBook::ApplySetLevel(Side side, int64_t price, int64_t quantity) {
  const OrderId id = LevelOrderId(side, price);
  const uint32_t found = FindOrder(id, HashOf(id));
  if (found == IdTable::kNone) {
    if (quantity != 0) ApplyAdd(id, side, price, quantity);
  } else if (quantity == 0) {
    ApplyCancel(found);
  } else {
    Order& order = orders_[found];
    levels_[order.level].quantity += quantity - order.quantity;
    order.quantity = quantity;
  }
}

void OrderBook::Clear() {
  orders_.Clear();
  levels_.Clear();
  ids_.Clear();
  for (LevelList& levels : lists_) levels.Clear();
}

size_t OrderBook::order_count() const { return orders_.size(); }

size_t OrderBook::level_count(Side side) const { return list(side).size(); }

size_t OrderBook::Depth(Side side, size_t max_levels, LevelView* levels) const {
  size_t count = 0;
  if (max_levels == 0) return 0;
  list(side).ForEach([&](uint32_t index) {
    const Level& level = levels_[index];
    levels[count++] = {level.price, level.quantity, level.orders};
    return count < max_levels;
  });
  return count;
}

bool OrderBook::Best(Side side, LevelView* level) const { return Depth(side, 1, level) == 1; }

bool OrderBook::Find(OrderId id, OrderView* order) const {
  const uint32_t found = FindOrder(id, HashOf(id));
  if (found == IdTable::kNone) return false;
  const Level& level = levels_[orders_[found].level];
  *order = {id, SideOf(level), level.price, orders_[found].quantity};
  return true;
}

bool OrderBook::QueuePosition(OrderId id, uint32_t* orders_ahead, int64_t* quantity_ahead) const {
  const uint32_t found = FindOrder(id, HashOf(id));
  if (found == IdTable::kNone) return false;
  *orders_ahead = 0;
  *quantity_ahead = 0;
  for (uint32_t i = orders_[found].previous; i != kNoIndex; i = orders_[i].previous) {
    ++*orders_ahead;
    *quantity_ahead += orders_[i].quantity;
  }
  return true;
}

bool OrderBook::LevelOrders(Side side, int64_t price, std::vector<OrderView>* orders) const {
  orders->clear();
  if (price < 0) return false;
  const uint32_t found = list(side).Find(KeyOf(side, price));
  if (found == LevelList::kNone) return false;
  for (uint32_t i = levels_[found].head; i != kNoIndex; i = orders_[i].next) {
    orders->push_back({orders_[i].id, side, price, orders_[i].quantity});
  }
  return true;
}

uint64_t OrderBook::Digest() const {
  uint64_t digest = 0;
  const auto add = [&](uint64_t word) { digest = Mix(digest + kMultiplier1 + word); };
  for (const Side side : {Side::kBuy, Side::kSell}) {
    add(static_cast<uint64_t>(side));
    Visit(
        side,
        [&](const LevelView& level) {
          add(static_cast<uint64_t>(level.price));
          add(level.orders);
        },
        [&](const OrderView& order) {
          add(order.id.low);
          add(order.id.high);
          add(static_cast<uint64_t>(order.quantity));
        });
  }
  return digest;
}

size_t OrderBook::memory_bytes() const {
  return sizeof(*this) + orders_.memory_bytes() + levels_.memory_bytes() + ids_.memory_bytes() +
         lists_[0].memory_bytes() + lists_[1].memory_bytes();
}

}  // namespace pinnacle
