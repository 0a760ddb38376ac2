// Builds the bytes of a segment by hand, independent of the writer: the checksums come from the
// portable table, the layout is spelled out in numbers.
#ifndef PINNACLE_TEST_JOURNAL_IMAGE_H_
#define PINNACLE_TEST_JOURNAL_IMAGE_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "checksum/crc32c.h"

namespace pinnacle {

class JournalImage {
 public:
  explicit JournalImage(uint64_t segment_bytes = 65536, uint64_t segment_id = 0x1122334455667788,
                        uint64_t index = 1)
      : bytes_(segment_bytes, 0), segment_id_(segment_id) {
    std::memcpy(bytes_.data(), "PINNSEG\n", 8);
    Put16(8, 1);
    Put16(10, 4096);
    Put64(32, 0xaaaa);  // journal id
    Put64(40, 0xbbbb);
    Put64(48, index);
    Put64(56, segment_id);
    Put64(72, segment_bytes);
    Put32(12, ~Crc32cExtendPortable(~0u, bytes_.data(), 128));
  }

  // Appends a user entry whose payload bytes are all `fill`; returns its offset.
  uint64_t Entry(uint64_t sequence, uint32_t payload_bytes = 32, uint64_t durable = 0,
                 uint8_t fill = 0x5a) {
    const uint64_t offset = offset_;
    const uint64_t entry_bytes = (payload_bytes + 32 + 63) / 64 * 64;
    Put32(offset, payload_bytes);
    bytes_[offset + 6] = 0x80;
    bytes_[offset + 7] = 0x80;
    Put64(offset + 8, sequence);
    Put64(offset + 16, 1000 + sequence);
    std::memset(bytes_.data() + offset + 24, fill, payload_bytes);
    Put32(offset + entry_bytes - 8, static_cast<uint32_t>(sequence - 1 - durable));
    Put32(offset + entry_bytes - 4, Crc32cExtendPortable(static_cast<uint32_t>(segment_id_),
                                                         bytes_.data() + offset, entry_bytes - 4));
    offset_ += entry_bytes;
    return offset;
  }

  JournalImage& Mark(uint64_t durable, uint64_t counter = 1) {
    const uint64_t offset = counter % 2 == 0 ? 2048 : 2560;
    Put64(offset, durable);
    Put64(offset + 8, counter);
    Put32(offset + 28,
          Crc32cExtendPortable(static_cast<uint32_t>(segment_id_), bytes_.data() + offset, 28));
    return *this;
  }

  void Zero(uint64_t offset, uint64_t length) { std::memset(bytes_.data() + offset, 0, length); }
  void FlipBit(uint64_t offset, int bit) { bytes_[offset] ^= static_cast<uint8_t>(1 << bit); }

  std::vector<uint8_t>& bytes() { return bytes_; }
  uint32_t seed() const { return static_cast<uint32_t>(segment_id_); }
  uint64_t end() const { return offset_; }
  void Skip(uint64_t bytes) { offset_ += bytes; }

 private:
  void Put16(uint64_t offset, uint16_t value) {
    std::memcpy(bytes_.data() + offset, &value, sizeof(value));
  }
  void Put32(uint64_t offset, uint32_t value) {
    std::memcpy(bytes_.data() + offset, &value, sizeof(value));
  }
  void Put64(uint64_t offset, uint64_t value) {
    std::memcpy(bytes_.data() + offset, &value, sizeof(value));
  }

  std::vector<uint8_t> bytes_;
  uint64_t segment_id_;
  uint64_t offset_ = 4096;
};

}  // namespace pinnacle

#endif  // PINNACLE_TEST_JOURNAL_IMAGE_H_
