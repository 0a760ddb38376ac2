#include "platform/thread_usage.h"

#if defined(__linux__)
#include <sys/resource.h>
#endif

namespace pinnacle {

ThreadUsage ThisThreadUsage() {
#if defined(__linux__)
  rusage usage{};
  if (getrusage(RUSAGE_THREAD, &usage) != 0) return {};
  return {static_cast<uint64_t>(usage.ru_minflt), static_cast<uint64_t>(usage.ru_majflt),
          static_cast<uint64_t>(usage.ru_nivcsw), static_cast<uint64_t>(usage.ru_nvcsw)};
#else
  return {};
#endif
}

}  // namespace pinnacle
