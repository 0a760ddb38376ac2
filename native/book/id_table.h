// Maps a hash to an index: open addressing with linear probing, 8 bytes a slot. The keys are stored
// with the elements that the indices refer to.
//
// A slot holds 32 bits of the key's hash and the index; the hash bits also give the start of the
// slot's chain, so growing and erasing never look at the elements. At most half of the slots are
// used: a look-up reads one cache line, rarely two. During gradual growth the larger table takes
// new entries at once and every later call moves a few clusters of the old one, so that no single
// operation pays for all of it.
//
// Invariants: a cluster (a run of used slots) of the old table moves as a whole, so probing it
// stays correct while it drains; a key is in at most one of the two tables. A Place is valid until
// the next change. If there is no memory to grow, std::bad_alloc is thrown and nothing has changed.
#ifndef PINNACLE_BOOK_ID_TABLE_H_
#define PINNACLE_BOOK_ID_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

#include "base/check.h"
#include "book/growth.h"
#include "platform/table_memory.h"

namespace pinnacle {

class IdTable {
 public:
  static constexpr uint32_t kNone = 0xffffffffu;

  // The slot of a key, or the slot it would get.
  struct Place {
    uint32_t index = kNone;  // kNone: the key is absent
    uint32_t slot = kNone;   // the key's slot, or a free one for it; kNone: search for it
  };

  explicit IdTable(size_t expected) : current_(SlotsFor(expected), TableMemory::Pages::kPresent) {}

  // Finds the key with this hash for which `equals(index)` is true.
  template <typename Equals>
  Place Find(uint32_t hash, Equals&& equals) const {
    uint32_t slot = hash & current_.mask;
    for (;; slot = (slot + 1) & current_.mask) {
      const Slot found = current_.slots[slot];
      if (found.index_plus_one == 0) break;
      if (found.hash == hash && equals(found.index_plus_one - 1)) {
        return {found.index_plus_one - 1, slot};
      }
    }
    if (old_.slots == nullptr) [[likely]]
      return {kNone, slot};
    return {FindInOld(hash, equals), kNone};
  }

  // The key must be absent. `slot` is Find's result, with no change in between, or kNone.
  void Insert(uint32_t hash, uint32_t index, uint32_t slot = kNone) {
    if (old_.slots != nullptr) [[unlikely]] {
      MoveSome(kSlotsPerCall);
      slot = kNone;
    }
    if ((current_.used + 1) * 2 > current_.size()) [[unlikely]] {
      Grow();
      slot = kNone;
    }
    if (slot == kNone) {
      Put(current_, hash, index);
    } else {
      current_.slots[slot] = {hash, index + 1};
      ++current_.used;
    }
  }

  // The key with this hash and index must be present. `slot` is Find's result, or kNone; inserts in
  // between are allowed.
  void Erase(uint32_t hash, uint32_t index, uint32_t slot = kNone) {
    if (old_.slots != nullptr) [[unlikely]] {
      MoveSome(kSlotsPerCall);
      slot = kNone;
    }
    // (An Insert in between may have grown the table.)
    if (slot > current_.mask || current_.slots[slot].index_plus_one != index + 1 ||
        current_.slots[slot].hash != hash) {
      slot = SlotOf(current_, hash, index);
      if (slot == kNone) {
        PINNACLE_CHECK(old_.slots != nullptr);
        slot = SlotOf(old_, hash, index);
        PINNACLE_CHECK(slot != kNone);
        EraseSlot(old_, slot);
        return;
      }
    }
    EraseSlot(current_, slot);
  }

  // Prefetches the slot at which a look-up of this hash starts.
  void Prefetch(uint32_t hash) const {
    __builtin_prefetch(current_.slots + (hash & current_.mask), 1);
    if (old_.slots != nullptr) [[unlikely]]
      __builtin_prefetch(old_.slots + (hash & old_.mask), 1);
  }

  // The first index with this hash, which rarely is another key's; kNone if there is none. A guess,
  // for prefetching.
  uint32_t Guess(uint32_t hash) const {
    return Find(hash, [](uint32_t) { return true; }).index;
  }

  // Room for `expected` without growing.
  void Reserve(size_t expected) {
    const size_t slots = SlotsFor(expected);
    if (slots <= current_.size()) return;
    if (old_.slots != nullptr) MoveSome(old_.size());
    Replace(slots, TableMemory::Pages::kPresent);
    MoveSome(old_.size());
  }

