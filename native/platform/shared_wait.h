// Waiting for a word in memory that processes share, and sleeping to the microsecond.
#ifndef PINNACLE_PLATFORM_SHARED_WAIT_H_
#define PINNACLE_PLATFORM_SHARED_WAIT_H_

#include <cstdint>

namespace pinnacle {

// Waits until WakeWaiters is called for the word, for at most `timeout_ns`; returns at once if the
// word is not `seen`, and may return for no reason. Reads the word in the kernel only, so memory
// that is gone (a file that was cut short) is no SIGBUS. False if the system has no such call: then
// it has slept for the time.
bool WaitOnWord(const uint32_t* word, uint32_t seen, uint64_t timeout_ns);

// Wakes all that wait for the word, in every process (futex(2)). A system call.
void WakeWaiters(const uint32_t* word);

// From here on the calling thread's sleeps end within a few microseconds of their time, instead of
// within 50 (PR_SET_TIMERSLACK, prctl(2)).
void SharpenSleeps();

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_SHARED_WAIT_H_
