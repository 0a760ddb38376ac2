#include "checksum/crc32c.h"

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "checksum/crc32c_implementation.h"
#include "doctest.h"

namespace pinnacle {
namespace {

std::vector<uint8_t> RandomBytes(std::mt19937_64& random, size_t length) {
  std::vector<uint8_t> bytes(length);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

// Bit by bit, straight from the definition: shares nothing with the code under test.
uint32_t ExtendByDefinition(uint32_t state, const uint8_t* bytes, size_t length) {
  for (size_t i = 0; i < length; ++i) {
    state ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1) ? 0x82f63b78u : 0u);
  }
  return state;
}

std::vector<const crc32c::Implementation*> Implementations() {
  std::vector<const crc32c::Implementation*> all = {&crc32c::Table()};
  if (crc32c::Sse42() != nullptr) all.push_back(crc32c::Sse42());
  if (crc32c::Armv8() != nullptr) all.push_back(crc32c::Armv8());
  return all;
}

}  // namespace

TEST_CASE("every implementation gives the checksums of RFC 3720 B.4") {
  std::vector<uint8_t> zeros(32, 0x00);
  std::vector<uint8_t> ones(32, 0xff);
  std::vector<uint8_t> rising(32);
  std::vector<uint8_t> falling(32);
  for (uint8_t i = 0; i < 32; ++i) {
    rising[i] = i;
    falling[i] = static_cast<uint8_t>(31 - i);
  }
  // An iSCSI SCSI Read (10) command PDU.
  std::vector<uint8_t> pdu = {0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                              0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00,
                              0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00,
                              0x00, 0x18, 0x28, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                              0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
  const std::vector<std::pair<std::vector<uint8_t>, uint32_t>> vectors = {
      {zeros, 0x8a9136aa},   {ones, 0x62a8ab43}, {rising, 0x46dd794e},
      {falling, 0x113fdb5c}, {pdu, 0xd9963a56},
  };
  for (const auto& [bytes, checksum] : vectors) {
    CHECK(Crc32c(bytes) == checksum);
    CHECK(~Crc32cExtendPortable(~0u, bytes.data(), bytes.size()) == checksum);
    for (const crc32c::Implementation* implementation : Implementations()) {
      CAPTURE(implementation->name);
      CHECK(~implementation->extend(~0u, bytes.data(), bytes.size()) == checksum);
    }
  }
  const std::string digits = "123456789";  // the check value of CRC catalogues
  CHECK(Crc32c({reinterpret_cast<const uint8_t*>(digits.data()), digits.size()}) == 0xe3069283);
}

TEST_CASE("an empty input leaves the register as it is") {
  for (const crc32c::Implementation* implementation : Implementations()) {
    CHECK(implementation->extend(0x12345678, nullptr, 0) == 0x12345678);
  }
  CHECK(Crc32c({}) == 0);
}

TEST_CASE("the table equals the definition bit by bit") {
  std::mt19937_64 random(1);
  for (size_t length = 0; length < 200; ++length) {
    const std::vector<uint8_t> bytes = RandomBytes(random, length);
    const uint32_t state = static_cast<uint32_t>(random());
    REQUIRE(Crc32cExtendPortable(state, bytes.data(), length) ==
            ExtendByDefinition(state, bytes.data(), length));
  }
}

TEST_CASE("every implementation equals the table at any length, alignment and seed") {
  std::mt19937_64 random(2);
  const std::vector<uint8_t> bytes = RandomBytes(random, 80 * 1024);
  // Lengths near the points at which the number of streams changes, then arbitrary ones.
  std::vector<size_t> lengths;
  for (size_t edge : {768u, 4032u, 4800u, 24576u, 28608u, 49152u, 53952u}) {
    for (size_t length = edge - 9; length <= edge + 9; ++length) lengths.push_back(length);
  }
  for (int i = 0; i < 1500; ++i) lengths.push_back(random() % (i % 2 == 0 ? 2000 : 70000));
  for (const crc32c::Implementation* implementation : Implementations()) {
    CAPTURE(implementation->name);
    for (size_t length : lengths) {
      const size_t start = random() % 64;
      const uint32_t state = static_cast<uint32_t>(random());
      REQUIRE(implementation->extend(state, bytes.data() + start, length) ==
              Crc32cExtendPortable(state, bytes.data() + start, length));
    }
  }
}

TEST_CASE("extending over two parts equals extending over the whole, at any split") {
  std::mt19937_64 random(3);
  for (size_t length : {0u, 1u, 7u, 64u, 767u, 768u, 4096u, 26000u}) {
    const std::vector<uint8_t> bytes = RandomBytes(random, length);
    const uint32_t whole = Crc32cExtend(~0u, bytes.data(), length);
    const size_t step = length < 1000 ? 1 : 61;
    for (size_t split = 0; split <= length; split += step) {
      const uint32_t first = Crc32cExtend(~0u, bytes.data(), split);
      REQUIRE(Crc32cExtend(first, bytes.data() + split, length - split) == whole);
    }
  }
}

TEST_CASE("a line's checksum covers its first 60 bytes and none of its last 4") {
  std::mt19937_64 random(4);
  for (const crc32c::Implementation* implementation : Implementations()) {
    CAPTURE(implementation->name);
    for (int i = 0; i < 200; ++i) {
      std::vector<uint8_t> bytes = RandomBytes(random, 64 + 8);
      uint8_t* line = bytes.data() + random() % 8;
      const uint32_t state = static_cast<uint32_t>(random());
      const uint32_t checksum = Crc32cExtendPortable(state, line, 60);
      REQUIRE(implementation->line(state, line) == checksum);
      REQUIRE(Crc32cLine(state, line) == checksum);
      line[60 + random() % 4] ^= 0x10;
      REQUIRE(implementation->line(state, line) == checksum);
      line[random() % 60] ^= 0x10;
      REQUIRE(implementation->line(state, line) != checksum);
    }
  }
}

TEST_CASE("the checksums of many lines equal those of each line alone") {
  std::mt19937_64 random(5);
  const std::vector<uint8_t> lines = RandomBytes(random, 64 * 70);
  for (const crc32c::Implementation* implementation : Implementations()) {
    CAPTURE(implementation->name);
    for (size_t count = 0; count <= 70; ++count) {
      const uint32_t state = static_cast<uint32_t>(random());
      std::vector<uint32_t> checksums(count + 1, 0xabababab);
      implementation->lines(state, lines.data(), count, checksums.data());
      for (size_t i = 0; i < count; ++i) {
        REQUIRE(checksums[i] == Crc32cExtendPortable(state, lines.data() + 64 * i, 60));
      }
      REQUIRE(checksums[count] == 0xabababab);  // nothing is stored after the last
      std::vector<uint32_t> chosen(count);
      Crc32cLines(state, lines.data(), count, chosen.data());
      checksums.pop_back();
      REQUIRE(chosen == checksums);
    }
  }
}

TEST_CASE("two seeds never give the same message the same checksum") {
  std::mt19937_64 random(6);
  for (int i = 0; i < 2000; ++i) {
    const std::vector<uint8_t> bytes = RandomBytes(random, random() % 300);
    const uint32_t first = static_cast<uint32_t>(random());
    const uint32_t second = first ^ (1u << (random() % 32));
    REQUIRE(Crc32cExtend(first, bytes.data(), bytes.size()) !=
            Crc32cExtend(second, bytes.data(), bytes.size()));
  }
}

TEST_CASE("the implementation in use is the best that this processor has") {
  const std::string name = Crc32cImplementation();
  CHECK(name == Implementations().back()->name);
}

}  // namespace pinnacle
