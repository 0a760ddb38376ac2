// Streams of operations for the benchmarks, held in memory: real flow from LOBSTER message files
// (which are not part of the project) and a synthetic flow around a target number of live orders.
#ifndef PINNACLE_BENCH_ORDER_FLOW_H_
#define PINNACLE_BENCH_ORDER_FLOW_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "state/operation.h"

namespace pinnacle::bench {

struct OrderFlow {
  std::string name;
  std::vector<Operation> before;      // makes the book that the flow starts from
  std::vector<Operation> operations;  // measured; each is valid when reached
};

// Messages of one symbol: 1 new, 2 partial cancel, 3 deletion, 4 execution, 5 hidden execution, 7
// halt. Orders from before the first message are added in `before`, with all that the messages take
// from them. Empty if the file can't be read.
inline OrderFlow LobsterFlow(const std::string& name, const std::string& path,
                             uint16_t instrument = 1) {
  OrderFlow flow{name, {}, {}};
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "r"), std::fclose);
  if (file == nullptr) return flow;
  struct Open {
    int64_t quantity;
    size_t before;  // index + 1 in `before`; 0: the order came with a message
  };
  std::unordered_map<uint64_t, Open> open;
  char line[256];
  while (std::fgets(line, sizeof(line), file.get()) != nullptr) {
    double seconds = 0;
    int type = 0;
    int direction = 0;
    unsigned long long id = 0;
    long long size = 0;
    long long price = 0;
    if (std::sscanf(line, "%lf,%d,%llu,%lld,%lld,%d", &seconds, &type, &id, &size, &price,
                    &direction) != 6) {
      continue;
    }
    Operation operation;
    operation.instrument = instrument;
    operation.side = direction == 1 ? Side::kBuy : Side::kSell;
    operation.id = {id, 0};
    operation.price = price;
    operation.quantity = size;
    if (type == 5 || type == 7) {
      if (type == 7 || price < 0) continue;
      operation.type = EntryType::kTrade;
      operation.id = {};
      flow.operations.push_back(operation);
      continue;
    }
    if (type == 1) {
      operation.type = EntryType::kAdd;
      if (!open.emplace(id, Open{size, 0}).second) continue;
      flow.operations.push_back(operation);
      continue;
    }
    auto found = open.find(id);
    if (found == open.end()) {
      operation.type = EntryType::kAdd;
      flow.before.push_back(operation);
      found = open.emplace(id, Open{size, flow.before.size()}).first;
    } else if (found->second.quantity < size || (found->second.before != 0 && type != 3)) {
      // An older order turns out to be larger than known so far.
      if (found->second.before == 0) continue;
      flow.before[found->second.before - 1].quantity += size;
      found->second.quantity += size;
    }
    operation.price = 0;
    operation.side = Side::kBuy;
    operation.type = type == 2   ? EntryType::kReduce
                     : type == 3 ? EntryType::kCancel
                                 : EntryType::kExecute;
    if (type == 3) {
      operation.quantity = 0;
      if (found->second.before == 0) open.erase(found);
      flow.operations.push_back(operation);
      // (An older order stays in the map: the file never names it again.)
      continue;
    }
    found->second.quantity -= size;
    if (found->second.quantity == 0 && found->second.before == 0) open.erase(found);
    flow.operations.push_back(operation);
  }
  return flow;
}

// `live` orders, of which random ones leave as new ones arrive: the worst case for caches. Prices
// cluster around the touch and thin out with distance.
class SyntheticFlow {
 public:
  SyntheticFlow(uint64_t live, uint64_t seed, uint16_t instrument = 1)
      : random_(seed), distance_(live < 20'000 ? 0.02 : 0.002), instrument_(instrument) {
    for (uint64_t i = 0; i < live; ++i) before_.push_back(Add());
  }

  OrderFlow Take(std::string name, size_t count) {
    OrderFlow flow{std::move(name), std::move(before_), {}};
    flow.operations.reserve(count);
    while (flow.operations.size() < count) flow.operations.push_back(Next());
    return flow;
  }

 private:
  struct Live {
    uint64_t id;
    int64_t quantity;
    Side side;
  };

  Operation Add() {
    Operation operation;
    operation.type = EntryType::kAdd;
    operation.instrument = instrument_;
    operation.side = random_() % 2 == 0 ? Side::kBuy : Side::kSell;
    operation.id = {next_id_, 0};
    next_id_ += 1 + random_() % 7;
    operation.price = Price(operation.side);
    operation.quantity = 100 * static_cast<int64_t>(1 + random_() % 9);
    live_.push_back({operation.id.low, operation.quantity, operation.side});
    return operation;
  }

  int64_t Price(Side side) {
    const int64_t distance = static_cast<int64_t>(distance_(random_));
    return side == Side::kBuy ? 1'000'000 - distance : 1'000'001 + distance;
  }

  // Equally many adds and cancels, with some reductions, executions and replacements.
  Operation Next() {
    const uint64_t kind = random_() % 100;
    if (kind < 42 || live_.empty()) return Add();
    const size_t at = random_() % live_.size();
    Live& order = live_[at];
    Operation operation;
    operation.instrument = instrument_;
    operation.id = {order.id, 0};
    if (kind < 84) {
      operation.type = EntryType::kCancel;
      order = live_.back();
      live_.pop_back();
    } else if (kind < 95 && order.quantity > 1) {
      operation.type = kind < 90 ? EntryType::kReduce : EntryType::kExecute;
      operation.quantity = 1;
      --order.quantity;
    } else {
      operation.type = EntryType::kReplace;
      operation.new_id = {next_id_, 0};
      next_id_ += 1 + random_() % 7;
      operation.price = Price(order.side);
      operation.quantity = 100;
      order.id = operation.new_id.low;
      order.quantity = 100;
    }
    return operation;
  }

  std::mt19937_64 random_;
  std::geometric_distribution<int> distance_;
  const uint16_t instrument_;
  uint64_t next_id_ = 1'000'000;
  std::vector<Live> live_;
  std::vector<Operation> before_;
};

}  // namespace pinnacle::bench

#endif  // PINNACLE_BENCH_ORDER_FLOW_H_
