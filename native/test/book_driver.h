// Runs operations read from a stream of bytes on the real book and on the naive one, and compares
// every answer and, now and then, all content. Some operations are taken back together. For the
// differential test and the fuzzer.
#ifndef PINNACLE_TEST_BOOK_DRIVER_H_
#define PINNACLE_TEST_BOOK_DRIVER_H_

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "book/book_builder.h"
#include "book/order_book.h"
#include "test/reference_book.h"

namespace pinnacle {

// "" where the books agree all the way, otherwise what differed.
inline std::string CompareBooks(const OrderBook& book, const ReferenceBook& reference) {
  if (book.order_count() != reference.size()) return "order count";
  for (const Side side : {Side::kBuy, Side::kSell}) {
    const auto levels = reference.Levels(side == Side::kSell);
    if (book.level_count(side) != levels.size()) return "level count";
    size_t level_index = 0;
    size_t order_index = 0;
    std::string difference;
    book.Visit(
        side,
        [&](const LevelView& level) {
          const auto& [price, orders] = levels[level_index++];
          order_index = 0;
          int64_t total = 0;
          for (const auto& order : orders) total += order.quantity;
          if (level.price != price || level.quantity != total || level.orders != orders.size()) {
            difference = "level at " + std::to_string(price);
          }
        },
        [&](const OrderView& order) {
          const auto& orders = levels[level_index - 1].second;
          if (order_index >= orders.size()) {
            difference = "too many orders in a level";
            return;
          }
          const auto& expected = orders[order_index++];
          if (order.id.low != expected.id.second || order.id.high != expected.id.first ||
              order.quantity != expected.quantity || order.side != side) {
            difference = "order " + std::to_string(order.id.low);
          }
        });
    if (!difference.empty()) return difference;
  }
  return "";
}

// The same book made from its content, as a snapshot makes it. `levels_backwards`: in an order that
// no snapshot has.
inline std::string RebuildBook(const OrderBook& book, bool levels_backwards, OrderBook* rebuilt) {
  struct Level {
    Side side;
    int64_t price;
    std::vector<OrderView> orders;
  };
  std::vector<Level> levels;
  for (const Side side : {Side::kBuy, Side::kSell}) {
    book.Visit(
        side, [&](const LevelView& level) { levels.push_back({side, level.price, {}}); },
        [&](const OrderView& order) { levels.back().orders.push_back(order); });
  }
  if (levels_backwards) std::reverse(levels.begin(), levels.end());
  BookBuilder builder(book.order_count(), 0);
  for (const Level& level : levels) {
    builder.BeginLevel(level.side, level.price);
    for (const OrderView& order : level.orders) {
      if (builder.AddOrder(order.id, order.quantity) != Code::kOk) return "an order not taken";
    }
  }
  return builder.Finish(rebuilt) == Code::kOk ? "" : "orders not taken";
}

// Operations on both books that may be taken back together: the naive one keeps a copy.
class UndoableOperations {
 public:
  UndoableOperations(OrderBook* book, ReferenceBook* reference)
      : book_(book), reference_(reference) {}

  bool open() const { return open_; }
  void Begin() {
    open_ = true;
    before_ = *reference_;
  }
  void Keep() {
    open_ = false;
    undos_.clear();
  }
  void TakeBack() {
    for (; !undos_.empty(); undos_.pop_back()) book_->TakeBack(undos_.back());
    if (open_) *reference_ = std::move(before_);
    open_ = false;
  }
  // Where what is about to be changed is noted.
  OrderBook::Undo* Next() { return &undos_.emplace_back(); }
  void Forget() {
    if (!open_) undos_.clear();
  }

