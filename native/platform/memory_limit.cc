#include "platform/memory_limit.h"

#if defined(__linux__)
#include <algorithm>
#include <charconv>
#include <fstream>
#include <string_view>
#endif

#include "base/guarded.h"

namespace pinnacle {

namespace {

// Left for everything else that runs meanwhile.
constexpr uint64_t kLeftBytes = uint64_t{32} << 20;

#if defined(__linux__)

// UINT64_MAX for "max" and for anything that is not a number.
uint64_t NumberIn(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? number : UINT64_MAX;
}

// The number after `key` in a file of lines "key number"; UINT64_MAX if there is none. With an
// empty key: the file's first word.
uint64_t NumberOf(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  std::string word;
  if (key.empty()) return file >> word ? NumberIn(word) : UINT64_MAX;
  while (file >> word) {
    if (word != key) continue;
    return file >> word ? NumberIn(word) : UINT64_MAX;
  }
  return UINT64_MAX;
}

uint64_t FreeOfMachine(const std::string& root) {
  const std::string path = root + "/proc/meminfo";
  const uint64_t available_kib = NumberOf(path, "MemAvailable:");
  if (available_kib == UINT64_MAX) return UINT64_MAX;
  const uint64_t swap_kib = NumberOf(path, "SwapFree:");
  return (available_kib + (swap_kib == UINT64_MAX ? 0 : swap_kib)) << 10;
}

struct CgroupFiles {
  const char* limit;
  const char* usage;
  const char* reclaimable[2];  // in memory.stat: page cache, which can be evicted
};
constexpr CgroupFiles kVersion1 = {
    "memory.limit_in_bytes", "memory.usage_in_bytes", {"total_inactive_file", "total_active_file"}};
constexpr CgroupFiles kVersion2 = {
    "memory.max", "memory.current", {"inactive_file", "active_file"}};

uint64_t FreeOfCgroup(const std::string& directory, const CgroupFiles& files) {
  const uint64_t limit = NumberOf(directory + "/" + files.limit, "");
  const uint64_t usage = NumberOf(directory + "/" + files.usage, "");
  if (limit == UINT64_MAX || usage == UINT64_MAX) return UINT64_MAX;
  uint64_t held = usage;
  for (const char* key : files.reclaimable) {
    const uint64_t bytes = NumberOf(directory + "/memory.stat", key);
    if (bytes != UINT64_MAX) held -= std::min(bytes, held);
  }
  return limit > held ? limit - held : 0;
}

// A container sees its own cgroup as the root of the mount, whatever its path says; a missing file
// limits nothing.
uint64_t FreeOfHierarchy(const std::string& mount, std::string path, const CgroupFiles& files) {
  uint64_t least = FreeOfCgroup(mount, files);
  while (path.size() > 1) {
    least = std::min(least, FreeOfCgroup(mount + path, files));
    path.resize(path.find_last_of('/'));
  }
  return least;
}

uint64_t FreeOfCgroups(const std::string& root) {
  uint64_t least = UINT64_MAX;
  std::ifstream file(root + "/proc/self/cgroup");
  // "4:memory:/path" (version 1), "0::/path" (version 2)
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers == "memory") {
      least = std::min(least, FreeOfHierarchy(root + "/sys/fs/cgroup/memory", path, kVersion1));
    } else if (controllers.empty()) {
      least = std::min(least, FreeOfHierarchy(root + "/sys/fs/cgroup", path, kVersion2));
    }
  }
  return least;
}

#endif

}  // namespace

uint64_t AvailableMemoryBytes([[maybe_unused]] const std::string& root) {
#if defined(__linux__)
  return std::min(FreeOfMachine(root), FreeOfCgroups(root));
#else
  return UINT64_MAX;
#endif
}

void CheckMemoryFor(uint64_t bytes) {
  if (bytes < kLeastCheckedBytes) return;
  const uint64_t available = AvailableMemoryBytes();
  if (available < kLeftBytes || available - kLeftBytes < bytes) {
    throw MemoryShortage(bytes, available);
  }
}

}  // namespace pinnacle
