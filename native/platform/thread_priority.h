// Background work that must not take the processor from the hot thread.
#ifndef PINNACLE_PLATFORM_THREAD_PRIORITY_H_
#define PINNACLE_PLATFORM_THREAD_PRIORITY_H_

#include <functional>

#include "base/status.h"

namespace pinnacle {

// Lowers the calling thread's priority permanently: for a thread that does nothing else.
void LowerThreadPriority();

// Runs `work` to its end on its own thread at low priority, and waits for it. (The calling thread's
// priority is unchanged: an unprivileged thread that lowers its own can't raise it again.) Returns
// the status of `work`, or the reason why there was no thread or no memory for it.
Status RunAtLowPriority(const std::function<Status()>& work);

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_THREAD_PRIORITY_H_
