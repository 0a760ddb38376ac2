// From order id to order index: open addressing with linear probing, 8 bytes a slot.
//
// A slot holds 32 bits of the id's hash and the order's index; the hash bits also say where the
// slot's chain starts, so growing and erasing never look at the orders. Growing happens alongside:
// the larger table takes new entries at once while every later call moves a few clusters of the old
// one, so that no single operation pays for all.
//
// Invariants: a cluster (a run of used slots) of the old table is moved whole, so probing it stays
// right while it drains; an id is in one of the two tables at most.
#ifndef PINNACLE_BOOK_ID_TABLE_H_
#define PINNACLE_BOOK_ID_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

namespace pinnacle {

class IdTable {
 public:
  static constexpr uint32_t kNone = 0xffffffffu;

  explicit IdTable(size_t expected) { current_ = Table(SlotsFor(expected)); }

  // The index for which `equals` is true among those with this hash, or kNone.
  template <typename Equals>
  uint32_t Find(uint32_t hash, Equals&& equals) const {
    const uint32_t found = FindIn(current_, hash, equals);
    if (found != kNone || old_.slots == nullptr) [[likely]]
      return found;
    return FindIn(old_, hash, equals);
  }

  // The id must not be present.
  void Insert(uint32_t hash, uint32_t index) {
    if (old_.slots != nullptr) MoveSome();
    if ((current_.used + 1) * 4 > current_.size() * 3) Grow();
    Put(current_, hash, index);
  }

  // The id with this hash and index must be present.
  void Erase(uint32_t hash, uint32_t index) {
    if (old_.slots != nullptr) MoveSome();
    if (!EraseIn(current_, hash, index)) EraseIn(old_, hash, index);
  }

  void Clear() {
    current_ = Table(SlotsFor(0));
    old_ = Table();
  }

  size_t memory_bytes() const { return (current_.size() + old_.size()) * sizeof(Slot); }
  uint64_t growth_count() const { return growth_count_; }

 private:
  struct Slot {
    uint32_t hash;
    uint32_t index_plus_one;  // 0: empty
  };
  struct Free {
    void operator()(Slot* slots) const { std::free(slots); }
  };
  struct Table {
    Table() = default;
    explicit Table(size_t size)
        // calloc: the pages of a large table come zeroed from the kernel, one by one as they are
        // used.
        : slots(static_cast<Slot*>(std::calloc(size, sizeof(Slot)))),
          mask(static_cast<uint32_t>(size - 1)) {
      if (slots == nullptr) std::abort();  // out of memory, as for every other container
    }
    size_t size() const { return slots == nullptr ? 0 : size_t{mask} + 1; }
    std::unique_ptr<Slot[], Free> slots;
    uint32_t mask = 0;
    size_t used = 0;
  };

  static constexpr size_t kLeastSlots = 64;
  // Slots looked at per call while the old table drains: at load 3/4 it is empty long before the
  // new one is full.
  static constexpr uint32_t kSlotsPerCall = 16;

  static size_t SlotsFor(size_t expected) {
    size_t slots = kLeastSlots;
    while (slots * 3 < (expected + 1) * 4) slots *= 2;
    return slots;
  }

  template <typename Equals>
  static uint32_t FindIn(const Table& table, uint32_t hash, Equals&& equals) {
    for (uint32_t i = hash & table.mask;; i = (i + 1) & table.mask) {
      const Slot slot = table.slots[i];
      if (slot.index_plus_one == 0) return kNone;
      if (slot.hash == hash && equals(slot.index_plus_one - 1)) return slot.index_plus_one - 1;
    }
  }

  static void Put(Table& table, uint32_t hash, uint32_t index) {
    uint32_t i = hash & table.mask;
    while (table.slots[i].index_plus_one != 0) i = (i + 1) & table.mask;
    table.slots[i] = {hash, index + 1};
    ++table.used;
  }

  static bool EraseIn(Table& table, uint32_t hash, uint32_t index) {
    if (table.slots == nullptr) return false;
    uint32_t hole = hash & table.mask;
    while (table.slots[hole].index_plus_one != index + 1) {
      if (table.slots[hole].index_plus_one == 0) return false;
      hole = (hole + 1) & table.mask;
    }
    // Later slots of the cluster move up where their chain allows: no tombstones are left.
    for (uint32_t i = (hole + 1) & table.mask; table.slots[i].index_plus_one != 0;
         i = (i + 1) & table.mask) {
      const uint32_t home = table.slots[i].hash & table.mask;
      if (((i - home) & table.mask) >= ((i - hole) & table.mask)) {
        table.slots[hole] = table.slots[i];
        hole = i;
      }
    }
    table.slots[hole] = {0, 0};
    --table.used;
    return true;
  }

  void Grow() {
    while (old_.slots != nullptr) MoveSome();
    old_ = std::move(current_);
    current_ = Table(old_.size() * 2);
    ++growth_count_;
    // Start at an empty slot, that is between two clusters.
    cursor_ = 0;
    while (old_.slots[cursor_].index_plus_one != 0) ++cursor_;
    slots_left_ = old_.size();
  }

  void MoveSome() {
    uint32_t looked = 0;
    while (slots_left_ > 0) {
      Slot& slot = old_.slots[cursor_];
      const bool between = slot.index_plus_one == 0;
      if (between && looked >= kSlotsPerCall) return;
      if (!between) {
        Put(current_, slot.hash, slot.index_plus_one - 1);
        slot = {0, 0};
        --old_.used;
      }
      cursor_ = (cursor_ + 1) & old_.mask;
      --slots_left_;
      ++looked;
    }
    old_ = Table();
  }

  Table current_;
  Table old_;
  uint32_t cursor_ = 0;
  size_t slots_left_ = 0;
  uint64_t growth_count_ = 0;
};

}  // namespace pinnacle

#endif  // PINNACLE_BOOK_ID_TABLE_H_
