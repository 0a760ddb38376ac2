// The page cache of one simulated file: page-aligned memory that a mapping exposes. While mapped it
// is exactly as large as the file, so that AddressSanitizer sees a store beyond the end.
#ifndef PINNACLE_SIMULATOR_PAGE_BUFFER_H_
#define PINNACLE_SIMULATOR_PAGE_BUFFER_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>

#include "platform/file_system.h"

namespace pinnacle {

class PageBuffer {
 public:
  uint64_t size() const { return size_; }
  uint8_t* data() const { return memory_.get(); }
  std::span<uint8_t> bytes() const { return {memory_.get(), size_}; }

  // New bytes are zero. May move.
  void Resize(uint64_t size) {
    if (size > capacity_) Reserve(std::max(size, 2 * capacity_));
    if (size > size_) std::memset(memory_.get() + size_, 0, size - size_);
    size_ = size;
  }

  void Fit() {
    if (capacity_ != size_) Reserve(size_);
  }

 private:
  struct Free {
    void operator()(uint8_t* memory) const {
      ::operator delete(memory, std::align_val_t{kPageBytes});
    }
  };

  void Reserve(uint64_t capacity) {
    std::unique_ptr<uint8_t, Free> memory(
        static_cast<uint8_t*>(::operator new(capacity, std::align_val_t{kPageBytes})));
    if (size_ > 0) std::memcpy(memory.get(), memory_.get(), size_);
    memory_ = std::move(memory);
    capacity_ = capacity;
  }

  std::unique_ptr<uint8_t, Free> memory_;
  uint64_t size_ = 0;
  uint64_t capacity_ = 0;
};

}  // namespace pinnacle

#endif  // PINNACLE_SIMULATOR_PAGE_BUFFER_H_
