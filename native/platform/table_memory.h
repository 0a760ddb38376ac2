// Memory for randomly accessed tables: zeroed, aligned to cache lines and, if it is large and its
// owner asks, in huge pages, so that a look-up does not also miss the TLB.
//
// Huge pages are made present at once: the first touch of one would clear two megabytes, too long a
// pause for a hot thread. Ordinary pages appear one by one as they are used.
#ifndef PINNACLE_PLATFORM_TABLE_MEMORY_H_
#define PINNACLE_PLATFORM_TABLE_MEMORY_H_

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace pinnacle {

inline constexpr size_t kHugePageBytes = size_t{2} << 20;

class TableMemory {
 public:
  enum class Pages {
    kAsUsed,
    kPresent,  // huge ones from kHugePageBytes on, if the system has them
  };

  TableMemory() = default;
  // Throws std::bad_alloc if there is no memory, as every other container does. For a large table
  // whose pages are made present, it also throws if the system would kill the process instead of
  // refusing.
  TableMemory(size_t bytes, Pages pages);

  void* data() const { return data_; }

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  std::unique_ptr<void, Free> memory_;
  void* data_ = nullptr;
};

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_TABLE_MEMORY_H_
