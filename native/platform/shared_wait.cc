#include "platform/shared_wait.h"

#include <cerrno>
#include <ctime>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace pinnacle {

namespace {

timespec TimeOf(uint64_t ns) {
  timespec time;
  time.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
  time.tv_nsec = static_cast<long>(ns % 1'000'000'000);
  return time;
}

}  // namespace

#if defined(__linux__)

bool WaitOnWord(const uint32_t* word, uint32_t seen, uint64_t timeout_ns) {
  const timespec timeout = TimeOf(timeout_ns);
  const long result = syscall(SYS_futex, word, FUTEX_WAIT, seen, &timeout, nullptr, 0);
  if (result != 0 && errno == EFAULT) nanosleep(&timeout, nullptr);  // the memory is gone
  return true;
}

void WakeWaiters(const uint32_t* word) {
  constexpr int kAll = 0x7fffffff;
  syscall(SYS_futex, word, FUTEX_WAKE, kAll, nullptr, nullptr, 0);
}

void SharpenSleeps() { prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); }

#else

bool WaitOnWord(const uint32_t*, uint32_t, uint64_t timeout_ns) {
  const timespec timeout = TimeOf(timeout_ns);
  nanosleep(&timeout, nullptr);
  return false;
}

void WakeWaiters(const uint32_t*) {}

void SharpenSleeps() {}

#endif

}  // namespace pinnacle
