// Random numbers that are the same on every platform for the same seed (SplitMix64; the standard
// library's distributions are not).
#ifndef PINNACLE_SIMULATOR_DETERMINISTIC_RANDOM_H_
#define PINNACLE_SIMULATOR_DETERMINISTIC_RANDOM_H_

#include <cstdint>

namespace pinnacle {

class DeterministicRandom {
 public:
  explicit DeterministicRandom(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t value = (state_ += 0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
  }

  // In [0, bound); bound is above 0. Its bias is bound / 2^64.
  uint64_t Below(uint64_t bound) { return Next() % bound; }

  bool Chance(double probability) {
    return static_cast<double>(Next() >> 11) * 0x1p-53 < probability;
  }

 private:
  uint64_t state_;
};

}  // namespace pinnacle

#endif  // PINNACLE_SIMULATOR_DETERMINISTIC_RANDOM_H_
