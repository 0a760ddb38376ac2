#include "secret/secret_memory.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>

#include "doctest.h"
#include "test/sanitizers.h"

// The sanitizers' runtimes replace mlock with a function that does nothing.
#if PINNACLE_ADDRESS_SANITIZER || PINNACLE_THREAD_SANITIZER
#define PINNACLE_MLOCK_INTERCEPTED 1
#endif

namespace pinnacle {
namespace {

using Locking = SecretMemory::Locking;

std::shared_ptr<SecretMemory> Make(size_t length) {
  std::shared_ptr<SecretMemory> memory;
  const Status status = SecretMemory::Create(length, Locking::kPreferred, &memory);
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  return memory;
}

TEST_CASE("a new region is zero, writable to its last byte and ends at a guard page") {
  for (const size_t length : {size_t{0}, size_t{1}, size_t{32}, size_t{4096}, size_t{4097}}) {
    auto memory = Make(length);
    REQUIRE(memory->length() == length);
    for (uint8_t& byte : memory->bytes()) {
      CHECK(byte == 0);
      byte = 0xa5;
    }
  }
}

#if !defined(PINNACLE_MLOCK_INTERCEPTED)
TEST_CASE("one byte past a region faults instead of reaching other memory") {
  auto memory = Make(32);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    volatile uint8_t* behind = memory->bytes().data() + 32;
    *behind = 1;
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
}
#endif

TEST_CASE("wiping leaves zeros, and is idempotent") {
  auto memory = Make(100);
  memset(memory->bytes().data(), 0x5a, 100);
  memory->Wipe();
  memory->Wipe();
  for (const uint8_t byte : memory->bytes()) CHECK(byte == 0);
}

TEST_CASE("wiping all reaches every live region and no released one is counted") {
  const size_t before = SecretMemory::LiveCount();
  auto first = Make(16);
  auto second = Make(5000);
  CHECK(SecretMemory::LiveCount() == before + 2);
  memset(first->bytes().data(), 1, 16);
  memset(second->bytes().data(), 2, 5000);
  SecretMemory::WipeAll();
  for (const uint8_t byte : first->bytes()) CHECK(byte == 0);
  for (const uint8_t byte : second->bytes()) CHECK(byte == 0);
  first.reset();
  second.reset();
  CHECK(SecretMemory::LiveCount() == before);
}

TEST_CASE("retiring by address wipes that region alone and gives its lock back") {
  auto first = Make(16);
  auto second = Make(16);
  memset(first->bytes().data(), 1, 16);
  memset(second->bytes().data(), 2, 16);
  CHECK(SecretMemory::RetireAt(first->bytes().data()));
  CHECK(SecretMemory::RetireAt(first->bytes().data()));
  CHECK_FALSE(SecretMemory::RetireAt(first->bytes().data() + 1));
  CHECK_FALSE(first->locked());
  for (const uint8_t byte : first->bytes()) CHECK(byte == 0);
  for (const uint8_t byte : second->bytes()) CHECK(byte == 2);
}

TEST_CASE("a length above the limit is refused and leaves nothing allocated") {
  const size_t before = SecretMemory::LiveCount();
  std::shared_ptr<SecretMemory> memory;
  const Status status = SecretMemory::Create(kMaxSecretBytes + 1, Locking::kPreferred, &memory);
  CHECK(status.code() == Code::kInvalidArgument);
  CHECK(memory == nullptr);
  CHECK(SecretMemory::LiveCount() == before);
}

TEST_CASE("regions come and go on several threads") {
  const size_t before = SecretMemory::LiveCount();
  auto work = [] {
    for (int i = 0; i < 200; ++i) {
      std::shared_ptr<SecretMemory> memory;
      if (!SecretMemory::Create(64, Locking::kPreferred, &memory).ok()) std::abort();
      memory->bytes()[0] = 1;
    }
  };
  std::thread a(work), b(work);
  a.join();
  b.join();
  CHECK(SecretMemory::LiveCount() == before);
}

#if defined(__linux__)
// The flags that the kernel reports for a mapping.
std::string FlagsOf(const void* address) {
  std::ifstream smaps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long from = 0, to = 0;
    char rest = 0;
    if (sscanf(line.c_str(), "%lx-%lx%c", &from, &to, &rest) == 3) {
      inside = wanted >= from && wanted < to;
    } else if (inside && line.rfind("VmFlags:", 0) == 0) {
      return line + " ";
    }
  }
  return "";
}

// User-mode emulation accepts this advice and does nothing: the flags are those of the host's
// processor.
bool Emulated() {
#if defined(__aarch64__)
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("vendor_id")) return true;
  }
#endif
  return false;
}

TEST_CASE("the kernel shows the pages as locked, not dumped and wiped on fork") {
  if (Emulated()) {
    MESSAGE("skipped: user-mode emulation has no page advice");
    return;
  }
  auto memory = Make(32);
  const std::string flags = FlagsOf(memory->bytes().data());
  if (flags.empty()) {
    MESSAGE("skipped: this kernel shows no VmFlags");
    return;
  }
#if !defined(PINNACLE_MLOCK_INTERCEPTED)
  CHECK((flags.find(" lo ") != std::string::npos) == memory->locked());
#endif
  CHECK(flags.find(" dd ") != std::string::npos);
  CHECK(flags.find(" wf ") != std::string::npos);
  CHECK(memory->excluded_from_dumps());
}

TEST_CASE("a forked child finds zeros") {
  if (Emulated()) {
    MESSAGE("skipped: user-mode emulation has no page advice");
    return;
  }
  auto memory = Make(32);
  memset(memory->bytes().data(), 0x77, 32);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    for (const uint8_t byte : memory->bytes()) {
      if (byte != 0) _exit(1);
    }
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(memory->bytes()[0] == 0x77);
}

#if !defined(PINNACLE_MLOCK_INTERCEPTED)
TEST_CASE("memory that can't be locked is refused unless that is allowed") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit none = {0, 0};
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) _exit(2);
    if (geteuid() == 0 && setuid(65534) != 0) _exit(2);  // root has no limit
    std::shared_ptr<SecretMemory> memory;
    const Status refused = SecretMemory::Create(32, Locking::kRequired, &memory);
    if (refused.code() != Code::kNoSpace || memory != nullptr) _exit(3);
    if (!SecretMemory::Create(32, Locking::kPreferred, &memory).ok()) _exit(4);
    _exit(memory->locked() ? 5 : 0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
#endif
#endif

}  // namespace
}  // namespace pinnacle
