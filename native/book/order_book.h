// One instrument's price-time order book, market by order. Prices are ticks, quantities lots, both
// integers; order ids have up to 128 bits.
//
// Each operation has two halves, so that the caller can journal in between:
//   Check*  says whether the book would accept it, and changes nothing. Its look-ups are kept in
//   the Handle, so that every id and every level is looked up once. Apply*  performs it. It may
//   only be called with the Handle of the same Check that returned kOk, with nothing in between.
// (Validate, then journal, then apply: a refused operation leaves no entry, and an operation that
// could not be journaled is not applied.)
// An operation that may bring an order or a level into the book has a third part, in between:
// MakeRoom* allocates all the memory that its Apply may need. If there is none it throws
// std::bad_alloc and nothing has changed; after it Apply can't fail. (A caller without a journal
// may skip it.)
//
// Within a level orders are in time order. The book may be crossed or locked: it mirrors a venue
// and does not match. Not thread-safe.
//
// Invariants: every order is in the queue of one level and in `ids_`; every level has an order, and
// is in `level_ids_` and in the list of its side.
#ifndef PINNACLE_BOOK_ORDER_BOOK_H_
#define PINNACLE_BOOK_ORDER_BOOK_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/error_codes.h"
#include "book/growth.h"
#include "book/id_table.h"
#include "book/level_list.h"
#include "book/order_store.h"
#include "book/slab.h"

namespace pinnacle {

enum class Side : uint8_t { kBuy = 0, kSell = 1 };

struct OrderView {
  OrderId id;
  Side side;
  int64_t price;
  int64_t quantity;  // still open
};

struct LevelView {
  int64_t price;
  int64_t quantity;  // sum of the open quantities
  uint32_t orders;
};

class OrderBook {
 public:
  // Reserves room for `expected_orders` live orders; beyond it the book grows without a long pause.
  explicit OrderBook(size_t expected_orders = 0, uint32_t max_orders = kMaxOrders);

  // With this many live orders an add is kBookFull.
  static constexpr uint32_t kMaxOrders = 1u << 30;
  // Highest total of one level, so that it is exact as a float64.
  static constexpr int64_t kMaxLevelQuantity = (int64_t{1} << 53) - 1;

  // The look-ups of a Check. Valid until the next change of the book.
  struct Handle {
    uint32_t order = kNoIndex;     // the order that the operation names
    uint32_t slot = kNoIndex;      // its place in the id table
    uint32_t hash = 0;             // of the id that the operation brings into the book
    uint32_t new_slot = kNoIndex;  // the place for that id
    uint32_t level = kNoIndex;     // the level that the operation goes to; none: to be made
    uint32_t level_hash = 0;
    uint32_t level_slot = kNoIndex;
  };

  // MakeRoom* of most operations: if the tables are known to have room for its order and id, takes
  // that room and returns true.
  bool TakeRoom(const Handle& handle, OrderId new_id) {
    if (room_ == 0 || handle.level == kNoIndex || new_id.high != 0) [[unlikely]]
      return false;
    --room_;
    return true;
  }
  void MakeRoomForAdd(Handle* handle, OrderId id, Side side, int64_t price) {
    MakeRoom(handle, handle->level == kNoIndex || id.high != 0, id, orders_.NextIndex(), side,
             price);
  }
  void MakeRoomForReplace(Handle* handle, OrderId new_id, int64_t price) {
    MakeRoom(handle, handle->level == kNoIndex || new_id.high != 0, new_id, handle->order,
             SideOf(levels_[orders_[handle->order].level]), price);
  }

  // Preconditions on numbers (checked by the caller): -(2^53 - 1) <= price <= 2^53 - 1, 1 <=
  // quantity <= 2^53 - 1.
  // kDuplicateOrder, kBookFull, kQuantityOverflow (level sum)
  Code CheckAdd(OrderId id, Side side, int64_t price, int64_t quantity, Handle* handle) const;
  void ApplyAdd(const Handle& handle, OrderId id, Side side, int64_t price, int64_t quantity);

  // Reduces the order by `quantity`; the order leaves at 0. kUnknownOrder, kQuantityExceedsOpen.
  // Used for a partial cancel and for an execution: they differ in meaning only.
  Code CheckReduce(OrderId id, int64_t quantity, Handle* handle) const;
  void ApplyReduce(const Handle& handle, int64_t quantity);

  // The price of the order that the operation names.
  int64_t PriceOf(const Handle& handle) const { return levels_[orders_[handle.order].level].price; }

  Code CheckCancel(OrderId id, Handle* handle) const;  // kUnknownOrder
  void ApplyCancel(const Handle& handle);

