// CRC32C by the ARMv8 CRC extension: always present on Apple silicon, reported by HWCAP on Linux.
#include "checksum/crc32c_implementation.h"

#if defined(__aarch64__)

#include <arm_acle.h>

#include <cstring>

#if defined(__linux__)
#include <sys/auxv.h>
#endif

#include "checksum/crc32c_tables.h"

#if defined(__clang__)
#define PINNACLE_CRC_TARGET __attribute__((target("crc")))
#else
#define PINNACLE_CRC_TARGET __attribute__((target("+crc")))
#endif

namespace pinnacle {
namespace {

PINNACLE_CRC_TARGET inline uint32_t StepU64(uint32_t state, uint64_t value) {
  return __crc32cd(state, value);
}
PINNACLE_CRC_TARGET inline uint32_t StepU32(uint32_t state, uint32_t value) {
  return __crc32cw(state, value);
}
PINNACLE_CRC_TARGET inline uint32_t StepU8(uint32_t state, uint8_t value) {
  return __crc32cb(state, value);
}

bool HasUnit() {
#if defined(__linux__)
  constexpr unsigned long kHwcapCrc32 = 1ul << 7;  // HWCAP_CRC32 of <asm/hwcap.h>
  return (getauxval(AT_HWCAP) & kHwcapCrc32) != 0;
#else
  return true;
#endif
}

}  // namespace

#include "checksum/crc32c_streams.inc.h"

namespace crc32c {

const Implementation* Armv8() {
  static constexpr Implementation kImplementation = {"armv8", ExtendByUnit, LineByUnit,
                                                     LinesByUnit};
  return HasUnit() ? &kImplementation : nullptr;
}

}  // namespace crc32c
}  // namespace pinnacle

#else

namespace pinnacle::crc32c {
const Implementation* Armv8() { return nullptr; }
}  // namespace pinnacle::crc32c

#endif
