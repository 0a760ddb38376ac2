#include "platform/thread_affinity.h"

#if defined(__linux__)
#include <sched.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

#include "base/guarded.h"
#endif

namespace pinnacle {

#if defined(__linux__)

namespace {

// A mask as large as any kernel's: a kernel for more processors refuses to fill a smaller one.
class CpuMask {
 public:
  static CpuMask Of(const CpuList& cpus) {
    CpuMask mask;
    for (const uint16_t cpu : cpus) CPU_SET_S(cpu, kBytes, mask.sets_.data());
    return mask;
  }
  static CpuMask Every() {
    CpuMask mask;
    std::memset(mask.sets_.data(), 0xff, kBytes);
    return mask;
  }
  // The processors the calling thread is bound to; empty if the kernel does not report them.
  static CpuMask OfThread() {
    CpuMask mask;
    if (sched_getaffinity(0, kBytes, mask.sets_.data()) != 0) return CpuMask();
    return mask;
  }

  // Returns 0 or the system's error.
  int BindThread() const { return sched_setaffinity(0, kBytes, sets_.data()) == 0 ? 0 : errno; }
  bool Has(uint16_t cpu) const { return CPU_ISSET_S(cpu, kBytes, sets_.data()) != 0; }
  CpuList Cpus() const {
    CpuList cpus;
    for (uint16_t cpu = 0; cpu < kMaxCpus; ++cpu) {
      if (Has(cpu)) cpus.push_back(cpu);
    }
    return cpus;
  }

 private:
  static constexpr size_t kSets = 8;
  static constexpr size_t kBytes = kSets * sizeof(cpu_set_t);
  std::array<cpu_set_t, kSets> sets_{};
};

// "0-3,6"; the numbers ascend.
std::string Ranges(const CpuList& cpus) {
  std::string text;
  for (size_t i = 0; i < cpus.size(); ++i) {
    const size_t first = i;
    while (i + 1 < cpus.size() && cpus[i + 1] == cpus[i] + 1) ++i;
    if (!text.empty()) text += ',';
    text += std::to_string(cpus[first]);
    if (i > first) text += '-' + std::to_string(cpus[i]);
  }
  return text;
}

// Leaves the calling thread bound to arbitrary processors.
Status TryAffinity(const CpuList& cpus) {
  const int error = CpuMask::Of(cpus).BindThread();
  // EINVAL: none of them can be used. If only some can, the kernel silently takes those.
  if (error != 0 && error != EINVAL) {
    return Status(Code::kConfigRange,
                  std::string("the system does not let threads choose their processors (leave the "
                              "list empty): ") +
                      std::strerror(error),
                  error);
  }
  const CpuMask bound = error == 0 ? CpuMask::OfThread() : CpuMask();
  CpuList wrong;
  for (const CpuList& all = CpuMask::Of(cpus).Cpus(); const uint16_t cpu : all) {
    if (!bound.Has(cpu)) wrong.push_back(cpu);
  }
  if (wrong.empty()) return Status();
  // The kernel cuts the widest mask to what exists and the cpuset allows, whatever the thread had
  // before.
  (void)CpuMask::Every().BindThread();
  return Status(Code::kConfigRange,
                "this process can't run on processor " + Ranges(wrong) + ": the machine has " +
                    std::to_string(sysconf(_SC_NPROCESSORS_ONLN)) + " online, of which " +
                    Ranges(CpuMask::OfThread().Cpus()) +
                    " may be used here; name others, or widen the process's cpuset",
                error);
}

}  // namespace

Status CheckThreadAffinity(const CpuList& cpus) {
  if (cpus.empty()) return Status();
  return Guarded([&] {
    Status status;
    std::thread([&] { status = Guarded([&] { return TryAffinity(cpus); }); }).join();
    return status;
  });
}

void SetThreadAffinity(const CpuList& cpus) {
  // CheckThreadAffinity has found that this works. If a processor has gone away since, the work
  // runs on the remaining ones: doing it matters more than its placement.
  if (!cpus.empty()) (void)CpuMask::Of(cpus).BindThread();
}

#else

Status CheckThreadAffinity(const CpuList& cpus) {
  if (cpus.empty()) return Status();
  return Status(Code::kConfigRange,
                "this system has no call that binds a thread to processors, only Linux has; leave "
                "the list empty");
}

void SetThreadAffinity(const CpuList&) {}

#endif

}  // namespace pinnacle