  // The order leaves and joins the tail of the queue at `price` with `quantity` open, as `new_id`
  // (which may be the same id). kUnknownOrder, kDuplicateOrder (another order has the new id),
  // kQuantityOverflow.
  Code CheckReplace(OrderId id, OrderId new_id, int64_t price, int64_t quantity,
                    Handle* handle) const;
  void ApplyReplace(const Handle& handle, OrderId new_id, int64_t price, int64_t quantity);

  // Market by price: sets a level's total; 0 removes it; removing an absent level does nothing. The
  // level holds one synthetic order (see LevelOrderId), so depth, snapshots and comparison just
  // work. kBookFull, kQuantityOverflow.
  Code CheckSetLevel(Side side, int64_t price, int64_t quantity, Handle* handle) const;
  void ApplySetLevel(const Handle& handle, Side side, int64_t price, int64_t quantity);
  static OrderId LevelOrderId(Side side, int64_t price);

  // --- prefetching ---
  // Brings into the cache what an operation on an id will touch, while others are being applied:
  // first its place in the id table, some operations later the order, later again the order's
  // neighbours in the queue. Hints: they change nothing and may be left out.
  static uint32_t HashOf(OrderId id) {
    uint64_t x = (id.low ^ hash_seed_) * kMultiplier1;
    x ^= std::rotl((id.high + hash_seed_) * kMultiplier2, 31);
    x ^= x >> 32;
    x *= kMultiplier2;
    return static_cast<uint32_t>(x >> 32);
  }
  void PrefetchId(uint32_t hash) const { ids_.Prefetch(hash); }
  void PrefetchOrder(uint32_t hash) const {
    const uint32_t order = ids_.Guess(hash);
    if (order != IdTable::kNone) __builtin_prefetch(&orders_[order], 1);
  }
  void PrefetchNeighbours(uint32_t hash) const;
  void PrefetchTail(Side side, int64_t price) const;  // of the level that an add goes to

  void Clear();
  // An empty book with this book's limit of orders.
  OrderBook Emptied() const { return OrderBook(0, max_orders_); }

  // --- undo ---
  // The state that an operation is about to change. Undoing operations in strict reverse order
  // restores the book: the same orders at the same places of their queues, under the same indices.
  struct Undo {
    // kAdd needs the order's index, kQuantity its quantity too; the others need all of it.
    enum class Kind : uint8_t { kNothing, kAdd, kQuantity, kRemoval, kReplace };
    Kind kind = Kind::kNothing;
    Side side = Side::kBuy;
    bool level_leaves = false;  // the order's level is left empty
    uint32_t order = kNoIndex;
    OrderStore::Order was{};
    uint64_t id_high = 0;
    int64_t price = 0;
  };
  // Call each between the operation's Check (and MakeRoom) and its Apply.
  void NoteAdd(Undo* undo) const {
    undo->kind = Undo::Kind::kAdd;
    undo->order = orders_.NextIndex();
  }
  void NoteReduce(const Handle& handle, int64_t quantity, Undo* undo) const {
    if (orders_[handle.order].quantity != quantity) {
      NoteQuantity(handle.order, undo);
    } else {
      Note(handle.order, undo);
    }
  }
  void NoteCancel(const Handle& handle, Undo* undo) const { Note(handle.order, undo); }
  void NoteReplace(const Handle& handle, Undo* undo) const;
  void NoteSetLevel(const Handle& handle, int64_t quantity, Undo* undo) const;
  // Precondition: the operation was applied, and everything after it is undone. Throws
  // std::bad_alloc if there is no memory to restore a level; the book is unusable then.
  void TakeBack(const Undo& undo);

  // How tables grow from here on; kGradual at first.
  void set_growth(Growth growth);
  // Makes room for this many live orders in all.
  void Reserve(size_t orders);

  // --- reading ---
  size_t order_count() const { return orders_.size(); }
  size_t level_count(Side side) const;
  // Up to `max_levels` levels from the best price on; returns how many were written.
  size_t Depth(Side side, size_t max_levels, LevelView* levels) const;
  bool Best(Side side, LevelView* level) const;
  bool Find(OrderId id, OrderView* order) const;
  // Orders and quantity ahead of the order in its level. False if there is no such order. O(ahead).
  bool QueuePosition(OrderId id, uint32_t* orders_ahead, int64_t* quantity_ahead) const;
  // All orders of a level in time order; returns false if there is no such level.
  bool LevelOrders(Side side, int64_t price, std::vector<OrderView>* orders) const;

