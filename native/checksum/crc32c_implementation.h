// What an implementation of CRC32C offers; crc32c.cc chooses one at first use.
#ifndef PINNACLE_CHECKSUM_CRC32C_IMPLEMENTATION_H_
#define PINNACLE_CHECKSUM_CRC32C_IMPLEMENTATION_H_

#include <cstddef>
#include <cstdint>

namespace pinnacle::crc32c {

struct Implementation {
  const char* name;
  uint32_t (*extend)(uint32_t state, const uint8_t* bytes, size_t length);
  uint32_t (*line)(uint32_t state, const uint8_t* line);
  void (*lines)(uint32_t state, const uint8_t* lines, size_t count, uint32_t* checksums);
};

// Null if this processor or this build lacks the unit.
const Implementation* Sse42();
const Implementation* Armv8();
const Implementation& Table();

}  // namespace pinnacle::crc32c

#endif  // PINNACLE_CHECKSUM_CRC32C_IMPLEMENTATION_H_
