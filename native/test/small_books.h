// Two books with orders, levels and a status: what a small snapshot holds.
#ifndef PINNACLE_TEST_SMALL_BOOKS_H_
#define PINNACLE_TEST_SMALL_BOOKS_H_

#include <cstdint>

#include "doctest.h"
#include "state/book_set.h"

namespace pinnacle {

inline BookSet SmallBooks() {
  BookSet books;
  books.Define({"AAA", 2, 0, InstrumentKind::kOrders}, 1);
  books.Define({"BBB", 8, 8, InstrumentKind::kLevels}, 2);
  uint64_t sequence = 3;
  const auto apply = [&](const Operation& operation) {
    BookSet::Prepared prepared;
    REQUIRE(books.Check(operation, &prepared) == Code::kOk);
    books.Apply(operation, prepared, sequence, 1000 + sequence);
    ++sequence;
  };
  for (uint64_t i = 0; i < 6; ++i) {
    apply({EntryType::kAdd,
           1,
           i % 2 == 0 ? Side::kBuy : Side::kSell,
           {i, i * 3},
           {},
           static_cast<int64_t>(100 + i / 4),
           static_cast<int64_t>(i + 1)});
  }
  apply({EntryType::kExecute, 1, Side::kBuy, {2, 6}, {}, 0, 1});
  apply({EntryType::kSetLevel, 2, Side::kBuy, {}, {}, 77, 5});
  apply({EntryType::kStatus, 2, Side::kBuy, {}, {}, 0, 1});
  return books;
}

}  // namespace pinnacle

#endif  // PINNACLE_TEST_SMALL_BOOKS_H_
