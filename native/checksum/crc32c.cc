#include "checksum/crc32c.h"

#include <atomic>
#include <cstring>

#include "checksum/crc32c_implementation.h"
#include "checksum/crc32c_tables.h"

namespace pinnacle {
namespace {

constexpr crc32c::SlicingTable kSlicing = crc32c::MakeSlicingTable();

// Slicing-by-8: eight independent look-ups take eight bytes.
uint32_t ExtendByTable(uint32_t state, const uint8_t* bytes, size_t length) {
  for (; length >= 8; bytes += 8, length -= 8) {
    uint64_t word;
    std::memcpy(&word, bytes, sizeof(word));
    word ^= state;
    state = kSlicing[7][word & 0xff] ^ kSlicing[6][(word >> 8) & 0xff] ^
            kSlicing[5][(word >> 16) & 0xff] ^ kSlicing[4][(word >> 24) & 0xff] ^
            kSlicing[3][(word >> 32) & 0xff] ^ kSlicing[2][(word >> 40) & 0xff] ^
            kSlicing[1][(word >> 48) & 0xff] ^ kSlicing[0][word >> 56];
  }
  for (; length > 0; ++bytes, --length) {
    state = (state >> 8) ^ kSlicing[0][(state ^ *bytes) & 0xff];
  }
  return state;
}

uint32_t LineByTable(uint32_t state, const uint8_t* line) { return ExtendByTable(state, line, 60); }

void LinesByTable(uint32_t state, const uint8_t* lines, size_t count, uint32_t* checksums) {
  for (size_t i = 0; i < count; ++i) checksums[i] = ExtendByTable(state, lines + 64 * i, 60);
}

const crc32c::Implementation& Choose() {
  if (const crc32c::Implementation* unit = crc32c::Sse42()) return *unit;
  if (const crc32c::Implementation* unit = crc32c::Armv8()) return *unit;
  return crc32c::Table();
}

// The chosen functions. Each pointer initially points to a function that chooses, so a caller that
// runs before this file's constructors is served too; a relaxed load is a plain load.
uint32_t ChooseThenExtend(uint32_t state, const uint8_t* bytes, size_t length);
uint32_t ChooseThenLine(uint32_t state, const uint8_t* line);
void ChooseThenLines(uint32_t state, const uint8_t* lines, size_t count, uint32_t* checksums);

constinit std::atomic<decltype(crc32c::Implementation::extend)> extend_function{ChooseThenExtend};
constinit std::atomic<decltype(crc32c::Implementation::line)> line_function{ChooseThenLine};
constinit std::atomic<decltype(crc32c::Implementation::lines)> lines_function{ChooseThenLines};

uint32_t ChooseThenExtend(uint32_t state, const uint8_t* bytes, size_t length) {
  extend_function.store(Choose().extend, std::memory_order_relaxed);
  return Choose().extend(state, bytes, length);
}

uint32_t ChooseThenLine(uint32_t state, const uint8_t* line) {
  line_function.store(Choose().line, std::memory_order_relaxed);
  return Choose().line(state, line);
}

void ChooseThenLines(uint32_t state, const uint8_t* lines, size_t count, uint32_t* checksums) {
  lines_function.store(Choose().lines, std::memory_order_relaxed);
  Choose().lines(state, lines, count, checksums);
}

}  // namespace

namespace crc32c {

const Implementation& Table() {
  static constexpr Implementation kImplementation = {"table", ExtendByTable, LineByTable,
                                                     LinesByTable};
  return kImplementation;
}

}  // namespace crc32c

uint32_t Crc32cExtend(uint32_t state, const uint8_t* bytes, size_t length) {
  return extend_function.load(std::memory_order_relaxed)(state, bytes, length);
}

uint32_t Crc32cLine(uint32_t state, const uint8_t* line) {
  return line_function.load(std::memory_order_relaxed)(state, line);
}

void Crc32cLines(uint32_t state, const uint8_t* lines, size_t count, uint32_t* checksums) {
  lines_function.load(std::memory_order_relaxed)(state, lines, count, checksums);
}

uint32_t Crc32cExtendPortable(uint32_t state, const uint8_t* bytes, size_t length) {
  return ExtendByTable(state, bytes, length);
}

const char* Crc32cImplementation() { return Choose().name; }

}  // namespace pinnacle
