// Memory for tables that are read at places nobody can foresee: zeroed, aligned to cache lines and,
// where it is large and its owner asks, in huge pages, so that a look-up does not also miss the
// TLB.
//
// Huge pages are made present at once: the first touch of one would clear two megabytes, a pause
// that no hot thread should have. Ordinary ones come one by one as they are used.
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
    kPresent,  // huge ones from kHugePageBytes on, where the system has them
  };

  TableMemory() = default;
  // Throws std::bad_alloc where there is no memory, as every other container does; for a large
  // table whose pages are made present also where the system would rather end the process than
  // refuse.
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