  // Visits every level best first, then every order of it in time order: the canonical order for
  // writing snapshots and comparing books. `level` is called before the level's orders.
  template <typename OnLevel, typename OnOrder>
  void Visit(Side side, OnLevel&& level, OnOrder&& order) const;

  // A digest of the canonical content (sides, levels, orders in queue order). Equal books have
  // equal digests; O(orders).
  uint64_t Digest() const;

  size_t memory_bytes() const;
  uint64_t growth_count() const {  // times a table or slab was enlarged
    return ids_.growth_count() + orders_.growth_count() + levels_.growth_count() +
           level_ids_.growth_count();
  }

  static constexpr uint64_t kMultiplier1 = 0x9e3779b97f4a7c15ull;
  static constexpr uint64_t kMultiplier2 = 0xd6e8feb86659fd93ull;

 private:
  friend class BookBuilder;
  // Differs in every process, so that an attacker can't choose ids that collide.
  static const uint64_t hash_seed_;
  using Order = OrderStore::Order;

  struct Level {
    int64_t price;
    int64_t quantity;
    uint32_t orders;
    uint32_t head;
    uint32_t tail;
    uint32_t next;  // while free: in the slab's list; in use: the side
  };
  static_assert(sizeof(Level) == 32);

  static int64_t KeyOf(Side side, int64_t price) { return side == Side::kBuy ? price : -price; }
  LevelList& list(Side side) { return lists_[static_cast<size_t>(side)]; }
  const LevelList& list(Side side) const { return lists_[static_cast<size_t>(side)]; }
  Side SideOf(const Level& level) const { return static_cast<Side>(level.next); }
  IdTable::Place FindOrder(OrderId id, uint32_t hash) const {
    return ids_.Find(hash, [&](uint32_t index) { return orders_.HasId(index, id); });
  }
  static uint32_t LevelHash(Side side, int64_t price);
  IdTable::Place FindLevel(Side side, int64_t price, uint32_t hash) const {
    return level_ids_.Find(hash, [&](uint32_t index) {
      const Level& level = levels_[index];
      return level.price == price && SideOf(level) == side;
    });
  }
  // `beside`: whether tables other than those of orders and ids may grow.
  void MakeRoom(Handle* handle, bool beside, OrderId id, uint32_t index, Side side, int64_t price) {
    if (room_ == 0) [[unlikely]]
      MakeRoomForOrder(handle);
    --room_;
    if (beside) [[unlikely]]
      MakeRoomBeside(handle, id, index, side, price);
  }
  void MakeRoomForOrder(Handle* handle);
  void MakeRoomBeside(Handle* handle, OrderId id, uint32_t index, Side side, int64_t price);
  // Throws if there is no memory for `expected_orders` at once.
  static size_t Affordable(size_t expected_orders);
  // Fills in the handle's level. kQuantityOverflow.
  Code CheckLevel(Side side, int64_t price, int64_t quantity, Handle* handle) const;
  uint32_t MakeLevel(Side side, int64_t price, uint32_t hash, uint32_t slot);
  void RemoveLevel(uint32_t level_index);
  void Link(uint32_t order_index, uint32_t level_index, int64_t quantity);
  void Unlink(const Order& order, Level& level);
  void Remove(uint32_t order_index, uint32_t slot);
  void NoteQuantity(uint32_t order_index, Undo* undo) const {
    undo->kind = Undo::Kind::kQuantity;
    undo->order = order_index;
    undo->was.quantity = orders_[order_index].quantity;
  }
  // The order is about to leave.
  void Note(uint32_t order_index, Undo* undo) const;
  void Reinsert(const Undo& undo);
  void TakeBackReplace(const Undo& undo);
  void PutBack(const Undo& undo);

  OrderStore orders_;
  Slab<Level> levels_;
  IdTable ids_;
  IdTable level_ids_;
  LevelList lists_[2];
  uint32_t max_orders_;
  // Operations that certainly have room, if each brings an order and its id.
  uint64_t room_ = 0;
};

template <typename OnLevel, typename OnOrder>
void OrderBook::Visit(Side side, OnLevel&& on_level, OnOrder&& on_order) const {
  list(side).ForEach([&](uint32_t level_index) {
    const Level& level = levels_[level_index];
    on_level(LevelView{level.price, level.quantity, level.orders});
    for (uint32_t i = level.head; i != kNoIndex; i = orders_[i].next) {
      on_order(OrderView{orders_.IdOf(i), side, level.price, orders_[i].quantity});
    }
    return true;
  });
}

}  // namespace pinnacle

#endif  // PINNACLE_BOOK_ORDER_BOOK_H_
