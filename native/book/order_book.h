// One instrument's price-time order book, market by order. Prices are ticks, quantities lots, both
// integers; order ids have up to 128 bits.
//
// Two halves for every operation, so that the caller can journal in between:
//   Check*  says whether the book would take it, and changes nothing;
//   Apply*  does it. It may only be called after the same Check returned kOk with nothing in
//   between.
// (Validate, then journal, then apply: a refused operation leaves no entry, and an operation that
// could not be journaled is not applied.)
//
// Within a level orders stand in time order. The book may be crossed or locked: it mirrors what a
// venue says and does not match. Not thread-safe.
#ifndef PINNACLE_BOOK_ORDER_BOOK_H_
#define PINNACLE_BOOK_ORDER_BOOK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/error_codes.h"

namespace pinnacle {

enum class Side : uint8_t { kBuy = 0, kSell = 1 };

struct OrderId {
  uint64_t low = 0;
  uint64_t high = 0;
  friend bool operator==(const OrderId&, const OrderId&) = default;
};

struct OrderView {
  OrderId id;
  Side side;
  int64_t price;
  int64_t quantity;  // what is still open
};

struct LevelView {
  int64_t price;
  int64_t quantity;  // sum of the open quantities
  uint32_t orders;
};

class OrderBook {
 public:
  // `expected_orders` live orders are reserved for; beyond it the book grows without a long pause.
  explicit OrderBook(size_t expected_orders = 0);
  ~OrderBook();
  OrderBook(OrderBook&&) noexcept;
  OrderBook& operator=(OrderBook&&) noexcept;

  // A found order, handed from Check to Apply so that the id is looked up once. Valid until the
  // next change of the book.
  using Handle = uint32_t;

  // Preconditions on numbers (the caller has checked): 0 <= price <= 2^53 - 1, 1 <= quantity <=
  // 2^53 - 1.
  Code CheckAdd(OrderId id, Side side, int64_t price,
                int64_t quantity);  // kDuplicateOrder, kBookFull,
                                    // kQuantityOverflow (level sum)
  void ApplyAdd(OrderId id, Side side, int64_t price, int64_t quantity);

  // Takes `quantity` off; the order leaves at 0. kUnknownOrder, kQuantityExceedsOpen.
  // The same for a partial cancel and for an execution: they differ in meaning only.
  Code CheckReduce(OrderId id, int64_t quantity, Handle* handle);
  void ApplyReduce(Handle handle, int64_t quantity);

  Code CheckCancel(OrderId id, Handle* handle);  // kUnknownOrder
  void ApplyCancel(Handle handle);

  // The order leaves and joins the tail of the queue at `price` with `quantity` open, as `new_id`
  // (which may be its own). kUnknownOrder, kDuplicateOrder (new id in use by another),
  // kQuantityOverflow.
  Code CheckReplace(OrderId id, OrderId new_id, int64_t price, int64_t quantity, Handle* handle);
  void ApplyReplace(Handle handle, OrderId new_id, int64_t price, int64_t quantity);

  // Market by price: sets a level's total; 0 removes it; removing an absent level does nothing. The
  // level holds one synthetic order (see LevelOrderId), so depth, snapshots and comparison just
  // work.
  Code CheckSetLevel(Side side, int64_t price, int64_t quantity);  // kBookFull
  void ApplySetLevel(Side side, int64_t price, int64_t quantity);
  static OrderId LevelOrderId(Side side, int64_t price);

  void Clear();

  // --- reading ---
  size_t order_count() const;
  size_t level_count(Side side) const;
  // Up to `max_levels` levels from the best price on; returns how many were written.
  size_t Depth(Side side, size_t max_levels, LevelView* levels) const;
  bool Best(Side side, LevelView* level) const;
  bool Find(OrderId id, OrderView* order) const;
  // Orders and quantity ahead of the order in its level. False where there is no such order.
  // O(ahead).
  bool QueuePosition(OrderId id, uint32_t* orders_ahead, int64_t* quantity_ahead) const;
  // All orders of a level in time order; returns false where there is no such level.
  bool LevelOrders(Side side, int64_t price, std::vector<OrderView>* orders) const;

  // Visits every level best first, then every order of it in time order: the canonical order in
  // which snapshots are written and books are compared. `level` is called before the level's
  // orders.
  template <typename OnLevel, typename OnOrder>
  void Visit(Side side, OnLevel&& level, OnOrder&& order) const;

  // A digest over the canonical content (sides, levels, orders in queue order). Equal books have
  // equal digests; O(orders).
  uint64_t Digest() const;

  size_t memory_bytes() const;
  uint64_t growth_count() const;  // times that a table or slab was enlarged

 private:
  // (implementation: an order slab with 32-bit indices, an open-addressing id table that is
  // enlarged incrementally, and per side a sorted block list of levels)
};

}  // namespace pinnacle

#endif  // PINNACLE_BOOK_ORDER_BOOK_H_
