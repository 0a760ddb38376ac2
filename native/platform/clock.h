// The interface to time, so that a simulation can stop it or turn it back.
#ifndef PINNACLE_PLATFORM_CLOCK_H_
#define PINNACLE_PLATFORM_CLOCK_H_

#include <cstdint>

namespace pinnacle {

class Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds since 1970-01-01 UTC. May step when the system's clock is set.
  virtual uint64_t NowNs() noexcept = 0;
  // Nanoseconds since an arbitrary point; never goes back. For durations.
  virtual uint64_t MonotonicNs() noexcept = 0;

  // The operating system's time without a system call: from the cycle counter if that can be
  // trusted (calibrated_clock.h), else through the vDSO. Thread-safe.
  static Clock* Real();
};

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_CLOCK_H_
