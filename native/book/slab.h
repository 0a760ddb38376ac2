// Elements with 32-bit indices that never move, in chunks; freed ones are reused, last freed first.
#ifndef PINNACLE_BOOK_SLAB_H_
#define PINNACLE_BOOK_SLAB_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

namespace pinnacle {

inline constexpr uint32_t kNoIndex = 0xffffffffu;

// T is trivial and has a `uint32_t next` for the list of free ones.
template <typename T>
class Slab {
 public:
  static constexpr uint32_t kChunkShift = 12;
  static constexpr uint32_t kChunk = 1u << kChunkShift;

  T& operator[](uint32_t index) {
    return chunks_[index >> kChunkShift].get()[index & (kChunk - 1)];
  }
  const T& operator[](uint32_t index) const {
    return chunks_[index >> kChunkShift].get()[index & (kChunk - 1)];
  }

  void Reserve(size_t count) {
    while (chunks_.size() * kChunk < count) AddChunk();
  }

  uint32_t Allocate() {
    ++size_;
    if (free_ != kNoIndex) {
      const uint32_t index = free_;
      free_ = (*this)[index].next;
      return index;
    }
    if (fresh_ == chunks_.size() * kChunk) {
      AddChunk();
      ++growth_count_;
    }
    return fresh_++;
  }

  void Free(uint32_t index) {
    (*this)[index].next = free_;
    free_ = index;
    --size_;
  }

  void Clear() {
    chunks_.clear();
    free_ = kNoIndex;
    fresh_ = 0;
    size_ = 0;
  }

  size_t size() const { return size_; }
  size_t memory_bytes() const { return chunks_.size() * kChunk * sizeof(T); }
  uint64_t growth_count() const { return growth_count_; }

 private:
  struct Release {
    void operator()(T* elements) const { std::free(elements); }
  };

  void AddChunk() {
    T* elements = static_cast<T*>(std::malloc(kChunk * sizeof(T)));
    if (elements == nullptr) std::abort();  // out of memory, as for every other container
    chunks_.emplace_back(elements);
  }

  std::vector<std::unique_ptr<T[], Release>> chunks_;
  uint32_t free_ = kNoIndex;
  uint32_t fresh_ = 0;
  size_t size_ = 0;
  uint64_t growth_count_ = 0;
};

}  // namespace pinnacle

#endif  // PINNACLE_BOOK_SLAB_H_
