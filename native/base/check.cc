#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace pinnacle {

void CheckFailed(const char* expression, const char* file, int line) {
  std::fprintf(stderr,
               "pinnacle-persistence: internal invariant broken: %s (%s:%d). The process stops so "
               "that nothing wrong is written; what is durable stays intact.\n",
               expression, file, line);
  std::abort();
}

}  // namespace pinnacle
