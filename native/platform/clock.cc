// Clock::Real. On x86-64 and arm64, Linux reads the cycle counter if the kernel itself keeps time
// with it (and so has found it constant and equal on all processors); everything else asks the
// system.
#include "platform/clock.h"

#include "platform/calibrated_clock.h"
#include "platform/never_destroyed.h"
#include "platform/system_calls.h"

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
#define PINNACLE_HAS_CYCLE_COUNTER 1
#include <cstdio>
#include <cstring>
#endif

namespace pinnacle {
namespace {

class SystemClock final : public Clock {
 public:
  uint64_t NowNs() noexcept override { return system_calls::RealtimeNs(); }
  uint64_t MonotonicNs() noexcept override { return system_calls::MonotonicNs(); }
};

#if defined(PINNACLE_HAS_CYCLE_COUNTER)

struct CycleCounter {
  static uint64_t Ticks() noexcept {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    uint64_t ticks;
    __asm__ __volatile__("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#endif
  }
  static uint64_t ReferenceNs() noexcept { return system_calls::RealtimeNs(); }
};

class CycleClock final : public Clock {
 public:
  uint64_t NowNs() noexcept override { return wall_.NowNs(); }
  // Uses the system's clock: it must never go back, not even by a calibration error.
  uint64_t MonotonicNs() noexcept override { return system_calls::MonotonicNs(); }

 private:
  CalibratedClock<CycleCounter> wall_;
};

bool KernelKeepsTimeByCounter() {
#if defined(__x86_64__)
  constexpr const char* kCounter = "tsc\n";
#else
  constexpr const char* kCounter = "arch_sys_counter\n";
#endif
  std::FILE* file =
      std::fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
  if (file == nullptr) return false;
  char name[64] = {};
  const bool read = std::fgets(name, sizeof(name), file) != nullptr;
  std::fclose(file);
  return read && std::strcmp(name, kCounter) == 0;
}

#endif

}  // namespace

Clock* Clock::Real() {
#if defined(PINNACLE_HAS_CYCLE_COUNTER)
  static const bool has_counter = KernelKeepsTimeByCounter();
  if (has_counter) {
    static NeverDestroyed<CycleClock> clock;
    return clock.get();
  }
#endif
  static NeverDestroyed<SystemClock> clock;
  return clock.get();
}

}  // namespace pinnacle
