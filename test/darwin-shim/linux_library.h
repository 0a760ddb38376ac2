// The C and the C++ library as on Linux, for darwin_shim.h. It is a separate header because it takes most of
// a compilation's time, so scripts/check-darwin.sh reads it once (a precompiled header can't change the names
// that the compiler itself defines).
#ifndef PINNACLE_TEST_LINUX_LIBRARY_H_
#define PINNACLE_TEST_LINUX_LIBRARY_H_

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// The C++ library checks the system too; it must be read before the system changes its name.
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <bitset>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <compare>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <functional>
#include <future>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <shared_mutex>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#endif  // PINNACLE_TEST_LINUX_LIBRARY_H_
