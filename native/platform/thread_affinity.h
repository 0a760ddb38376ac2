// The processors that a thread runs on. Linux only: macOS has no call that binds a thread.
#ifndef PINNACLE_PLATFORM_THREAD_AFFINITY_H_
#define PINNACLE_PLATFORM_THREAD_AFFINITY_H_

#include <cstdint>
#include <vector>

#include "base/status.h"

namespace pinnacle {

// Processor numbers as in /proc/cpuinfo, each below kMaxCpus.
using CpuList = std::vector<uint16_t>;
inline constexpr uint16_t kMaxCpus = 1024;  // CPU_SETSIZE

// Whether a thread of this process can be bound to all of `cpus`: tries it on a temporary thread.
// kConfigRange names those that do not exist or that the process's cpuset excludes. An empty list
// is always accepted.
Status CheckThreadAffinity(const CpuList& cpus);

// Binds the calling thread to `cpus`, and with it the threads that it starts from now on. An empty
// list leaves the placement to the scheduler.
void SetThreadAffinity(const CpuList& cpus);

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_THREAD_AFFINITY_H_
