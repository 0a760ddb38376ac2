// What the system did to one thread: causes of stalls that its code does not show.
#ifndef PINNACLE_PLATFORM_THREAD_USAGE_H_
#define PINNACLE_PLATFORM_THREAD_USAGE_H_

#include <cstdint>

namespace pinnacle {

// Totals since the thread began.
struct ThreadUsage {
  uint64_t minor_faults = 0;          // page faults served without the device
  uint64_t major_faults = 0;          // page faults that waited for it
  uint64_t involuntary_switches = 0;  // times the scheduler took the processor away
  uint64_t voluntary_switches = 0;    // times it waited for something
};

// For the calling thread; a system call. All 0 if the system does not count by thread (macOS).
ThreadUsage ThisThreadUsage();

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_THREAD_USAGE_H_
