// The processors that a thread runs on. Linux only: macOS has no call that binds a thread to some.
#ifndef PINNACLE_PLATFORM_THREAD_AFFINITY_H_
#define PINNACLE_PLATFORM_THREAD_AFFINITY_H_

#include <cstdint>
#include <vector>

#include "base/status.h"

namespace pinnacle {

// Numbers of processors, as /proc/cpuinfo has them, each below kMaxCpus.
using CpuList = std::vector<uint16_t>;
inline constexpr uint16_t kMaxCpus = 1024;  // CPU_SETSIZE

// Whether a thread of this process can be bound to all of `cpus`: it is tried, on a thread that
// ends with the call. kConfigRange names those that do not exist or that the process's cpuset
// leaves out. An empty list is fine everywhere.
Status CheckThreadAffinity(const CpuList& cpus);

// Binds the calling thread to `cpus`, and with it threads that it starts from now on. An empty list
// leaves it where the scheduler puts it.
void SetThreadAffinity(const CpuList& cpus);

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_THREAD_AFFINITY_H_
