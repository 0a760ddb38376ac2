// Builds a book from its content, as a snapshot has it: level by level, each with its orders in
// queue order. Much less work than adding order by order: what comes is known to be new, so levels
// are put in order once, at the end, and ids go into a table of the right size in one sweep that
// fetches ahead.
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
  // `most_orders` may be added; the book gets room for `expected_orders` where that is more.
  BookBuilder(size_t most_orders, size_t expected_orders);

  // The orders that follow stand in this level. Levels may come in any order, and again.
  void BeginLevel(Side side, int64_t price);
  // Joins the tail of the level's queue. The id's being new is judged in Finish. Preconditions as
  // OrderBook::CheckAdd. kBookFull, kQuantityOverflow.
  Code AddOrder(OrderId id, int64_t quantity);
  // kDuplicateOrder. The builder is of no use afterwards.
  Code Finish(OrderBook* book);

 private:
  OrderBook book_;
  Side side_ = Side::kBuy;
  int64_t price_ = 0;
  uint32_t level_ = kNoIndex;  // made with its first order: a level without any is none
  std::vector<LevelList::Entry> levels_[2];
};

}  // namespace pinnacle

#endif  // PINNACLE_BOOK_BOOK_BUILDER_H_
