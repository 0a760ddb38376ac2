// Waiting for a word in memory that processes share, and sleeping with microsecond precision.
#ifndef PINNACLE_PLATFORM_SHARED_WAIT_H_
#define PINNACLE_PLATFORM_SHARED_WAIT_H_

#include <cstdint>

namespace pinnacle {

// Waits until WakeWaiters is called for the word, for at most `timeout_ns`; returns at once if the
// word is not `seen`, and may return spuriously. Only the kernel reads the word, so memory that is
// gone (a truncated file) raises no SIGBUS. False if the system has no such call: it has then slept
// for the timeout.
bool WaitOnWord(const uint32_t* word, uint32_t seen, uint64_t timeout_ns);

// Wakes all waiters of the word, in every process (futex(2)). A system call.
void WakeWaiters(const uint32_t* word);

// Makes the calling thread's sleeps end within a few microseconds of their time from here on,
// instead of within 50 (PR_SET_TIMERSLACK, prctl(2)).
void SharpenSleeps();

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_SHARED_WAIT_H_
