// How the tables of a book grow.
#ifndef PINNACLE_BOOK_GROWTH_H_
#define PINNACLE_BOOK_GROWTH_H_

#include <cstdint>

namespace pinnacle {

enum class Growth : uint8_t {
  // Gradually, alongside operations: none of them pays for all of it. For a book in use.
  kGradual,
  // Whole tables at once, large ones in huge pages: the least work overall. For building a book
  // while the hot path does not wait for it (recovery, snapshots).
  kAtOnce,
};

}  // namespace pinnacle

#endif  // PINNACLE_BOOK_GROWTH_H_
