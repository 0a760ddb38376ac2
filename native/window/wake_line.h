// What the writer's threads and followers in other processes tell each other, in the part of a
// window before its ring. Times are of the machine's monotonic clock.
#ifndef PINNACLE_WINDOW_WAKE_LINE_H_
#define PINNACLE_WINDOW_WAKE_LINE_H_

#include <cstddef>
#include <cstdint>

namespace pinnacle {

inline constexpr uint64_t kWakeOffset = 1024;

struct WakeLine {
  uint32_t moves;  // incremented with every move of a frontier; followers wait for it
  uint32_t reserved;
  uint64_t written;
  uint64_t durable;
  // Written by followers: until then a follower waits (and needs waking), or spins (and wants to
  // see entries sooner than the copying thread's usual interval).
  uint64_t waiting_until_ns;
  uint64_t spinning_until_ns;
};
static_assert(sizeof(WakeLine) == 40 && offsetof(WakeLine, waiting_until_ns) == 24);

}  // namespace pinnacle

#endif  // PINNACLE_WINDOW_WAKE_LINE_H_
