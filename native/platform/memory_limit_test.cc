#include "platform/memory_limit.h"

#include <doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/guarded.h"
#include "test/temporary_directory.h"

namespace pinnacle {
namespace {

#if defined(__linux__)

// Another machine's files below a directory.
class Machine {
 public:
  void Put(const std::string& path, const std::string& text) {
    const std::string full = root() + path;
    std::filesystem::create_directories(std::filesystem::path(full).parent_path());
    std::ofstream(full) << text;
  }
  std::string root() const { return directory_.path(); }
  uint64_t available() const { return AvailableMemoryBytes(root()); }

 private:
  TemporaryDirectory directory_;
};

TEST_CASE("without a limit there is what the machine has free, swap included") {
  Machine machine;
  machine.Put("/proc/meminfo",
              "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:   1000 kB\nSwapFree: 24 kB\n");
  CHECK(machine.available() == 1024 * 1024);
}

TEST_CASE("the limit of a cgroup of version 2 counts, its own and any above it") {
  Machine machine;
  machine.Put("/proc/meminfo", "MemAvailable: 1000000 kB\n");
  machine.Put("/proc/self/cgroup", "0::/outer/inner\n");
  machine.Put("/sys/fs/cgroup/outer/inner/memory.max", "max\n");
  machine.Put("/sys/fs/cgroup/outer/inner/memory.current", "10\n");
  CHECK(machine.available() == uint64_t{1000000} * 1024);
  machine.Put("/sys/fs/cgroup/outer/memory.max", "5000\n");
  machine.Put("/sys/fs/cgroup/outer/memory.current", "4000\n");
  CHECK(machine.available() == 1000);
  // Page cache can be evicted.
  machine.Put("/sys/fs/cgroup/outer/memory.stat", "anon 3000\ninactive_file 700\n");
  CHECK(machine.available() == 1700);
  machine.Put("/sys/fs/cgroup/outer/memory.stat",
              "anon 3000\nactive_file 200\ninactive_file 700\n");
  CHECK(machine.available() == 1900);
}

TEST_CASE("the limit of a cgroup of version 1 counts, also as the root of the mount") {
  Machine machine;
  machine.Put("/proc/meminfo", "MemAvailable: 1000000 kB\n");
  machine.Put("/proc/self/cgroup", "5:cpu:/elsewhere\n4:memory:/not/seen/from/here\n0::/\n");
  machine.Put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9000\n");
  machine.Put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "8000\n");
  CHECK(machine.available() == 1000);
  machine.Put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "9500\n");
  CHECK(machine.available() == 0);
}

TEST_CASE("a system that reports nothing limits nothing") {
  const Machine machine;
  CHECK(machine.available() == UINT64_MAX);
}

TEST_CASE("more memory than there is at once is refused before it is touched") {
  const Status status = Guarded([] {
    CheckMemoryFor(uint64_t{1} << 50);
    return Status();
  });
  CHECK(status.code() == Code::kOutOfMemory);
  CHECK(status.message().find("1073741824 MiB") != std::string::npos);
}

#endif

}  // namespace
}  // namespace pinnacle
