// Randomness for identifiers (segments, journals), as an interface so that a simulation is
// deterministic.
#ifndef PINNACLE_PLATFORM_RANDOM_H_
#define PINNACLE_PLATFORM_RANDOM_H_

#include <cstdint>

namespace pinnacle {

class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual uint64_t NextU64() = 0;

  // The operating system's (getrandom, arc4random). Thread-safe.
  static RandomSource* Real();
};

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_RANDOM_H_
