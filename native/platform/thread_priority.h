// Background work that must not take the processor from the hot thread.
#ifndef PINNACLE_PLATFORM_THREAD_PRIORITY_H_
#define PINNACLE_PLATFORM_THREAD_PRIORITY_H_

#include <functional>

namespace pinnacle {

// Lowers the calling thread's priority for good: for a thread that does nothing else.
void LowerThreadPriority();

// Has the calling thread, at ordinary priority, scheduled in short turns: it gets a processor soon
// after it wakes and gives it up soon. For threads that do little at a time and are waited for.
// Linux 6.12 and later; elsewhere nothing changes. (sched(7), sched_setattr(2): sched_runtime.)
void ShortenTimeSlice();

// Runs `work` to its end on a thread of its own at low priority, and waits for it. (The calling
// thread's priority stays: an unprivileged thread that lowers its own can't raise it again.)
void RunAtLowPriority(const std::function<void()>& work);

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_THREAD_PRIORITY_H_
