// Builds the bytes of a head record's file by hand, independent of the writer: the checksums come
// from the portable table, the layout is spelled out in numbers.
#ifndef PINNACLE_TEST_HEAD_IMAGE_H_
#define PINNACLE_TEST_HEAD_IMAGE_H_

#include <cstdint>
#include <cstring>
#include <vector>

#include "checksum/crc32c.h"

namespace pinnacle {

// The content of a slot; the journal id is that of JournalImage.
struct HeadFields {
  uint64_t counter = 2;
  uint64_t epoch = 1;
  uint64_t oldest_index = 0;
  uint64_t oldest_id = 0;
  uint64_t newest_index = 0;
  uint64_t newest_id = 0;
  uint64_t newest_link = 0;
  uint64_t newest_link_before = 0;
  uint64_t ready_index = 0;
  uint64_t ready_id = 0;
  uint64_t durable = 0;
};

class HeadImage {
 public:
  HeadImage() : bytes_(8192, 0) {}

  // Writes a slot at the place that its counter gives.
  HeadImage& Slot(const HeadFields& fields) {
    return SlotAt(fields.counter % 2 == 0 ? 0 : 4096, fields);
  }

  HeadImage& SlotAt(uint64_t offset, const HeadFields& fields) {
    std::memset(bytes_.data() + offset, 0, 256);
    std::memcpy(bytes_.data() + offset, "PINNHED\n", 8);
    Put16(offset + 8, 2);
    Put16(offset + 10, 256);
    Put64(offset + 32, 0xaaaa);
    Put64(offset + 40, 0xbbbb);
    Put64(offset + 48, fields.counter);
    Put64(offset + 56, fields.epoch);
    Put64(offset + 64, fields.oldest_index);
    Put64(offset + 72, fields.oldest_id);
    Put64(offset + 80, fields.newest_index);
    Put64(offset + 88, fields.newest_id);
    Put64(offset + 96, fields.newest_link);
    Put64(offset + 104, fields.newest_link_before);
    Put64(offset + 112, fields.ready_index);
    Put64(offset + 120, fields.ready_id);
    Put64(offset + 128, fields.durable);
    Put64(offset + 136, 1'700'000'000'000'000'000);
    return Seal(offset);
  }

  // Call after changing the slot's bytes.
  HeadImage& Seal(uint64_t offset) {
    Put32(offset + 12, 0);
    Put32(offset + 12, ~Crc32cExtendPortable(~0u, bytes_.data() + offset, 256));
    return *this;
  }

  void Put16(uint64_t offset, uint16_t value) {
    std::memcpy(bytes_.data() + offset, &value, sizeof(value));
  }
  void Put32(uint64_t offset, uint32_t value) {
    std::memcpy(bytes_.data() + offset, &value, sizeof(value));
  }
  void Put64(uint64_t offset, uint64_t value) {
    std::memcpy(bytes_.data() + offset, &value, sizeof(value));
  }

  std::vector<uint8_t>& bytes() { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace pinnacle

#endif  // PINNACLE_TEST_HEAD_IMAGE_H_
