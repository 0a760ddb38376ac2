// What the writer's threads tell followers of other processes, and these tell them, in the part of
// a window before its ring. Times are of the machine's monotonic clock.
#ifndef PINNACLE_WINDOW_WAKE_LINE_H_
#define PINNACLE_WINDOW_WAKE_LINE_H_

#include <cstddef>
#include <cstdint>

namespace pinnacle {

inline constexpr uint64_t kWakeOffset = 1024;

struct WakeLine {
  uint32_t moves;  // grows with every move of one of the two frontiers; followers wait for it
  uint32_t reserved;
  uint64_t written;
  uint64_t durable;
  // Written by followers: until then somebody waits (and is to be woken), or spins (and wants to
  // see entries sooner than the copying thread looks otherwise).
  uint64_t waiting_until_ns;
  uint64_t spinning_until_ns;
};
static_assert(sizeof(WakeLine) == 40 && offsetof(WakeLine, waiting_until_ns) == 24);

}  // namespace pinnacle

#endif  // PINNACLE_WINDOW_WAKE_LINE_H_
