// Builds a book from its content in snapshot order: level by level, each with its orders in queue
// order. This is much less work than adding order by order: all levels and orders are known to be
// new, so levels are sorted once, at the end, and ids go into a table of the right size in one
// sweep that prefetches.
#ifndef PINNACLE_BOOK_BOOK_BUILDER_H_
#define PINNACLE_BOOK_BOOK_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/error_codes.h"
#include "book/order_book.h"

namespace pinnacle {

class BookBuilder {
 public:
  // Up to `most_orders` may be added; the book gets room for `expected_orders` if that is more.
  BookBuilder(size_t most_orders, size_t expected_orders);

  // The orders that follow belong to this level. Levels may come in any order, and more than once.
  void BeginLevel(Side side, int64_t price);
  // Joins the tail of the level's queue. Finish checks that the id is new. Preconditions as for
  // OrderBook::CheckAdd. kBookFull, kQuantityOverflow.
  Code AddOrder(OrderId id, int64_t quantity);
  // kDuplicateOrder. The builder can't be used afterwards.
  Code Finish(OrderBook* book);

 private:
  OrderBook book_;
  Side side_ = Side::kBuy;
  int64_t price_ = 0;
  uint32_t level_ = kNoIndex;  // created with its first order; empty levels are not stored
  std::vector<LevelList::Entry> levels_[2];
};

}  // namespace pinnacle

#endif  // PINNACLE_BOOK_BOOK_BUILDER_H_
