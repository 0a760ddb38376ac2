// The orders of a book: two in a cache line, so that looking one up touches one line.
//
// The high 64 bits of ids live in a side table, allocated when the first wide id arrives (exchange
// UUIDs, levels of market-by-price books). Most venues number their orders, and their books need
// not carry eight zero bytes per order through the cache.
#ifndef PINNACLE_BOOK_ORDER_STORE_H_
#define PINNACLE_BOOK_ORDER_STORE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "book/slab.h"
#include "platform/table_memory.h"

namespace pinnacle {

struct OrderId {
  uint64_t low = 0;
  uint64_t high = 0;
  friend bool operator==(const OrderId&, const OrderId&) = default;
};

class OrderStore {
 public:
  struct Order {
    uint64_t id_low;
    int64_t quantity;
    uint32_t level;
    uint32_t previous;  // towards the head of the queue
    uint32_t next;
    uint32_t hash;  // of the id
  };
  static_assert(sizeof(Order) == 32);

  Order& operator[](uint32_t index) { return orders_[index]; }
  const Order& operator[](uint32_t index) const { return orders_[index]; }

  OrderId IdOf(uint32_t index) const { return {orders_[index].id_low, High(index)}; }
  bool HasId(uint32_t index, OrderId id) const {
    return orders_[index].id_low == id.low && High(index) == id.high;
  }
  void SetId(uint32_t index, OrderId id) {
    orders_[index].id_low = id.low;
    if (wide_ || id.high != 0) [[unlikely]]
      SetHigh(index, id.high);
  }

  void Reserve(size_t count) { orders_.Reserve(count); }
  // The order's fields are uninitialised or stale.
  uint32_t Allocate() { return orders_.Allocate(); }
  void Free(uint32_t index) { orders_.Free(index); }
  uint32_t NextIndex() const { return orders_.NextIndex(); }
  size_t room() const { return orders_.room(); }
  void MakeRoom() { orders_.MakeRoom(); }
  // Afterwards SetId with this index and id needs no memory.
  void MakeRoomForId(uint32_t index, OrderId id) {
    if (id.high != 0) MakeHighs(index >> kChunkShift);
  }
  void Clear() {
    orders_.Clear();
    highs_.clear();
    wide_ = false;
  }
  void set_growth(Growth growth) { orders_.set_growth(growth); }

  size_t size() const { return orders_.size(); }
  size_t memory_bytes() const {
    return orders_.memory_bytes() + highs_.size() * kChunk * sizeof(uint64_t);
  }
  uint64_t growth_count() const { return orders_.growth_count(); }

 private:
  static constexpr uint32_t kChunkShift = Slab<Order>::kChunkShift;
  static constexpr uint32_t kChunk = Slab<Order>::kChunk;

  uint64_t High(uint32_t index) const {
    if (!wide_) [[likely]]
      return 0;
    const size_t chunk = index >> kChunkShift;
    return chunk < highs_.size() && highs_[chunk].data() != nullptr ? Highs(chunk)[index % kChunk]
                                                                    : 0;
  }

  [[gnu::noinline]] void SetHigh(uint32_t index, uint64_t high) {
    wide_ = true;
    const size_t chunk = index >> kChunkShift;
    if (chunk >= highs_.size() || highs_[chunk].data() == nullptr) {
      if (high == 0) return;  // absent is zero
      MakeHighs(chunk);
    }
    Highs(chunk)[index % kChunk] = high;
  }

  void MakeHighs(size_t chunk) {
    if (chunk >= highs_.size()) highs_.resize(chunk + 1);
    if (highs_[chunk].data() != nullptr) return;
    highs_[chunk] = TableMemory(kChunk * sizeof(uint64_t), TableMemory::Pages::kAsUsed);
  }

  uint64_t* Highs(size_t chunk) const { return static_cast<uint64_t*>(highs_[chunk].data()); }

  Slab<Order> orders_;
  std::vector<TableMemory> highs_;  // by chunk; an empty one means zeros
  bool wide_ = false;
};

}  // namespace pinnacle

#endif  // PINNACLE_BOOK_ORDER_STORE_H_
