// How much of what a test could try it tries. PINNACLE_TEST_EVERY=n has the exhaustive tests take
// every n-th case; without it they take all. Sanitizers and emulation take ten to twenty times as
// long, and go through the same code in fewer cases.
#ifndef PINNACLE_TEST_THOROUGHNESS_H_
#define PINNACLE_TEST_THOROUGHNESS_H_

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace pinnacle {

inline uint64_t TestEvery() {
  const char* asked = std::getenv("PINNACLE_TEST_EVERY");
  return asked == nullptr ? 1 : std::max<uint64_t>(1, std::strtoull(asked, nullptr, 10));
}

}  // namespace pinnacle

#endif  // PINNACLE_TEST_THOROUGHNESS_H_
