// The price levels of one side, best last, in sorted blocks: near the best price, where nearly all
// changes happen, inserting and erasing move a few entries of one block; far from it never more
// than a block.
#ifndef PINNACLE_BOOK_LEVEL_LIST_H_
#define PINNACLE_BOOK_LEVEL_LIST_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace pinnacle {

class LevelList {
 public:
  static constexpr uint32_t kNone = 0xffffffffu;

  // Keys order levels from worst to best: the price for bids, its negative for asks.
  uint32_t Find(int64_t key) const {
    if (blocks_.empty()) return kNone;
    const Block& block = *blocks_[BlockOf(key)];
    const uint32_t at = LowerBound(block, key);
    return at < block.count && block.entries[at].key == key ? block.entries[at].level : kNone;
  }

  // The key must be absent.
  void Insert(int64_t key, uint32_t level) {
    ++size_;
    if (blocks_.empty()) {
      AddBlock(0);
      blocks_[0]->entries[0] = {key, level};
      blocks_[0]->count = 1;
      first_keys_[0] = key;
      return;
    }
    size_t b = BlockOf(key);
    if (blocks_[b]->count == kBlock) b = Split(b, key);
    Block& block = *blocks_[b];
    const uint32_t at = LowerBound(block, key);
    std::memmove(block.entries + at + 1, block.entries + at, (block.count - at) * sizeof(Entry));
    block.entries[at] = {key, level};
    ++block.count;
    first_keys_[b] = block.entries[0].key;
  }

  // The key must be present.
  void Erase(int64_t key) {
    --size_;
    const size_t b = BlockOf(key);
    Block& block = *blocks_[b];
    const uint32_t at = LowerBound(block, key);
    --block.count;
    std::memmove(block.entries + at, block.entries + at + 1, (block.count - at) * sizeof(Entry));
    if (block.count == 0) {
      blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(b));
      first_keys_.erase(first_keys_.begin() + static_cast<std::ptrdiff_t>(b));
    } else {
      first_keys_[b] = block.entries[0].key;
    }
  }

  void Clear() {
    blocks_.clear();
    first_keys_.clear();
    size_ = 0;
  }

  size_t size() const { return size_; }
  uint32_t best() const {
    return blocks_.empty() ? kNone : blocks_.back()->entries[blocks_.back()->count - 1].level;
  }

  // Calls visit(level index) from the best on, until it returns false.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (size_t b = blocks_.size(); b-- > 0;) {
      for (uint32_t i = blocks_[b]->count; i-- > 0;) {
        if (!visit(blocks_[b]->entries[i].level)) return;
      }
    }
  }

  size_t memory_bytes() const { return blocks_.size() * (sizeof(Block) + 2 * sizeof(int64_t)); }

 private:
  static constexpr uint32_t kBlock = 128;
  struct Entry {
    int64_t key;
    uint32_t level;
  };
  struct Block {
    uint32_t count;
    Entry entries[kBlock];
  };

  size_t BlockOf(int64_t key) const {
    if (key >= first_keys_.back()) return blocks_.size() - 1;
    const auto above = std::upper_bound(first_keys_.begin(), first_keys_.end(), key);
    return above == first_keys_.begin() ? 0 : static_cast<size_t>(above - first_keys_.begin()) - 1;
  }

  static uint32_t LowerBound(const Block& block, int64_t key) {
    // Most look-ups end within a few levels of the best.
    uint32_t end = block.count;
    for (uint32_t steps = 0; steps < 8 && end > 0; ++steps) {
      if (block.entries[end - 1].key < key) return end;
      --end;
    }
    const Entry* found =
        std::lower_bound(block.entries, block.entries + end, key,
                         [](const Entry& entry, int64_t wanted) { return entry.key < wanted; });
    return static_cast<uint32_t>(found - block.entries);
  }

  void AddBlock(size_t at) {
    auto block = std::make_unique_for_overwrite<Block>();
    block->count = 0;
    blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(at), std::move(block));
    first_keys_.insert(first_keys_.begin() + static_cast<std::ptrdiff_t>(at), 0);
  }

  // Makes room in the full block b; returns the block that `key` goes into.
  size_t Split(size_t b, int64_t key) {
    AddBlock(b + 1);
    Block& left = *blocks_[b];
    Block& right = *blocks_[b + 1];
    // A key beyond the block's last starts the next block: ever better prices fill blocks whole.
    const uint32_t kept = key > left.entries[kBlock - 1].key ? kBlock : kBlock / 2;
    right.count = kBlock - kept;
    std::memcpy(right.entries, left.entries + kept, right.count * sizeof(Entry));
    left.count = kept;
    first_keys_[b + 1] = right.count > 0 ? right.entries[0].key : key;
    return key >= first_keys_[b + 1] ? b + 1 : b;
  }

  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<int64_t> first_keys_;
  size_t size_ = 0;
};

}  // namespace pinnacle

#endif  // PINNACLE_BOOK_LEVEL_LIST_H_
