// A deliberately naive order book: the oracle of the differential test and the fuzzer. It shares no
// code with the real one and is right by inspection.
#ifndef PINNACLE_TEST_REFERENCE_BOOK_H_
#define PINNACLE_TEST_REFERENCE_BOOK_H_

#include <cstdint>
#include <list>
#include <map>
#include <utility>
#include <vector>

namespace pinnacle {

class ReferenceBook {
 public:
  using Id = std::pair<uint64_t, uint64_t>;  // high, low
  struct Order {
    Id id;
    bool sell;
    int64_t price;
    int64_t quantity;
  };
  enum class Answer { kOk, kDuplicate, kUnknown, kExceeds, kOverflow };
  static constexpr int64_t kMostPerLevel = 9007199254740991;

  Answer Add(Id id, bool sell, int64_t price, int64_t quantity) {
    if (Where(id) != orders_.end()) return Answer::kDuplicate;
    if (Total(sell, price) + quantity > kMostPerLevel) return Answer::kOverflow;
    orders_.push_back({id, sell, price, quantity});
    return Answer::kOk;
  }

  Answer Reduce(Id id, int64_t quantity) {
    const auto order = Where(id);
    if (order == orders_.end()) return Answer::kUnknown;
    if (quantity > order->quantity) return Answer::kExceeds;
    order->quantity -= quantity;
    if (order->quantity == 0) orders_.erase(order);
    return Answer::kOk;
  }

  Answer Cancel(Id id) {
    const auto order = Where(id);
    if (order == orders_.end()) return Answer::kUnknown;
    orders_.erase(order);
    return Answer::kOk;
  }

  Answer Replace(Id id, Id new_id, int64_t price, int64_t quantity) {
    const auto order = Where(id);
    if (order == orders_.end()) return Answer::kUnknown;
    if (id != new_id && Where(new_id) != orders_.end()) return Answer::kDuplicate;
    const int64_t others =
        Total(order->sell, price) - (order->price == price ? order->quantity : 0);
    if (others + quantity > kMostPerLevel) return Answer::kOverflow;
    const bool sell = order->sell;
    orders_.erase(order);
    orders_.push_back({new_id, sell, price, quantity});
    return Answer::kOk;
  }

  void Clear() { orders_.clear(); }

  size_t size() const { return orders_.size(); }
  const Order& at(size_t index) const {
    return *std::next(orders_.begin(), static_cast<long>(index));
  }

  // Best level first, each with its orders in time order.
  std::vector<std::pair<int64_t, std::vector<Order>>> Levels(bool sell) const {
    std::map<int64_t, std::vector<Order>> levels;
    for (const Order& order : orders_) {
      if (order.sell == sell) levels[sell ? order.price : -order.price].push_back(order);
    }
    std::vector<std::pair<int64_t, std::vector<Order>>> result;
    for (auto& [key, orders] : levels) result.emplace_back(orders.front().price, orders);
    return result;
  }

 private:
  std::list<Order>::iterator Where(Id id) {
    for (auto it = orders_.begin(); it != orders_.end(); ++it) {
      if (it->id == id) return it;
    }
    return orders_.end();
  }

  int64_t Total(bool sell, int64_t price) const {
    int64_t total = 0;
    for (const Order& order : orders_) {
      if (order.sell == sell && order.price == price) total += order.quantity;
    }
    return total;
  }

  std::list<Order> orders_;  // in the order of their arrival at their price
};

}  // namespace pinnacle

#endif  // PINNACLE_TEST_REFERENCE_BOOK_H_
