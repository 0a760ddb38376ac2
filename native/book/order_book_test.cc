#include "book/order_book.h"

#include <random>

#include "doctest.h"
#include "test/book_driver.h"

namespace pinnacle {
namespace {

Code TryAdd(OrderBook& book, OrderId id, Side side, int64_t price, int64_t quantity) {
  OrderBook::Handle handle;
  const Code code = book.CheckAdd(id, side, price, quantity, &handle);
  if (code == Code::kOk) book.ApplyAdd(handle, id, side, price, quantity);
  return code;
}

Code SetLevel(OrderBook& book, Side side, int64_t price, int64_t quantity) {
  OrderBook::Handle handle;
  const Code code = book.CheckSetLevel(side, price, quantity, &handle);
  if (code == Code::kOk) book.ApplySetLevel(handle, side, price, quantity);
  return code;
}

void Add(OrderBook& book, uint64_t id, Side side, int64_t price, int64_t quantity) {
  REQUIRE(TryAdd(book, {id, 0}, side, price, quantity) == Code::kOk);
}

std::vector<uint64_t> Queue(const OrderBook& book, Side side, int64_t price) {
  std::vector<OrderView> orders;
  std::vector<uint64_t> ids;
  if (book.LevelOrders(side, price, &orders)) {
    for (const OrderView& order : orders) ids.push_back(order.id.low);
  }
  return ids;
}

TEST_CASE("levels are kept by price, best first, and orders by time") {
  OrderBook book;
  Add(book, 1, Side::kBuy, 100, 5);
  Add(book, 2, Side::kBuy, 101, 7);
  Add(book, 3, Side::kBuy, 100, 2);
  Add(book, 4, Side::kSell, 105, 1);
  Add(book, 5, Side::kSell, 103, 9);
  LevelView levels[4];
  REQUIRE(book.Depth(Side::kBuy, 4, levels) == 2);
  CHECK(levels[0].price == 101);
  CHECK(levels[1].price == 100);
  CHECK(levels[1].quantity == 7);
  CHECK(levels[1].orders == 2);
  REQUIRE(book.Best(Side::kSell, levels));
  CHECK(levels[0].price == 103);
  CHECK(Queue(book, Side::kBuy, 100) == std::vector<uint64_t>{1, 3});
  uint32_t ahead = 0;
  int64_t quantity = 0;
  REQUIRE(book.QueuePosition({3, 0}, &ahead, &quantity));
  CHECK(ahead == 1);
  CHECK(quantity == 5);
}

TEST_CASE("negative prices are levels as others are, the highest bid and the lowest ask first") {
  OrderBook book;
  Add(book, 1, Side::kBuy, -100, 5);
  Add(book, 2, Side::kBuy, -1, 7);
  Add(book, 3, Side::kBuy, 0, 2);
  Add(book, 4, Side::kSell, 3, 1);
  Add(book, 5, Side::kSell, -3763, 9);
  LevelView levels[4];
  REQUIRE(book.Depth(Side::kBuy, 4, levels) == 3);
  CHECK(levels[0].price == 0);
  CHECK(levels[1].price == -1);
  CHECK(levels[2].price == -100);
  REQUIRE(book.Best(Side::kSell, levels));
  CHECK(levels[0].price == -3763);
  CHECK(Queue(book, Side::kBuy, -1) == std::vector<uint64_t>{2});
  CHECK(Queue(book, Side::kSell, -1).empty());
  // A level of -1 is one, and no order is none.
  OrderBook prices;
  CHECK_FALSE(prices.Best(Side::kBuy, levels));
  REQUIRE(SetLevel(prices, Side::kBuy, -1, 4) == Code::kOk);
  REQUIRE(SetLevel(prices, Side::kSell, -1, 6) == Code::kOk);
  REQUIRE(prices.Best(Side::kBuy, levels));
  CHECK(levels[0].price == -1);
  CHECK(levels[0].quantity == 4);
  REQUIRE(SetLevel(prices, Side::kBuy, -1, 0) == Code::kOk);
  CHECK_FALSE(prices.Best(Side::kBuy, levels));
  CHECK(prices.level_count(Side::kSell) == 1);
}

TEST_CASE("a refused operation says why and leaves the book as it was") {
  OrderBook book;
  Add(book, 1, Side::kBuy, 100, 5);
  const uint64_t digest = book.Digest();
  OrderBook::Handle handle;
  CHECK(book.CheckAdd({1, 0}, Side::kSell, 7, 1, &handle) == Code::kDuplicateOrder);
  CHECK(book.CheckReduce({2, 0}, 1, &handle) == Code::kUnknownOrder);
  CHECK(book.CheckReduce({1, 0}, 6, &handle) == Code::kQuantityExceedsOpen);
  CHECK(book.CheckCancel({1, 1}, &handle) == Code::kUnknownOrder);
  CHECK(book.CheckReplace({2, 0}, {3, 0}, 1, 1, &handle) == Code::kUnknownOrder);
  Add(book, 2, Side::kBuy, 100, 1);
  CHECK(book.CheckReplace({1, 0}, {2, 0}, 1, 1, &handle) == Code::kDuplicateOrder);
  REQUIRE(book.CheckCancel({2, 0}, &handle) == Code::kOk);
  book.ApplyCancel(handle);
  CHECK(book.Digest() == digest);
}

TEST_CASE("a level's total never passes what a float64 holds exactly") {
  OrderBook book;
  const int64_t most = OrderBook::kMaxLevelQuantity;
  Add(book, 1, Side::kBuy, 100, most);
  OrderBook::Handle handle;
  CHECK(book.CheckAdd({2, 0}, Side::kBuy, 100, 1, &handle) == Code::kQuantityOverflow);
  CHECK(book.CheckAdd({2, 0}, Side::kBuy, 101, 1, &handle) == Code::kOk);
  CHECK(book.CheckReplace({1, 0}, {1, 0}, 100, most, &handle) == Code::kOk);
}

TEST_CASE("a book at its limit of orders is full, and takes orders again after one left") {
  OrderBook book(0, 2);
  Add(book, 1, Side::kBuy, 1, 1);
  Add(book, 2, Side::kBuy, 1, 1);
  OrderBook::Handle handle;
  CHECK(book.CheckAdd({3, 0}, Side::kBuy, 1, 1, &handle) == Code::kBookFull);
  REQUIRE(book.CheckReduce({1, 0}, 1, &handle) == Code::kOk);
  book.ApplyReduce(handle, 1);
  CHECK(book.CheckAdd({3, 0}, Side::kBuy, 1, 1, &handle) == Code::kOk);
}

TEST_CASE(
    "a replaced order joins the tail of its queue, at its own price too, and keeps its side") {
  OrderBook book;
  Add(book, 1, Side::kSell, 100, 5);
  Add(book, 2, Side::kSell, 100, 5);
  OrderBook::Handle handle;
  REQUIRE(book.CheckReplace({1, 0}, {1, 0}, 100, 4, &handle) == Code::kOk);
  book.ApplyReplace(handle, {1, 0}, 100, 4);
  CHECK(Queue(book, Side::kSell, 100) == std::vector<uint64_t>{2, 1});
  REQUIRE(book.CheckReplace({2, 0}, {9, 0}, 101, 3, &handle) == Code::kOk);
  book.ApplyReplace(handle, {9, 0}, 101, 3);
  OrderView order;
  CHECK_FALSE(book.Find({2, 0}, &order));
  REQUIRE(book.Find({9, 0}, &order));
  CHECK(order.side == Side::kSell);
  CHECK(order.price == 101);
  CHECK(order.quantity == 3);
}

TEST_CASE("levels are set, changed and removed by price") {
  OrderBook book;
  REQUIRE(SetLevel(book, Side::kBuy, 100, 5) == Code::kOk);
  REQUIRE(SetLevel(book, Side::kSell, 100, 6) == Code::kOk);
  REQUIRE(SetLevel(book, Side::kBuy, 100, 9) == Code::kOk);
  LevelView level;
  REQUIRE(book.Best(Side::kBuy, &level));
  CHECK(level.quantity == 9);
  CHECK(level.orders == 1);
  REQUIRE(SetLevel(book, Side::kBuy, 100, 0) == Code::kOk);
  REQUIRE(SetLevel(book, Side::kBuy, 77, 0) == Code::kOk);  // absent: nothing happens
  CHECK(book.level_count(Side::kBuy) == 0);
  CHECK(book.level_count(Side::kSell) == 1);
}

TEST_CASE("ids of 128 bits that share a half are different orders") {
  OrderBook book;
  REQUIRE(TryAdd(book, {1, 2}, Side::kBuy, 5, 1) == Code::kOk);
  REQUIRE(TryAdd(book, {2, 1}, Side::kBuy, 5, 2) == Code::kOk);
  REQUIRE(TryAdd(book, {1, 0}, Side::kBuy, 5, 3) == Code::kOk);
  OrderView order;
  REQUIRE(book.Find({2, 1}, &order));
  CHECK(order.quantity == 2);
  CHECK_FALSE(book.Find({2, 2}, &order));
}

TEST_CASE("a cleared book is empty and serves again") {
  OrderBook book;
  const uint64_t empty = book.Digest();
  for (uint64_t i = 0; i < 10000; ++i) Add(book, i, Side::kBuy, static_cast<int64_t>(i), 1);
  book.Clear();
  CHECK(book.order_count() == 0);
  CHECK(book.Digest() == empty);
  Add(book, 3, Side::kSell, 3, 3);
  CHECK(book.order_count() == 1);
}

TEST_CASE("equal books have equal digests however they came to be, and others do not") {
  OrderBook one;
  OrderBook other(5000);
  for (uint64_t i = 0; i < 1000; ++i) {
    Add(one, i, Side::kBuy, static_cast<int64_t>(i % 10), 1 + static_cast<int64_t>(i));
  }
  for (uint64_t i = 0; i < 2000; ++i) {
    Add(other, i, Side::kBuy, static_cast<int64_t>(i % 10), 1 + static_cast<int64_t>(i));
  }
  for (uint64_t i = 1000; i < 2000; ++i) {
    OrderBook::Handle handle;
    REQUIRE(other.CheckCancel({i, 0}, &handle) == Code::kOk);
    other.ApplyCancel(handle);
  }
  CHECK(one.Digest() == other.Digest());
  OrderBook::Handle handle;
  REQUIRE(other.CheckReduce({500, 0}, 1, &handle) == Code::kOk);
  other.ApplyReduce(handle, 1);
  CHECK(one.Digest() != other.Digest());
}

TEST_CASE("a million orders at a million prices, in random order, and out again") {
  OrderBook book;
  std::mt19937_64 random(7);
  constexpr uint64_t kOrders = 1'000'000;
  std::vector<uint64_t> ids(kOrders);
  for (uint64_t i = 0; i < kOrders; ++i) ids[i] = i;
  std::shuffle(ids.begin(), ids.end(), random);
  for (const uint64_t id : ids) Add(book, id, Side::kSell, static_cast<int64_t>(id), 1);
  CHECK(book.level_count(Side::kSell) == kOrders);
  CHECK(book.memory_bytes() < kOrders * 120);
  LevelView level;
  REQUIRE(book.Best(Side::kSell, &level));
  CHECK(level.price == 0);
  std::shuffle(ids.begin(), ids.end(), random);
  for (const uint64_t id : ids) {
    OrderBook::Handle handle;
    REQUIRE(book.CheckCancel({id, 0}, &handle) == Code::kOk);
    book.ApplyCancel(handle);
  }
  CHECK(book.order_count() == 0);
  CHECK(book.level_count(Side::kSell) == 0);
}

TEST_CASE("random operations agree with the naive book in every answer and all content") {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<uint8_t> bytes(20000);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    if (seed % 2 == 0) {
      // Fewer huge numbers and wide ids: more orders meet.
      for (size_t i = 0; i < bytes.size(); i += 4) bytes[i] &= 0x1f;
    }
    const std::string difference = RunBookOperations(bytes, 97);
    CHECK_MESSAGE(difference.empty(), "seed " << seed << ": " << difference);
  }
}

// Everything that Apply does behind MakeRoom must be possible where there is no memory left.
TEST_CASE("behind MakeRoom an operation makes no table larger, and does what it does without") {
  OrderBook book;
  OrderBook plain;
  std::mt19937_64 random(7);
  std::vector<OrderId> live;
  for (uint64_t i = 1; i <= 40'000; ++i) {
    const bool wide = i > 20'000 && random() % 3 == 0;
    const OrderId id{i, wide ? random() : 0};
    const Side side = random() % 2 == 0 ? Side::kBuy : Side::kSell;
    const auto price = static_cast<int64_t>(random() % 5'000);
    OrderBook::Handle handle;
    OrderBook::Handle plain_handle;
    size_t memory = 0;
    if (live.empty() || random() % 3 != 0) {
      REQUIRE(book.CheckAdd(id, side, price, 1, &handle) == Code::kOk);
      book.MakeRoomForAdd(&handle, id, side, price);
      memory = book.memory_bytes();
      const uint64_t growths = book.growth_count();
      book.ApplyAdd(handle, id, side, price, 1);
      REQUIRE(book.growth_count() == growths);
      REQUIRE(plain.CheckAdd(id, side, price, 1, &plain_handle) == Code::kOk);
      plain.ApplyAdd(plain_handle, id, side, price, 1);
      live.push_back(id);
    } else {
      OrderId& old = live[random() % live.size()];
      REQUIRE(book.CheckReplace(old, id, price, 2, &handle) == Code::kOk);
      book.MakeRoomForReplace(&handle, id, price);
      memory = book.memory_bytes();
      const uint64_t growths = book.growth_count();
      book.ApplyReplace(handle, id, price, 2);
      REQUIRE(book.growth_count() == growths);
      REQUIRE(plain.CheckReplace(old, id, price, 2, &plain_handle) == Code::kOk);
      plain.ApplyReplace(plain_handle, id, price, 2);
      old = id;
    }
    // (A block of levels that was made ahead counts once it is used.)
    REQUIRE(book.memory_bytes() <= memory + 2048);
  }
  CHECK(book.Digest() == plain.Digest());
}

}  // namespace
}  // namespace pinnacle
