// How much memory this process can still have. Linux grants more address space than there is
// memory, and kills a process that then uses it: who wants much at once asks here first.
#ifndef PINNACLE_PLATFORM_MEMORY_LIMIT_H_
#define PINNACLE_PLATFORM_MEMORY_LIMIT_H_

#include <cstdint>
#include <string>

namespace pinnacle {

// Smaller pieces are not asked for: they cost less than asking.
inline constexpr uint64_t kLeastCheckedBytes = uint64_t{8} << 20;

// The least of what the machine has free and what the memory cgroups of this process leave (version
// 1 and 2, from the process's own up to the root). UINT64_MAX where the system does not tell. An
// estimate: others take memory meanwhile. `root` stands before the system's paths; a test has
// another.
uint64_t AvailableMemoryBytes(const std::string& root = "");

// Throws MemoryShortage where `bytes` at once are more than there is.
void CheckMemoryFor(uint64_t bytes);

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_MEMORY_LIMIT_H_
