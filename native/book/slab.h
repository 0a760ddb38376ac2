// Elements with 32-bit indices that never move, in chunks; freed ones are reused, last freed first.
#ifndef PINNACLE_BOOK_SLAB_H_
#define PINNACLE_BOOK_SLAB_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "book/growth.h"
#include "platform/table_memory.h"

namespace pinnacle {

inline constexpr uint32_t kNoIndex = 0xffffffffu;

// T is trivial and has a `uint32_t next` for the list of free ones.
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
    const size_t wanted = (count + kChunk - 1) / kChunk;
    if (wanted > chunks_.size()) {
      AddChunks(wanted - chunks_.size(), TableMemory::Pages::kPresent);
    }
  }

  uint32_t Allocate() {
    ++size_;
    if (free_ != kNoIndex) {
      const uint32_t index = free_;
      free_ = (*this)[index].next;
      return index;
    }
    if (fresh_ == chunks_.size() * kChunk) [[unlikely]]
      Grow();
    return fresh_++;
  }

  void Free(uint32_t index) {
    (*this)[index].next = free_;
    free_ = index;
    --size_;
  }

  void Clear() {
    chunks_.clear();
    regions_.clear();
    free_ = kNoIndex;
    fresh_ = 0;
    size_ = 0;
  }

  void set_growth(Growth growth) { growth_ = growth; }

  size_t size() const { return size_; }
  size_t chunk_count() const { return chunks_.size(); }
  size_t memory_bytes() const { return chunks_.size() * kChunk * sizeof(T); }
  uint64_t growth_count() const { return growth_count_; }

 private:
  // As many as there are, when building: few large regions.
  static constexpr size_t kMostChunksAtOnce = 256;

  [[gnu::noinline]] void Grow() {
    ++growth_count_;
    if (growth_ == Growth::kGradual) {
      AddChunks(1, TableMemory::Pages::kAsUsed);
    } else {
      AddChunks(std::clamp<size_t>(chunks_.size(), 1, kMostChunksAtOnce),
                TableMemory::Pages::kPresent);
    }
  }

  void AddChunks(size_t count, TableMemory::Pages pages) {
    regions_.emplace_back(count * kChunk * sizeof(T), pages);
    T* elements = static_cast<T*>(regions_.back().data());
    for (size_t i = 0; i < count; ++i) chunks_.push_back(elements + i * kChunk);
  }

  std::vector<T*> chunks_;  // into regions_
  std::vector<TableMemory> regions_;
  uint32_t free_ = kNoIndex;
  uint32_t fresh_ = 0;
  Growth growth_ = Growth::kGradual;
  size_t size_ = 0;
  uint64_t growth_count_ = 0;
};

}  // namespace pinnacle

#endif  // PINNACLE_BOOK_SLAB_H_
