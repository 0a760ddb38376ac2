// CRC32C by the SSE4.2 instruction.
#include "checksum/crc32c_implementation.h"

#if defined(__x86_64__)

#include <nmmintrin.h>

#include <cstring>

#include "checksum/crc32c_tables.h"

#define PINNACLE_CRC_TARGET __attribute__((target("sse4.2")))

namespace pinnacle {
namespace {

PINNACLE_CRC_TARGET inline uint32_t StepU64(uint32_t state, uint64_t value) {
  return static_cast<uint32_t>(_mm_crc32_u64(state, value));
}
PINNACLE_CRC_TARGET inline uint32_t StepU32(uint32_t state, uint32_t value) {
  return _mm_crc32_u32(state, value);
}
PINNACLE_CRC_TARGET inline uint32_t StepU8(uint32_t state, uint8_t value) {
  return _mm_crc32_u8(state, value);
}

}  // namespace

#include "checksum/crc32c_streams.inc.h"

namespace crc32c {

const Implementation* Sse42() {
  static constexpr Implementation kImplementation = {"sse4.2", ExtendByUnit, LineByUnit,
                                                     LinesByUnit};
  __builtin_cpu_init();  // a caller may run before this library's own constructors
  return __builtin_cpu_supports("sse4.2") ? &kImplementation : nullptr;
}

}  // namespace crc32c
}  // namespace pinnacle

#else

namespace pinnacle::crc32c {
const Implementation* Sse42() { return nullptr; }
}  // namespace pinnacle::crc32c

#endif
