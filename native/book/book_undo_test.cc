// Operations taken back in reverse order leave the book as it was: the same queues, and the same
// orders under the same indices. Random transactions run beside the naive book, which keeps copies,
// and beside a real one that only ever saw what was kept.
#include <algorithm>
#include <cstdlib>
#include <random>
#include <vector>

#include "doctest.h"
#include "test/book_driver.h"

namespace pinnacle {
namespace {

constexpr int kKinds = 12;

// Accepted ones, of all runs together.
uint64_t Operations() {
  const char* asked = std::getenv("PINNACLE_UNDO_OPERATIONS");
  return asked == nullptr ? 1'000'000 : std::strtoull(asked, nullptr, 10);
}

struct Draw {
  int kind = 0;
  OrderId id;
  OrderId new_id;
  Side side = Side::kBuy;
  int64_t price = 0;
  int64_t quantity = 0;
};

class Undoing {
 public:
  explicit Undoing(uint64_t seed, uint64_t ids) : random_(seed), ids_(ids) {}

  // Runs `operations` of them; "" where nothing differs.
  std::string Run(uint64_t operations) {
    while (done_ < operations) {
      const ReferenceBook before = reference_;
      const uint64_t digest = book_.Digest();
      kept_.clear();
      undos_.clear();
      const uint64_t size = 1 + Below(Below(8) == 0 ? 200 : 24);
      for (uint64_t i = 0; i < size; ++i) Apply(DrawOne());
      done_ += kept_.size();
      const bool rolls_back = Below(2) == 0;
      if (rolls_back) {
        for (; !undos_.empty(); undos_.pop_back()) book_.TakeBack(undos_.back());
        reference_ = before;
        if (book_.Digest() != digest) return "digest";
      } else {
        for (const Draw& draw : kept_) ApplyTo(twin_, draw, nullptr);
      }
      rolled_back_ += rolls_back;
      const std::string difference = Compare(rolls_back);
      if (!difference.empty()) return difference + " after " + std::to_string(done_);
      if (Below(50) == 0) {
        const Growth growth = Below(2) == 0 ? Growth::kAtOnce : Growth::kGradual;
        book_.set_growth(growth);
        twin_.set_growth(growth);
      }
    }
    return "";
  }
  uint64_t rolled_back() const { return rolled_back_; }

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }

  Draw DrawOne() {
    const auto id = [&]() -> OrderId {
      return {1 + Below(ids_), Below(8) == 0 ? uint64_t{1} << 40 : 0};
    };
    Draw draw;
    draw.kind = static_cast<int>(Below(kKinds));
    draw.id = id();
    draw.new_id = Below(3) == 0 ? draw.id : id();
    draw.side = Below(2) == 0 ? Side::kBuy : Side::kSell;
    draw.price = static_cast<int64_t>(Below(12));
    draw.quantity = Below(100) == 0 ? int64_t{1} << 52 : static_cast<int64_t>(1 + Below(9));
    return draw;
  }

  void Apply(const Draw& draw) {
    OrderBook::Undo undo;
    if (!ApplyTo(book_, draw, &undo)) return;
    undos_.push_back(undo);
    kept_.push_back(draw);
    const ReferenceBook::Id id{draw.id.high, draw.id.low};
    if (draw.kind < 5) {
      reference_.Add(id, draw.side == Side::kSell, draw.price, draw.quantity);
    } else if (draw.kind < 7) {
      reference_.Reduce(id, draw.quantity);
    } else if (draw.kind < 9) {
      reference_.Cancel(id);
    } else {
      reference_.Replace(id, {draw.new_id.high, draw.new_id.low}, draw.price, draw.quantity);
    }
  }

  // False where the book refuses it.
  static bool ApplyTo(OrderBook& book, const Draw& draw, OrderBook::Undo* undo) {
    OrderBook::Handle handle;
    if (draw.kind < 5) {
      if (book.CheckAdd(draw.id, draw.side, draw.price, draw.quantity, &handle) != Code::kOk) {
        return false;
      }
      if (undo != nullptr) book.NoteAdd(undo);
      book.ApplyAdd(handle, draw.id, draw.side, draw.price, draw.quantity);
    } else if (draw.kind < 7) {
      if (book.CheckReduce(draw.id, draw.quantity, &handle) != Code::kOk) return false;
      if (undo != nullptr) book.NoteReduce(handle, draw.quantity, undo);
      book.ApplyReduce(handle, draw.quantity);
    } else if (draw.kind < 9) {
      if (book.CheckCancel(draw.id, &handle) != Code::kOk) return false;
      if (undo != nullptr) book.NoteCancel(handle, undo);
      book.ApplyCancel(handle);
    } else {
      if (book.CheckReplace(draw.id, draw.new_id, draw.price, draw.quantity, &handle) !=
          Code::kOk) {
        return false;
      }
      if (undo != nullptr) book.NoteReplace(handle, undo);
      book.ApplyReplace(handle, draw.new_id, draw.price, draw.quantity);
    }
    return true;
  }

  std::string Compare(bool all) {
    if (all || Below(8) == 0) {
      const std::string difference = CompareBooks(book_, reference_);
      if (!difference.empty()) return difference;
    }
    // The next order gets the same index, and each of some orders has the one it had.
    OrderBook::Undo next;
    OrderBook::Undo wanted;
    book_.NoteAdd(&next);
    twin_.NoteAdd(&wanted);
    if (next.order != wanted.order) return "the next order's index";
    for (size_t i = 0; i < 4 && reference_.size() > 0; ++i) {
      const ReferenceBook::Id id = reference_.at(Below(reference_.size())).id;
      OrderBook::Handle here;
      OrderBook::Handle there;
      if (book_.CheckCancel({id.second, id.first}, &here) != Code::kOk ||
          twin_.CheckCancel({id.second, id.first}, &there) != Code::kOk ||
          here.order != there.order) {
        return "an order's index";
      }
    }
    return "";
  }

