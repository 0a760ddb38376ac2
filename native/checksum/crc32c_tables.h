// The tables of CRC32C, computed by the compiler: slicing-by-8 for machines without a CRC unit, and
// "append n zero bytes" operators that join the parallel streams of those with one.
//
// A checksum register is a polynomial over GF(2) of degree below 32, bit-reflected: the highest
// bit is the coefficient of x^0. Appending n zero bytes multiplies it by x^(8n) modulo the
// Castagnoli polynomial. That is linear, so four tables of 256 entries, one for each byte of the
// register, hold the whole operator.
#ifndef PINNACLE_CHECKSUM_CRC32C_TABLES_H_
#define PINNACLE_CHECKSUM_CRC32C_TABLES_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace pinnacle::crc32c {

inline constexpr uint32_t kReflectedPolynomial = 0x82f63b78;

// The product a * b modulo the polynomial.
constexpr uint32_t MultiplyModulo(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = 0x80000000; bit != 0; bit >>= 1) {
    if (a & bit) product ^= b;
    b = (b >> 1) ^ ((b & 1) ? kReflectedPolynomial : 0);
  }
  return product;
}

// x^(8 * byte_count) modulo the polynomial, by repeated squaring.
constexpr uint32_t PowerOfX8(size_t byte_count) {
  uint32_t result = 0x80000000;  // x^0
  uint32_t base = 0x00800000;    // x^8
  for (; byte_count != 0; byte_count >>= 1) {
    if (byte_count & 1) result = MultiplyModulo(result, base);
    base = MultiplyModulo(base, base);
  }
  return result;
}

using ShiftTable = std::array<std::array<uint32_t, 256>, 4>;

constexpr ShiftTable MakeShiftTable(size_t byte_count) {
  const uint32_t factor = PowerOfX8(byte_count);
  ShiftTable table{};
  for (size_t byte = 0; byte < 4; ++byte) {
    for (uint32_t value = 1; value < 256; ++value) {
      const uint32_t lowest = value & (0u - value);
      // Linear: one multiplication for each bit, everything else is the sum of two known entries.
      table[byte][value] = value == lowest ? MultiplyModulo(factor, value << (8 * byte))
                                           : table[byte][lowest] ^ table[byte][value ^ lowest];
    }
  }
  return table;
}

// The register after appending the number of zero bytes `table` was made for.
constexpr uint32_t Shift(const ShiftTable& table, uint32_t state) {
  return table[0][state & 0xff] ^ table[1][(state >> 8) & 0xff] ^ table[2][(state >> 16) & 0xff] ^
         table[3][state >> 24];
}

using SlicingTable = std::array<std::array<uint32_t, 256>, 8>;

// table[k][b]: what byte b contributes to the register when k more bytes follow it.
constexpr SlicingTable MakeSlicingTable() {
  SlicingTable table{};
  for (uint32_t value = 0; value < 256; ++value) {
    uint32_t state = value;
    for (int bit = 0; bit < 8; ++bit) {
      state = (state >> 1) ^ ((state & 1) ? kReflectedPolynomial : 0);
    }
    table[0][value] = state;
  }
  for (size_t slice = 1; slice < 8; ++slice) {
    for (size_t value = 0; value < 256; ++value) {
      const uint32_t previous = table[slice - 1][value];
      table[slice][value] = (previous >> 8) ^ table[0][previous & 0xff];
    }
  }
  return table;
}

// Bytes in one of three parallel streams. With the largest, joining costs nearly nothing; the
// middle one fits three to a page; the smallest sets the length from which streams pay off (3 * 256
// bytes).
inline constexpr size_t kLargeStreamBytes = 8192;
inline constexpr size_t kMiddleStreamBytes = 1344;
inline constexpr size_t kSmallStreamBytes = 256;

inline constexpr ShiftTable kLargeShift = MakeShiftTable(kLargeStreamBytes);
inline constexpr ShiftTable kMiddleShift = MakeShiftTable(kMiddleStreamBytes);
inline constexpr ShiftTable kSmallShift = MakeShiftTable(kSmallStreamBytes);

}  // namespace pinnacle::crc32c

#endif  // PINNACLE_CHECKSUM_CRC32C_TABLES_H_
