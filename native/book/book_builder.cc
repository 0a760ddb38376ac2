#include "book/book_builder.h"

#include <algorithm>
#include <utility>

namespace pinnacle {

namespace {

constexpr uint32_t kAhead = 16;

}  // namespace

BookBuilder::BookBuilder(size_t most_orders, size_t expected_orders)
    : book_(std::max(most_orders, expected_orders)) {
  book_.set_growth(Growth::kAtOnce);
}

void BookBuilder::BeginLevel(Side side, int64_t price) {
  side_ = side;
  price_ = price;
  level_ = kNoIndex;
}

Code BookBuilder::AddOrder(OrderId id, int64_t quantity) {
  if (book_.orders_.size() >= book_.max_orders_) return Code::kBookFull;
  if (level_ == kNoIndex) {
    const uint32_t hash = OrderBook::LevelHash(side_, price_);
    const IdTable::Place place = book_.FindLevel(side_, price_, hash);
    level_ = place.index;
    if (level_ == IdTable::kNone) {
      level_ = book_.levels_.Allocate();
      book_.levels_[level_] = {price_, 0, 0, kNoIndex, kNoIndex, static_cast<uint32_t>(side_)};
      book_.level_ids_.Insert(hash, level_, place.slot);
      levels_[static_cast<size_t>(side_)].push_back({OrderBook::KeyOf(side_, price_), level_});
    }
  }
  if (quantity > OrderBook::kMaxLevelQuantity - book_.levels_[level_].quantity) {
    return Code::kQuantityOverflow;
  }
  const uint32_t index = book_.orders_.Allocate();  // nothing was freed: indices are consecutive
  book_.orders_.SetId(index, id);
  book_.orders_[index].hash = OrderBook::HashOf(id);
  book_.Link(index, level_, quantity);
  return Code::kOk;
}

Code BookBuilder::Finish(OrderBook* book) {
  const OrderStore& orders = book_.orders_;
  IdTable& ids = book_.ids_;
  const uint32_t count = static_cast<uint32_t>(orders.size());
  for (uint32_t i = 0; i < count; ++i) {
    if (i + kAhead < count) ids.Prefetch(orders[i + kAhead].hash);
    const uint32_t hash = orders[i].hash;
    const OrderId id = orders.IdOf(i);
    const IdTable::Place place =
        ids.Find(hash, [&](uint32_t index) { return orders.HasId(index, id); });
    if (place.index != IdTable::kNone) return Code::kDuplicateOrder;
    ids.Insert(hash, i, place.slot);
  }
  for (const Side side : {Side::kBuy, Side::kSell}) {
    std::vector<LevelList::Entry>& levels = levels_[static_cast<size_t>(side)];
    std::sort(levels.begin(), levels.end(),
              [](const auto& a, const auto& b) { return a.key < b.key; });
    book_.list(side).Assign(levels);
  }
  book_.set_growth(Growth::kGradual);
  *book = std::move(book_);
  return Code::kOk;
}

}  // namespace pinnacle
