// How the tables of a book grow.
#ifndef PINNACLE_BOOK_GROWTH_H_
#define PINNACLE_BOOK_GROWTH_H_

#include <cstdint>

namespace pinnacle {

enum class Growth : uint8_t {
  // Little by little, alongside operations: none of them pays for all. For a book that is in use.
  kGradual,
  // Whole tables at once, large ones in huge pages: the least work in all. For building a book that
  // nobody waits on (recovery, snapshots).
  kAtOnce,
};

}  // namespace pinnacle

#endif  // PINNACLE_BOOK_GROWTH_H_
