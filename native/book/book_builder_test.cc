#include "book/book_builder.h"

#include "doctest.h"
#include "test/book_driver.h"

namespace pinnacle {
namespace {

TEST_CASE("a rebuilt book has the same content and takes operations like the first") {
  OrderBook book;
  for (uint64_t id = 1; id <= 20'000; ++id) {
    OrderBook::Handle handle;
    const Side side = id % 2 == 0 ? Side::kBuy : Side::kSell;
    const OrderId order_id{id, id % 7 == 0 ? id : 0};
    const int64_t price = static_cast<int64_t>(id * 7919 % 1000);
    REQUIRE(book.CheckAdd(order_id, side, price, 3, &handle) == Code::kOk);
    book.ApplyAdd(handle, order_id, side, price, 3);
  }
  for (const bool backwards : {false, true}) {
    OrderBook rebuilt;
    REQUIRE(RebuildBook(book, backwards, &rebuilt) == "");
    CHECK(rebuilt.Digest() == book.Digest());
    CHECK(rebuilt.order_count() == 20'000);
    CHECK(rebuilt.level_count(Side::kBuy) == book.level_count(Side::kBuy));
    OrderBook::Handle handle;
    for (uint64_t id = 1; id <= 20'000; id += 3) {
      REQUIRE(rebuilt.CheckCancel({id, id % 7 == 0 ? id : 0}, &handle) == Code::kOk);
      rebuilt.ApplyCancel(handle);
    }
    CHECK(rebuilt.CheckCancel({1, 0}, &handle) == Code::kUnknownOrder);
    CHECK(rebuilt.CheckAdd({2, 0}, Side::kBuy, 1, 1, &handle) == Code::kDuplicateOrder);
  }
}

TEST_CASE("a builder refuses what no book holds") {
  OrderBook book;
  {
    BookBuilder builder(2, 0);
    builder.BeginLevel(Side::kBuy, 10);
    REQUIRE(builder.AddOrder({1, 0}, 1) == Code::kOk);
    builder.BeginLevel(Side::kSell, 11);
    REQUIRE(builder.AddOrder({1, 0}, 1) == Code::kOk);
    CHECK(builder.Finish(&book) == Code::kDuplicateOrder);
  }
  BookBuilder builder(2, 0);
  builder.BeginLevel(Side::kBuy, 10);
  REQUIRE(builder.AddOrder({1, 0}, OrderBook::kMaxLevelQuantity) == Code::kOk);
  builder.BeginLevel(Side::kBuy, 10);  // the same again
  CHECK(builder.AddOrder({2, 0}, 1) == Code::kQuantityOverflow);
}

TEST_CASE("a level without orders is none, and a level that comes twice is one") {
  BookBuilder builder(3, 0);
  builder.BeginLevel(Side::kBuy, 10);
  builder.BeginLevel(Side::kBuy, 12);
  REQUIRE(builder.AddOrder({1, 0}, 1) == Code::kOk);
  builder.BeginLevel(Side::kBuy, 11);
  REQUIRE(builder.AddOrder({2, 0}, 1) == Code::kOk);
  builder.BeginLevel(Side::kBuy, 12);
  REQUIRE(builder.AddOrder({3, 0}, 5) == Code::kOk);
  OrderBook book;
  REQUIRE(builder.Finish(&book) == Code::kOk);
  CHECK(book.level_count(Side::kBuy) == 2);
  LevelView best;
  REQUIRE(book.Best(Side::kBuy, &best));
  CHECK(best.price == 12);
  CHECK(best.quantity == 6);
  CHECK(best.orders == 2);
}

TEST_CASE(
    "a hundred thousand levels are put in order, and the book has room for what is expected") {
  BookBuilder builder(100'000, 300'000);
  for (uint64_t i = 0; i < 100'000; ++i) {
    builder.BeginLevel(Side::kSell, static_cast<int64_t>(i * 7919 % 100'003));
    REQUIRE(builder.AddOrder({i, 1}, 1) == Code::kOk);
  }
  OrderBook book;
  REQUIRE(builder.Finish(&book) == Code::kOk);
  std::vector<LevelView> levels(100'000);
  REQUIRE(book.Depth(Side::kSell, levels.size(), levels.data()) == levels.size());
  for (size_t i = 1; i < levels.size(); ++i) REQUIRE(levels[i - 1].price < levels[i].price);
  const uint64_t growths = book.growth_count();
  for (uint64_t i = 0; i < 200'000; ++i) {
    OrderBook::Handle handle;
    REQUIRE(book.CheckAdd({i, 2}, Side::kSell, 5, 1, &handle) == Code::kOk);
    book.ApplyAdd(handle, {i, 2}, Side::kSell, 5, 1);
  }
  CHECK(book.growth_count() == growths);
}

}  // namespace
}  // namespace pinnacle
