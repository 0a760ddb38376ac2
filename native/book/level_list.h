// The price levels of one side in order, best last, in sorted blocks. Near the best price, the site
// of nearly all changes, inserting and erasing move a few entries of one block; far from it never
// more than a block. (Levels are looked up by price elsewhere, by hash: this list is only touched
// when a level is added or removed, and for reading in order.)
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

  struct Entry {
    int64_t key;  // ascends from worst to best: the price for bids, its negative for asks
    uint32_t level;
  };

  // The key must be absent.
  void Insert(int64_t key, uint32_t level) {
    ++size_;
    if (blocks_.empty()) {
      AddBlock(0);
      blocks_[0]->keys[0] = key;
      blocks_[0]->levels[0] = level;
      blocks_[0]->count = 1;
      first_keys_[0] = key;
      return;
    }
    size_t b = BlockOf(key);
    if (blocks_[b]->count == kBlock) b = Split(b, key);
    Block& block = *blocks_[b];
    const uint32_t at = LowerBound(block, key);
    const uint32_t behind = block.count - at;
    std::memmove(block.keys + at + 1, block.keys + at, behind * sizeof(block.keys[0]));
    std::memmove(block.levels + at + 1, block.levels + at, behind * sizeof(block.levels[0]));
    block.keys[at] = key;
    block.levels[at] = level;
    ++block.count;
    first_keys_[b] = block.keys[0];
  }

  // Afterwards Insert of this key needs no memory.
  void MakeRoom(int64_t key) {
    if (!blocks_.empty() && blocks_[BlockOf(key)]->count < kBlock) return;
    if (blocks_.size() == blocks_.capacity()) blocks_.reserve(2 * blocks_.size() + 1);
    if (first_keys_.size() == first_keys_.capacity()) first_keys_.reserve(2 * blocks_.size() + 1);
    if (spare_ == nullptr) spare_ = std::make_unique_for_overwrite<Block>();
  }

  // The key must be present.
  void Erase(int64_t key) {
    --size_;
    const size_t b = BlockOf(key);
    Block& block = *blocks_[b];
    const uint32_t at = LowerBound(block, key);
    const uint32_t behind = --block.count - at;
    std::memmove(block.keys + at, block.keys + at + 1, behind * sizeof(block.keys[0]));
    std::memmove(block.levels + at, block.levels + at + 1, behind * sizeof(block.levels[0]));
    if (block.count == 0) {
      blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(b));
      first_keys_.erase(first_keys_.begin() + static_cast<std::ptrdiff_t>(b));
    } else {
      first_keys_[b] = block.keys[0];
    }
  }

  // Replaces everything. Keys must ascend strictly.
  void Assign(const std::vector<Entry>& entries) {
    Clear();
    size_ = entries.size();
    for (size_t begin = 0; begin < entries.size(); begin += kBuiltBlock) {
      AddBlock(blocks_.size());
      Block& block = *blocks_.back();
      block.count = static_cast<uint32_t>(std::min<size_t>(kBuiltBlock, entries.size() - begin));
      for (uint32_t i = 0; i < block.count; ++i) {
        block.keys[i] = entries[begin + i].key;
        block.levels[i] = entries[begin + i].level;
      }
      first_keys_.back() = block.keys[0];
    }
  }

  void Clear() {
    blocks_.clear();
    first_keys_.clear();
    size_ = 0;
  }

  size_t size() const { return size_; }
  uint32_t best() const {
    return blocks_.empty() ? kNone : blocks_.back()->levels[blocks_.back()->count - 1];
  }

  // Calls visit(level index) from the best level on, until it returns false.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (size_t b = blocks_.size(); b-- > 0;) {
      for (uint32_t i = blocks_[b]->count; i-- > 0;) {
        if (!visit(blocks_[b]->levels[i])) return;
      }
    }
  }

  size_t memory_bytes() const { return blocks_.size() * (sizeof(Block) + 2 * sizeof(int64_t)); }

 private:
  static constexpr uint32_t kBlock = 128;
  static constexpr uint32_t kBuiltBlock = 96;  // leaves room for later levels
  struct Block {
    uint32_t count;
    int64_t keys[kBlock];
    uint32_t levels[kBlock];
  };

  size_t BlockOf(int64_t key) const {
    if (key >= first_keys_.back()) return blocks_.size() - 1;
    const auto above = std::upper_bound(first_keys_.begin(), first_keys_.end(), key);
    return above == first_keys_.begin() ? 0 : static_cast<size_t>(above - first_keys_.begin()) - 1;
  }

  // The first entry that is not below the key.
  static uint32_t LowerBound(const Block& block, int64_t key) {
    // Most look-ups end within a few levels of the best.
    uint32_t end = block.count;
    for (uint32_t steps = 0; steps < 8 && end > 0; ++steps) {
      if (block.keys[end - 1] < key) return end;
      --end;
    }
    return static_cast<uint32_t>(std::lower_bound(block.keys, block.keys + end, key) - block.keys);
  }

  void AddBlock(size_t at) {
    auto block = spare_ ? std::move(spare_) : std::make_unique_for_overwrite<Block>();
    block->count = 0;
    blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(at), std::move(block));
    first_keys_.insert(first_keys_.begin() + static_cast<std::ptrdiff_t>(at), 0);
  }

  // Splits the full block b; returns the block that `key` goes into.
  size_t Split(size_t b, int64_t key) {
    AddBlock(b + 1);
    Block& left = *blocks_[b];
    Block& right = *blocks_[b + 1];
    // A key beyond the block's last starts the next block: ever better prices fill whole blocks.
    const uint32_t kept = key > left.keys[kBlock - 1] ? kBlock : kBlock / 2;
    right.count = kBlock - kept;
    std::memcpy(right.keys, left.keys + kept, right.count * sizeof(left.keys[0]));
    std::memcpy(right.levels, left.levels + kept, right.count * sizeof(left.levels[0]));
    left.count = kept;
    first_keys_[b + 1] = right.count > 0 ? right.keys[0] : key;
    return key >= first_keys_[b + 1] ? b + 1 : b;
  }

  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<int64_t> first_keys_;
  std::unique_ptr<Block> spare_;  // for the next AddBlock, if MakeRoom has made it
  size_t size_ = 0;
};

}  // namespace pinnacle

#endif  // PINNACLE_BOOK_LEVEL_LIST_H_
