// A whole simulated world, deterministic from one seed: files, time and randomness.
#ifndef PINNACLE_SIMULATOR_SIMULATED_ENVIRONMENT_H_
#define PINNACLE_SIMULATOR_SIMULATED_ENVIRONMENT_H_

#include <cstdint>

#include "platform/environment.h"
#include "simulator/deterministic_random.h"
#include "simulator/simulated_file_system.h"

namespace pinnacle {

// Advances only by hand.
class SimulatedClock final : public Clock {
 public:
  static constexpr uint64_t kStartNs = 1'700'000'000'000'000'000;

  uint64_t NowNs() noexcept override { return wall_ns_; }
  uint64_t MonotonicNs() noexcept override { return monotonic_ns_; }

  // Advances both clocks.
  void Advance(uint64_t ns) {
    wall_ns_ += ns;
    monotonic_ns_ += ns;
  }
  // Sets the wall clock, forward or back; monotonic time is unchanged.
  void SetWallNs(uint64_t ns) { wall_ns_ = ns; }

 private:
  uint64_t wall_ns_ = kStartNs;
  uint64_t monotonic_ns_ = 0;
};

class SimulatedRandomSource final : public RandomSource {
 public:
  explicit SimulatedRandomSource(uint64_t seed) : random_(seed) {}
  uint64_t NextU64() override { return random_.Next(); }

 private:
  DeterministicRandom random_;
};

class SimulatedEnvironment {
 public:
  explicit SimulatedEnvironment(uint64_t seed, const DiskImage& disk = {});
  SimulatedEnvironment(const SimulatedEnvironment&) = delete;
  SimulatedEnvironment& operator=(const SimulatedEnvironment&) = delete;

  // Valid while this object lives.
  Environment environment() { return {&file_system_, &clock_, &random_source_}; }

  SimulatedFileSystem& file_system() { return file_system_; }
  SimulatedClock& clock() { return clock_; }
  // For decisions of the test; the file system and the random source have their own.
  DeterministicRandom& random() { return random_; }

 private:
  DeterministicRandom random_;
  SimulatedFileSystem file_system_;
  SimulatedClock clock_;
  SimulatedRandomSource random_source_;
};

}  // namespace pinnacle

#endif  // PINNACLE_SIMULATOR_SIMULATED_ENVIRONMENT_H_
