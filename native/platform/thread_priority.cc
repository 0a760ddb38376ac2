#include "platform/thread_priority.h"

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

void RunAtLowPriority(const std::function<void()>& work) {
  std::thread thread([&work] {
    LowerThreadPriority();
    work();
  });
  thread.join();
}

}  // namespace pinnacle
