#include "platform/thread_priority.h"

#include <cstdint>
#include <thread>

#if defined(__linux__)
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__APPLE__)
#include <pthread/qos.h>
#endif

namespace pinnacle {

void LowerThreadPriority() {
  // Best effort: at ordinary priority the work is as right, only less polite.
#if defined(__linux__)
  // On Linux nice values are per thread.
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 10);
#elif defined(__APPLE__)
  (void)pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0);
#endif
}

void ShortenTimeSlice() {
#if defined(__linux__) && defined(SYS_sched_setattr)
  // struct sched_attr, version 0; the C library has no name for it.
  struct {
    uint32_t size;
    uint32_t policy;  // 0: SCHED_OTHER
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns;
    uint64_t deadline_ns;
    uint64_t period_ns;
  } attributes{};
  static_assert(sizeof(attributes) == 48);
  attributes.size = sizeof(attributes);
  attributes.nice = getpriority(PRIO_PROCESS, 0);
  attributes.runtime_ns = 100'000;  // the least that the kernel takes
  (void)syscall(SYS_sched_setattr, 0, &attributes, 0u);
#endif
}

void RunAtLowPriority(const std::function<void()>& work) {
  std::thread thread([&work] {
    LowerThreadPriority();
    work();
  });
  thread.join();
}

}  // namespace pinnacle