 private:
  OrderBook* const book_;
  ReferenceBook* const reference_;
  ReferenceBook before_;
  std::vector<OrderBook::Undo> undos_;
  bool open_ = false;
};

inline std::string RunBookOperations(std::span<const uint8_t> bytes, size_t compare_every = 64) {
  OrderBook book;
  ReferenceBook reference;
  UndoableOperations undoable(&book, &reference);
  size_t position = 0;
  const auto next = [&]() -> uint8_t {
    return position < bytes.size() ? bytes[position++] : uint8_t{0};
  };
  const auto code_of = [](ReferenceBook::Answer answer) {
    switch (answer) {
      case ReferenceBook::Answer::kOk:
        return Code::kOk;
      case ReferenceBook::Answer::kDuplicate:
        return Code::kDuplicateOrder;
      case ReferenceBook::Answer::kUnknown:
        return Code::kUnknownOrder;
      case ReferenceBook::Answer::kExceeds:
        return Code::kQuantityExceedsOpen;
      case ReferenceBook::Answer::kOverflow:
        return Code::kQuantityOverflow;
    }
    return Code::kOk;
  };
  for (size_t step = 0; position < bytes.size(); ++step) {
    const uint8_t kind = next();
    // Few ids and prices, so that operations meet; now and then wide ids and huge numbers.
    const OrderId id{next(), (kind & 0x80) != 0 ? uint64_t{next()} << 56 : 0};
    const ReferenceBook::Id reference_id{id.high, id.low};
    const uint8_t number = next();
    const int64_t size = (kind & 0x40) != 0 ? int64_t{number} << 40 : number % 24;
    const int64_t price = (kind & 0x08) != 0 ? -size : size;
    const int64_t quantity =
        (kind & 0x20) != 0 ? (int64_t{1} << 52) + number : int64_t{next() % 16} + 1;
    const uint32_t hash = OrderBook::HashOf(id);
    book.PrefetchId(hash);
    book.PrefetchOrder(hash);
    book.PrefetchNeighbours(hash);
    book.PrefetchTail((kind & 0x10) != 0 ? Side::kSell : Side::kBuy, price);
    OrderBook::Handle handle;
    Code code = Code::kOk;
    ReferenceBook::Answer expected = ReferenceBook::Answer::kOk;
    switch (kind % 8) {
      case 0:
      case 1:
      case 2: {
        const Side side = (kind & 0x10) != 0 ? Side::kSell : Side::kBuy;
        code = book.CheckAdd(id, side, price, quantity, &handle);
        if (code == Code::kOk) {
          book.NoteAdd(undoable.Next());
          book.ApplyAdd(handle, id, side, price, quantity);
        }
        expected = reference.Add(reference_id, side == Side::kSell, price, quantity);
        break;
      }
      case 3:
      case 4:
        code = book.CheckReduce(id, quantity, &handle);
        if (code == Code::kOk) {
          book.NoteReduce(handle, quantity, undoable.Next());
          book.ApplyReduce(handle, quantity);
        }
        expected = reference.Reduce(reference_id, quantity);
        break;
      case 5:
        code = book.CheckCancel(id, &handle);
        if (code == Code::kOk) {
          book.NoteCancel(handle, undoable.Next());
          book.ApplyCancel(handle);
        }
        expected = reference.Cancel(reference_id);
        break;
      case 6: {
        const OrderId new_id = (kind & 0x10) != 0 ? id : OrderId{next(), 0};
        code = book.CheckReplace(id, new_id, price, quantity, &handle);
        if (code == Code::kOk) {
          book.NoteReplace(handle, undoable.Next());
          book.ApplyReplace(handle, new_id, price, quantity);
        }
        expected = reference.Replace(reference_id, {new_id.high, new_id.low}, price, quantity);
        break;
      }
      default:
        if (kind == 0xff) {
          undoable.Keep();
          book.Clear();
          reference.Clear();
        } else if ((kind & 0x40) == 0) {
          undoable.Keep();
          undoable.Begin();
        } else {
          (kind & 0x20) != 0 ? undoable.Keep() : undoable.TakeBack();
        }
        break;
    }
    undoable.Forget();
    if (code != code_of(expected)) {
      return "step " + std::to_string(step) + ": answered " + CodeName(code) + " instead of " +
             CodeName(code_of(expected));
    }
    if (step % compare_every == 0 || position >= bytes.size()) {
      std::string difference = CompareBooks(book, reference);
      if (!difference.empty()) return "step " + std::to_string(step) + ": " + difference;
      OrderBook rebuilt;
      difference = RebuildBook(book, step % 2 == 0, &rebuilt);
      if (difference.empty()) difference = CompareBooks(rebuilt, reference);
      if (!difference.empty()) return "step " + std::to_string(step) + ", rebuilt: " + difference;
      // Going on with what was rebuilt must make no difference, nor how tables grow.
      if (step % 3 == 0 && !undoable.open()) book = std::move(rebuilt);
      book.set_growth(step % 5 < 2 ? Growth::kAtOnce : Growth::kGradual);
    }
  }
  return "";
}

}  // namespace pinnacle

#endif  // PINNACLE_TEST_BOOK_DRIVER_H_
