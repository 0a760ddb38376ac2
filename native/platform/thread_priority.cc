#include "platform/thread_priority.h"

#include <thread>

#include "base/guarded.h"

#if defined(__linux__)
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__APPLE__)
#include <pthread/qos.h>
#endif

namespace pinnacle {

void LowerThreadPriority() {
  // Best effort: at ordinary priority the work is just as correct, only less polite.
#if defined(__linux__)
  // On Linux nice values are per thread.
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 10);
#elif defined(__APPLE__)
  (void)pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0);
#endif
}

Status RunAtLowPriority(const std::function<Status()>& work) {
  return Guarded([&work] {
    Status status;
    std::thread thread([&work, &status] {
      LowerThreadPriority();
      status = Guarded(work);
    });
    thread.join();
    return status;
  });
}

}  // namespace pinnacle