  std::mt19937_64 random_;
  const uint64_t ids_;
  OrderBook book_;
  OrderBook twin_;
  ReferenceBook reference_;
  std::vector<OrderBook::Undo> undos_;
  std::vector<Draw> kept_;
  uint64_t done_ = 0;
  uint64_t rolled_back_ = 0;
};

TEST_CASE("random transactions, half of them taken back, leave what the naive book has") {
  const uint64_t operations = Operations();
  // Few ids: queues and the whole book empty and fill again. More: tables grow on the way.
  for (const uint64_t ids : {6, 40, 400}) {
    Undoing undoing(ids, ids);
    const std::string difference = undoing.Run(operations * (ids == 400 ? 2 : 4) / 10);
    CHECK_MESSAGE(difference.empty(), ids, " ids: ", difference);
    CHECK(undoing.rolled_back() > operations / 500);
  }
}

std::vector<uint64_t> Queue(const OrderBook& book, Side side, int64_t price) {
  std::vector<OrderView> orders;
  std::vector<uint64_t> ids;
  if (book.LevelOrders(side, price, &orders)) {
    for (const OrderView& order : orders) ids.push_back(order.id.low);
  }
  return ids;
}

// Three orders in the queue at 10, one at 12.
struct Three {
  OrderBook book;
  uint64_t digest = 0;
  OrderBook::Undo undo;
  OrderBook::Handle handle;

  Three() {
    for (const uint64_t id : {1, 2, 3}) Add(id, 10);
    Add(4, 12);
    digest = book.Digest();
  }
  void Add(uint64_t id, int64_t price) {
    REQUIRE(book.CheckAdd({id, 0}, Side::kBuy, price, 5, &handle) == Code::kOk);
    book.NoteAdd(&undo);
    book.ApplyAdd(handle, {id, 0}, Side::kBuy, price, 5);
  }
  void CheckTakenBack() {
    CHECK(book.Digest() != digest);
    book.TakeBack(undo);
    CHECK(book.Digest() == digest);
    CHECK(Queue(book, Side::kBuy, 10) == std::vector<uint64_t>{1, 2, 3});
    LevelView level;
    REQUIRE(book.Best(Side::kBuy, &level));
    CHECK(level.price == 12);
  }
};

TEST_CASE("an order that left comes back to its place in the queue, first, between and last") {
  for (const uint64_t id : {1, 2, 3, 4}) {
    Three three;
    REQUIRE(three.book.CheckCancel({id, 0}, &three.handle) == Code::kOk);
    three.book.NoteCancel(three.handle, &three.undo);
    three.book.ApplyCancel(three.handle);
    three.CheckTakenBack();
  }
}

TEST_CASE("an order that was taken off in part or whole has its quantity and place again") {
  for (const int64_t quantity : {2, 5}) {
    Three three;
    REQUIRE(three.book.CheckReduce({2, 0}, quantity, &three.handle) == Code::kOk);
    three.book.NoteReduce(three.handle, quantity, &three.undo);
    three.book.ApplyReduce(three.handle, quantity);
    three.CheckTakenBack();
  }
}

TEST_CASE("a replaced order is back under its id, at its price and place") {
  struct Case {
    uint64_t id;
    OrderId new_id;
    int64_t price;
  };
  const Case cases[] = {
      {1, {1, 0}, 10}, {2, {9, 0}, 10}, {2, {2, 0}, 12}, {3, {9, uint64_t{1}}, 11},
      {4, {4, 0}, 10}, {4, {9, 0}, 13}, {4, {4, 0}, 12}};
  for (const Case& one : cases) {
    CAPTURE(one.id);
    CAPTURE(one.price);
    Three three;
    REQUIRE(three.book.CheckReplace({one.id, 0}, one.new_id, one.price, 7, &three.handle) ==
            Code::kOk);
    three.book.NoteReplace(three.handle, &three.undo);
    three.book.ApplyReplace(three.handle, one.new_id, one.price, 7);
    three.CheckTakenBack();
    OrderView order;
    CHECK(three.book.Find({one.id, 0}, &order));
    if (!(one.new_id == OrderId{one.id, 0})) CHECK_FALSE(three.book.Find(one.new_id, &order));
  }
}

TEST_CASE("a level that was set, changed or removed is as it was") {
  OrderBook book;
  const auto set = [&](int64_t price, int64_t quantity, OrderBook::Undo* undo) {
    OrderBook::Handle handle;
    REQUIRE(book.CheckSetLevel(Side::kSell, price, quantity, &handle) == Code::kOk);
    book.NoteSetLevel(handle, quantity, undo);
    book.ApplySetLevel(handle, Side::kSell, price, quantity);
  };
  OrderBook::Undo undo;
  set(10, 5, &undo);
  const uint64_t digest = book.Digest();
  for (const auto& [price, quantity] :
       std::vector<std::pair<int64_t, int64_t>>{{10, 7}, {10, 5}, {10, 0}, {11, 3}, {11, 0}}) {
    set(price, quantity, &undo);
    book.TakeBack(undo);
    CHECK(book.Digest() == digest);
    CHECK(book.level_count(Side::kSell) == 1);
  }
}

}  // namespace
}  // namespace pinnacle
