#include "book/order_book.h"

#include <algorithm>

#include "base/check.h"
#include "platform/memory_limit.h"
#include "platform/random.h"

namespace pinnacle {

namespace {

// Every bit of the result depends on every bit of the argument.
uint64_t Mix(uint64_t x) {
  x ^= x >> 32;
  x *= OrderBook::kMultiplier2;
  x ^= x >> 32;
  x *= OrderBook::kMultiplier2;
  x ^= x >> 32;
  return x;
}

}  // namespace

const uint64_t OrderBook::hash_seed_ = RandomSource::Real()->NextU64();

OrderBook::OrderBook(size_t expected_orders, uint32_t max_orders)
    : ids_(Affordable(expected_orders)), level_ids_(0), max_orders_(max_orders) {
  orders_.Reserve(expected_orders);
}

size_t OrderBook::Affordable(size_t expected_orders) {
  CheckMemoryFor(IdTable::BytesFor(expected_orders) + expected_orders * sizeof(Order));
  return expected_orders;
}

void OrderBook::MakeRoomForOrder(Handle* handle) {
  orders_.MakeRoom();
  // What was looked up is elsewhere in a table that grows; it is searched for then.
  if (ids_.room() == 0) {
    ids_.MakeRoom();
    handle->slot = handle->new_slot = kNoIndex;
  }
  room_ = std::min(orders_.room(), ids_.room());
}

void OrderBook::MakeRoomBeside(Handle* handle, OrderId id, uint32_t index, Side side,
                               int64_t price) {
  orders_.MakeRoomForId(index, id);
  if (handle->level != kNoIndex) return;
  levels_.MakeRoom();
  if (level_ids_.room() == 0) {
    level_ids_.MakeRoom();
    handle->level_slot = kNoIndex;
  }
  list(side).MakeRoom(KeyOf(side, price));
}

void OrderBook::set_growth(Growth growth) {
  orders_.set_growth(growth);
  levels_.set_growth(growth);
  ids_.set_growth(growth);
  level_ids_.set_growth(growth);
}

void OrderBook::Reserve(size_t orders) {
  orders_.Reserve(orders);
  ids_.Reserve(orders);
}

uint32_t OrderBook::LevelHash(Side side, int64_t price) {
  return HashOf({static_cast<uint64_t>(price), static_cast<uint64_t>(side)});
}

Code OrderBook::CheckLevel(Side side, int64_t price, int64_t quantity, Handle* handle) const {
  handle->level_hash = LevelHash(side, price);
  const IdTable::Place place = FindLevel(side, price, handle->level_hash);
  handle->level = place.index;
  handle->level_slot = place.slot;
  const int64_t present = place.index == IdTable::kNone ? 0 : levels_[place.index].quantity;
  return quantity <= kMaxLevelQuantity - present ? Code::kOk : Code::kQuantityOverflow;
}

uint32_t OrderBook::MakeLevel(Side side, int64_t price, uint32_t hash, uint32_t slot) {
  const uint32_t index = levels_.Allocate();
  levels_[index] = {price, 0, 0, kNoIndex, kNoIndex, static_cast<uint32_t>(side)};
  level_ids_.Insert(hash, index, slot);
  list(side).Insert(KeyOf(side, price), index);
  return index;
}

void OrderBook::RemoveLevel(uint32_t level_index) {
  const Level& level = levels_[level_index];
  const Side side = SideOf(level);
  list(side).Erase(KeyOf(side, level.price));
  level_ids_.Erase(LevelHash(side, level.price), level_index);
  levels_.Free(level_index);
}

// Puts the order at the tail of the level's queue.
void OrderBook::Link(uint32_t order_index, uint32_t level_index, int64_t quantity) {
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

// Takes the order out of its level, which may be left empty.
void OrderBook::Unlink(const Order& order, Level& level) {
  (order.previous == kNoIndex ? level.head : orders_[order.previous].next) = order.next;
  (order.next == kNoIndex ? level.tail : orders_[order.next].previous) = order.previous;
  level.quantity -= order.quantity;
  --level.orders;
}

// Takes the order out of the book, and its level where it was the last.
void OrderBook::Remove(uint32_t order_index, uint32_t slot) {
  const Order& order = orders_[order_index];
  Level& level = levels_[order.level];
  Unlink(order, level);
  if (level.orders == 0) RemoveLevel(order.level);
  ids_.Erase(order.hash, order_index, slot);
  orders_.Free(order_index);
}

Code OrderBook::CheckAdd(OrderId id, Side side, int64_t price, int64_t quantity,
                         Handle* handle) const {
  handle->hash = HashOf(id);
  const IdTable::Place place = FindOrder(id, handle->hash);
  if (place.index != IdTable::kNone) return Code::kDuplicateOrder;
  handle->new_slot = place.slot;
  if (orders_.size() >= max_orders_) return Code::kBookFull;
  return CheckLevel(side, price, quantity, handle);
}

void OrderBook::ApplyAdd(const Handle& handle, OrderId id, Side side, int64_t price,
                         int64_t quantity) {
  const uint32_t index = orders_.Allocate();
  orders_.SetId(index, id);
  orders_[index].hash = handle.hash;
  ids_.Insert(handle.hash, index, handle.new_slot);
  const uint32_t level = handle.level != IdTable::kNone
                             ? handle.level
                             : MakeLevel(side, price, handle.level_hash, handle.level_slot);
  Link(index, level, quantity);
}

Code OrderBook::CheckReduce(OrderId id, int64_t quantity, Handle* handle) const {
  const Code code = CheckCancel(id, handle);
  if (code != Code::kOk) return code;
  return quantity <= orders_[handle->order].quantity ? Code::kOk : Code::kQuantityExceedsOpen;
}

void OrderBook::ApplyReduce(const Handle& handle, int64_t quantity) {
  Order& order = orders_[handle.order];
  if (order.quantity == quantity) {
    ApplyCancel(handle);
    return;
  }
  order.quantity -= quantity;
  levels_[order.level].quantity -= quantity;
}

Code OrderBook::CheckCancel(OrderId id, Handle* handle) const {
  const IdTable::Place place = FindOrder(id, HashOf(id));
  handle->order = place.index;
  handle->slot = place.slot;
  return place.index == IdTable::kNone ? Code::kUnknownOrder : Code::kOk;
}

void OrderBook::ApplyCancel(const Handle& handle) { Remove(handle.order, handle.slot); }

Code OrderBook::CheckReplace(OrderId id, OrderId new_id, int64_t price, int64_t quantity,
                             Handle* handle) const {
  if (const Code code = CheckCancel(id, handle); code != Code::kOk) return code;
  if (!(id == new_id)) {
    handle->hash = HashOf(new_id);
    const IdTable::Place place = FindOrder(new_id, handle->hash);
    if (place.index != IdTable::kNone) return Code::kDuplicateOrder;
    handle->new_slot = place.slot;
  }
  const Order& order = orders_[handle->order];
  const Level& level = levels_[order.level];
  if (level.price == price) {
    handle->level = order.level;
    return quantity <= kMaxLevelQuantity - (level.quantity - order.quantity)
               ? Code::kOk
               : Code::kQuantityOverflow;
  }
  return CheckLevel(SideOf(level), price, quantity, handle);
}

void OrderBook::ApplyReplace(const Handle& handle, OrderId new_id, int64_t price,
                             int64_t quantity) {
  const uint32_t index = handle.order;
  const Order& order = orders_[index];
  const uint32_t old_level = order.level;
  if (!(orders_.IdOf(index) == new_id)) {
    // The new id goes in first: erasing moves slots, and its place may be among them.
    const uint32_t old_hash = order.hash;
    ids_.Insert(handle.hash, index, handle.new_slot);
    ids_.Erase(old_hash, index, handle.slot);
    orders_.SetId(index, new_id);
    orders_[index].hash = handle.hash;
  }
  const uint32_t new_level =
      handle.level != IdTable::kNone
          ? handle.level
          : MakeLevel(SideOf(levels_[old_level]), price, handle.level_hash, handle.level_slot);
  Unlink(order, levels_[old_level]);
  Link(index, new_level, quantity);
  if (levels_[old_level].orders == 0) RemoveLevel(old_level);
}

OrderId OrderBook::LevelOrderId(Side side, int64_t price) {
  // Outside of what a venue hands out: UUIDs have a version in the high half, other ids are
  // shorter.
  return {static_cast<uint64_t>(price), ~uint64_t{0} - static_cast<uint64_t>(side)};
}

Code OrderBook::CheckSetLevel(Side side, int64_t price, int64_t quantity, Handle* handle) const {
  if (quantity > kMaxLevelQuantity) return Code::kQuantityOverflow;
  const OrderId id = LevelOrderId(side, price);
  handle->hash = HashOf(id);
  const IdTable::Place place = FindOrder(id, handle->hash);
  handle->order = place.index;
  handle->slot = handle->new_slot = place.slot;
  if (place.index != IdTable::kNone || quantity == 0) return Code::kOk;
  if (orders_.size() >= max_orders_) return Code::kBookFull;
  return CheckLevel(side, price, quantity, handle);
}

void OrderBook::ApplySetLevel(const Handle& handle, Side side, int64_t price, int64_t quantity) {
  if (handle.order == IdTable::kNone) {
    if (quantity != 0) ApplyAdd(handle, LevelOrderId(side, price), side, price, quantity);
  } else if (quantity == 0) {
    ApplyCancel(handle);
  } else {
    Order& order = orders_[handle.order];
    levels_[order.level].quantity += quantity - order.quantity;
    order.quantity = quantity;
  }
}

void OrderBook::PrefetchNeighbours(uint32_t hash) const {
  const uint32_t index = ids_.Guess(hash);
  if (index == IdTable::kNone) return;
  const Order& order = orders_[index];
  __builtin_prefetch(&levels_[order.level], 1);
  if (order.previous != kNoIndex) __builtin_prefetch(&orders_[order.previous], 1);
  if (order.next != kNoIndex) __builtin_prefetch(&orders_[order.next], 1);
}

void OrderBook::PrefetchTail(Side side, int64_t price) const {
  const uint32_t index = level_ids_.Guess(LevelHash(side, price));
  if (index == IdTable::kNone) return;
  const uint32_t tail = levels_[index].tail;
  if (tail != kNoIndex) __builtin_prefetch(&orders_[tail], 1);
}

void OrderBook::Clear() {
  orders_.Clear();
  levels_.Clear();
  ids_.Clear();
  level_ids_.Clear();
  room_ = 0;
  for (LevelList& levels : lists_) levels.Clear();
}

void OrderBook::Note(uint32_t order_index, Undo* undo) const {
  const Order& order = orders_[order_index];
  const Level& level = levels_[order.level];
  undo->kind = Undo::Kind::kRemoval;
  undo->side = SideOf(level);
  undo->level_leaves = level.orders == 1;
  undo->order = order_index;
  undo->was = order;
  undo->id_high = orders_.IdOf(order_index).high;
  undo->price = level.price;
}

void OrderBook::NoteReplace(const Handle& handle, Undo* undo) const {
  Note(handle.order, undo);
  undo->kind = Undo::Kind::kReplace;
  undo->level_leaves = undo->level_leaves && handle.level != undo->was.level;
}

void OrderBook::NoteSetLevel(const Handle& handle, int64_t quantity, Undo* undo) const {
  undo->kind = Undo::Kind::kNothing;
  if (handle.order == IdTable::kNone) {
    if (quantity != 0) NoteAdd(undo);
    return;
  }
  if (quantity != 0) {
    NoteQuantity(handle.order, undo);
  } else {
    Note(handle.order, undo);
  }
}

void OrderBook::TakeBack(const Undo& undo) {
  // What was counted includes the room that a removal had left.
  room_ = 0;
  switch (undo.kind) {
    case Undo::Kind::kNothing:
      return;
    case Undo::Kind::kAdd:
      Remove(undo.order, kNoIndex);
      return;
    case Undo::Kind::kQuantity:
      levels_[orders_[undo.order].level].quantity +=
          undo.was.quantity - orders_[undo.order].quantity;
      orders_[undo.order].quantity = undo.was.quantity;
      return;
    case Undo::Kind::kRemoval:
      Reinsert(undo);
      return;
    case Undo::Kind::kReplace:
      TakeBackReplace(undo);
      return;
  }
}

void OrderBook::Reinsert(const Undo& undo) {
  const uint32_t index = orders_.Allocate();
  PINNACLE_CHECK(index == undo.order);
  orders_.SetId(index, {undo.was.id_low, undo.id_high});
  ids_.Insert(undo.was.hash, index);
  orders_[index].hash = undo.was.hash;
  PutBack(undo);
}

void OrderBook::TakeBackReplace(const Undo& undo) {
  const uint32_t index = undo.order;
  const uint32_t left = orders_[index].level;
  Unlink(orders_[index], levels_[left]);
  const OrderId id{undo.was.id_low, undo.id_high};
  if (!(orders_.IdOf(index) == id)) {
    ids_.Erase(orders_[index].hash, index);
    ids_.Insert(undo.was.hash, index);
    orders_.SetId(index, id);
    orders_[index].hash = undo.was.hash;
  }
  PutBack(undo);
  if (levels_[left].orders == 0) RemoveLevel(left);
}

// Links the order where it was. Its neighbours are there again: whatever moved them is taken back.
void OrderBook::PutBack(const Undo& undo) {
  const uint32_t level_index = undo.was.level;
  if (undo.level_leaves) {
    const uint32_t made =
        MakeLevel(undo.side, undo.price, LevelHash(undo.side, undo.price), kNoIndex);
    PINNACLE_CHECK(made == level_index);
  }
  Level& level = levels_[level_index];
  Order& order = orders_[undo.order];
  order.quantity = undo.was.quantity;
  order.level = level_index;
  order.previous = undo.was.previous;
  order.next = undo.was.next;
  (order.previous == kNoIndex ? level.head : orders_[order.previous].next) = undo.order;
  (order.next == kNoIndex ? level.tail : orders_[order.next].previous) = undo.order;
  level.quantity += order.quantity;
  ++level.orders;
}

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
  const uint32_t found = FindOrder(id, HashOf(id)).index;
  if (found == IdTable::kNone) return false;
  const Level& level = levels_[orders_[found].level];
  *order = {id, SideOf(level), level.price, orders_[found].quantity};
  return true;
}

bool OrderBook::QueuePosition(OrderId id, uint32_t* orders_ahead, int64_t* quantity_ahead) const {
  const uint32_t found = FindOrder(id, HashOf(id)).index;
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
  const uint32_t found = FindLevel(side, price, LevelHash(side, price)).index;
  if (found == IdTable::kNone) return false;
  for (uint32_t i = levels_[found].head; i != kNoIndex; i = orders_[i].next) {
    orders->push_back({orders_.IdOf(i), side, price, orders_[i].quantity});
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
         level_ids_.memory_bytes() + lists_[0].memory_bytes() + lists_[1].memory_bytes();
}

}  // namespace pinnacle