  // Needs memory only to give more back.
  void Clear() {
    old_ = Table();
    try {
      current_ = Table(SlotsFor(0), TableMemory::Pages::kAsUsed);
    } catch (const std::bad_alloc&) {
      std::memset(current_.slots, 0, current_.size() * sizeof(Slot));
      current_.used = 0;
    }
  }

  // Inserts possible without memory; at least one after MakeRoom.
  size_t room() const { return current_.size() / 2 - current_.used - old_.used; }
  void MakeRoom() {
    if (room() == 0) Grow();
  }

  // Bytes of a table with room for `expected`.
  static size_t BytesFor(size_t expected) { return SlotsFor(expected) * sizeof(Slot); }

  void set_growth(Growth growth) { growth_ = growth; }

  size_t memory_bytes() const { return (current_.size() + old_.size()) * sizeof(Slot); }
  uint64_t growth_count() const { return growth_count_; }

 private:
  struct Slot {
    uint32_t hash;
    uint32_t index_plus_one;  // 0: empty
  };

  struct Table {
    Table() = default;
    Table(size_t size, TableMemory::Pages pages)
        : memory(size * sizeof(Slot), pages),
          slots(static_cast<Slot*>(memory.data())),
          mask(static_cast<uint32_t>(size - 1)) {}
    Table(Table&& other) noexcept { *this = std::move(other); }
    Table& operator=(Table&& other) noexcept {
      memory = std::move(other.memory);
      slots = std::exchange(other.slots, nullptr);
      mask = std::exchange(other.mask, 0);
      used = std::exchange(other.used, 0);
      return *this;
    }
    size_t size() const { return slots == nullptr ? 0 : size_t{mask} + 1; }

    TableMemory memory;
    Slot* slots = nullptr;
    uint32_t mask = 0;
    size_t used = 0;
  };

  static constexpr size_t kLeastSlots = 64;
  // Slots visited per call while the old table drains: it is empty long before the new one is half
  // full.
  static constexpr size_t kSlotsPerCall = 16;

  static size_t SlotsFor(size_t expected) {
    size_t slots = kLeastSlots;
    while (slots < expected * 2) slots *= 2;
    return slots;
  }

  template <typename Equals>
  [[gnu::noinline]] uint32_t FindInOld(uint32_t hash, Equals& equals) const {
    for (uint32_t i = hash & old_.mask;; i = (i + 1) & old_.mask) {
      const Slot slot = old_.slots[i];
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

  static uint32_t SlotOf(const Table& table, uint32_t hash, uint32_t index) {
    if (table.slots == nullptr) return kNone;
    for (uint32_t i = hash & table.mask;; i = (i + 1) & table.mask) {
      const Slot slot = table.slots[i];
      // An element that changes its key briefly has two slots: the hash tells them apart.
      if (slot.index_plus_one == index + 1 && slot.hash == hash) return i;
      if (slot.index_plus_one == 0) return kNone;
    }
  }

  static void EraseSlot(Table& table, uint32_t hole) {
    // Later slots of the cluster move up if their chain allows it: no tombstones remain.
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
  }

  [[gnu::noinline]] void Grow() {
    if (old_.slots != nullptr) MoveSome(old_.size());
    Replace(current_.size() * 2, growth_ == Growth::kAtOnce ? TableMemory::Pages::kPresent
                                                            : TableMemory::Pages::kAsUsed);
    ++growth_count_;
    if (growth_ == Growth::kAtOnce) MoveSome(old_.size());
  }

  void Replace(size_t slots, TableMemory::Pages pages) {
    Table larger(slots, pages);
    old_ = std::move(current_);
    current_ = std::move(larger);
    // Start at an empty slot, that is, between two clusters.
    cursor_ = 0;
    while (old_.slots[cursor_].index_plus_one != 0) ++cursor_;
    slots_left_ = old_.size();
  }

  // Visits `least` slots or slightly more, to the end of a cluster.
  void MoveSome(size_t least) {
    size_t looked = 0;
    while (slots_left_ > 0) {
      Slot& slot = old_.slots[cursor_];
      const bool between = slot.index_plus_one == 0;
      if (between && looked >= least) return;
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
  Growth growth_ = Growth::kGradual;
  size_t slots_left_ = 0;
  uint64_t growth_count_ = 0;
};

}  // namespace pinnacle

#endif  // PINNACLE_BOOK_ID_TABLE_H_
