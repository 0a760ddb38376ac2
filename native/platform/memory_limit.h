// How much more memory this process can have. Linux grants more address space than there is memory,
// and kills a process that then uses it; code that needs much at once asks here first.
#ifndef PINNACLE_PLATFORM_MEMORY_LIMIT_H_
#define PINNACLE_PLATFORM_MEMORY_LIMIT_H_

#include <cstdint>
#include <string>

namespace pinnacle {

// Smaller allocations are not checked: they cost less than the check.
inline constexpr uint64_t kLeastCheckedBytes = uint64_t{8} << 20;

// The smaller of the machine's free memory and what the memory cgroups of this process leave
// (version 1 and 2, from the process's own up to the root). UINT64_MAX if the system does not
// report it. An estimate: others allocate memory meanwhile. `root` is a prefix of the system's
// paths; tests pass another one.
uint64_t AvailableMemoryBytes(const std::string& root = "");

// Throws MemoryShortage if `bytes` exceed the available memory.
void CheckMemoryFor(uint64_t bytes);

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_MEMORY_LIMIT_H_
