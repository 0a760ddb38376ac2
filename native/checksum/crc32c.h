// CRC32C (Castagnoli; RFC 3720 appendix B.4 has the vectors). Computed by a CRC instruction if the
// processor has one (SSE4.2, ARMv8 CRC), else by a table; chosen once at start.
//
// `state` is the raw shift register: Crc32c(bytes) == ~Extend(~0u, bytes). A seeded checksum starts
// from another state: for two different seeds no message has the same checksum, since the
// register's update is a bijection; that is what makes stale bytes of a recycled segment never
// verify.
#ifndef PINNACLE_CHECKSUM_CRC32C_H_
#define PINNACLE_CHECKSUM_CRC32C_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace pinnacle {

// Continues `state` over `bytes`. Long inputs (from 768 bytes) run three interleaved streams.
uint32_t Crc32cExtend(uint32_t state, const uint8_t* bytes, size_t length);

// One 64-byte line, all but its last 4 bytes (60 bytes): the hot path's shape.
uint32_t Crc32cLine(uint32_t state, const uint8_t* line);

// The same for `count` consecutive lines, each from `state`: checksums[i] is that of lines + 64 *
// i. Several lines are in flight at once, so that the CRC unit's latency is hidden.
void Crc32cLines(uint32_t state, const uint8_t* lines, size_t count, uint32_t* checksums);

// The plain checksum, as in the RFC.
inline uint32_t Crc32c(std::span<const uint8_t> bytes) {
  return ~Crc32cExtend(~0u, bytes.data(), bytes.size());
}

// The same through the table, whatever the machine has: for checking the hardware against.
uint32_t Crc32cExtendPortable(uint32_t state, const uint8_t* bytes, size_t length);

// "sse4.2", "armv8" or "table".
const char* Crc32cImplementation();

}  // namespace pinnacle

#endif  // PINNACLE_CHECKSUM_CRC32C_H_
