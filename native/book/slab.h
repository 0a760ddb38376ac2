// Elements with 32-bit indices, in chunks; freed ones are reused, the last freed first.
//
// A slab begins with a few elements and enlarges its first chunk until that is full-sized: a
// thousand small books thus share pages, and a look-up in one of them rarely misses the TLB.
// Elements move during that time, at most a few thousand, so a reference does not outlive Allocate;
// afterwards none moves.
//
// If there is no memory, std::bad_alloc is thrown and nothing has changed.
#ifndef PINNACLE_BOOK_SLAB_H_
#define PINNACLE_BOOK_SLAB_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "book/growth.h"
#include "platform/table_memory.h"

namespace pinnacle {

inline constexpr uint32_t kNoIndex = 0xffffffffu;

// T is trivial and has a `uint32_t next` for the free list.
template <typename T>
class Slab {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  static constexpr uint32_t kChunkShift = 12;
  static constexpr uint32_t kChunk = 1u << kChunkShift;

  T& operator[](uint32_t index) { return chunks_[index >> kChunkShift][index & (kChunk - 1)]; }
  const T& operator[](uint32_t index) const {
    return chunks_[index >> kChunkShift][index & (kChunk - 1)];
  }

  void Reserve(size_t count) {
    if (count <= capacity()) return;
    if (count < kChunk) {
      EnlargeFirst(static_cast<uint32_t>(count));
      return;
    }
    if (!chunks_.empty()) EnlargeFirst(kChunk);
    const size_t wanted = (count + kChunk - 1) / kChunk;
    if (wanted > chunks_.size()) {
      AddChunks(wanted - chunks_.size(), TableMemory::Pages::kPresent);
    }
  }

  uint32_t Allocate() {
    if (free_ != kNoIndex) {
      const uint32_t index = free_;
      free_ = (*this)[index].next;
      ++size_;
      return index;
    }
    if (fresh_ == capacity()) [[unlikely]]
      Grow();
    ++size_;
    return fresh_++;
  }
  // The index the next Allocate returns.
  uint32_t NextIndex() const { return free_ != kNoIndex ? free_ : fresh_; }

  // Allocations possible without memory; at least one after MakeRoom.
  size_t room() const { return capacity() - size_; }
  void MakeRoom() {
    if (room() == 0) Grow();
  }

  void Free(uint32_t index) {
    (*this)[index].next = free_;
    free_ = index;
    --size_;
  }

  void Clear() {
    chunks_.clear();
    regions_.clear();
    first_capacity_ = 0;
    free_ = kNoIndex;
    fresh_ = 0;
    size_ = 0;
  }

  void set_growth(Growth growth) { growth_ = growth; }

  size_t size() const { return size_; }
  size_t memory_bytes() const { return capacity() * sizeof(T); }
  uint64_t growth_count() const { return growth_count_; }

 private:
  // When building, add as many chunks as there are already, at most this many: few large regions.
  static constexpr size_t kMostChunksAtOnce = 256;
  static constexpr uint32_t kLeastElements = 16;

  size_t capacity() const {
    return chunks_.size() == 1 ? first_capacity_ : chunks_.size() * kChunk;
  }

  [[gnu::noinline]] void Grow() {
    ++growth_count_;
    if (capacity() < kChunk) {
      EnlargeFirst(std::clamp(4 * first_capacity_, kLeastElements, kChunk));
    } else if (growth_ == Growth::kGradual) {
      AddChunks(1, TableMemory::Pages::kAsUsed);
    } else {
      AddChunks(std::clamp<size_t>(chunks_.size(), 1, kMostChunksAtOnce),
                TableMemory::Pages::kPresent);
    }
  }

  // Enlarges the only chunk to `count` elements, at most kChunk.
  void EnlargeFirst(uint32_t count) {
    if (count <= first_capacity_) return;
    chunks_.reserve(1);
    regions_.reserve(1);
    TableMemory larger(count * sizeof(T), TableMemory::Pages::kAsUsed);
    T* elements = static_cast<T*>(larger.data());
    if (fresh_ != 0) std::memcpy(elements, chunks_[0], fresh_ * sizeof(T));
    chunks_.assign(1, elements);
    regions_.clear();
    regions_.push_back(std::move(larger));
    first_capacity_ = count;
  }

  void AddChunks(size_t count, TableMemory::Pages pages) {
    chunks_.reserve(std::max(chunks_.size() + count, 2 * chunks_.size()));
    regions_.emplace_back(count * kChunk * sizeof(T), pages);
    T* elements = static_cast<T*>(regions_.back().data());
    if (chunks_.empty()) first_capacity_ = kChunk;
    for (size_t i = 0; i < count; ++i) chunks_.push_back(elements + i * kChunk);
  }

  std::vector<T*> chunks_;  // into regions_
  std::vector<TableMemory> regions_;
  uint32_t first_capacity_ = 0;  // elements that the first chunk has room for
  uint32_t free_ = kNoIndex;
  uint32_t fresh_ = 0;
  Growth growth_ = Growth::kGradual;
  size_t size_ = 0;
  uint64_t growth_count_ = 0;
};

}  // namespace pinnacle

#endif  // PINNACLE_BOOK_SLAB_H_
