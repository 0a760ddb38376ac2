// Builds the bytes of a segment by hand, independent of the writer: the checksums come from the
// portable table, the layout is spelled out in numbers. A segment has version 1 unless it is given
// a predecessor.
#ifndef PINNACLE_TEST_JOURNAL_IMAGE_H_
#define PINNACLE_TEST_JOURNAL_IMAGE_H_

#include <algorithm>
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
    SealHeader();
  }

  // Call after changing the header.
  void SealHeader() {
    Put32(12, 0);
    Put32(12, ~Crc32cExtendPortable(~0u, bytes_.data(), 128));
  }

  // Makes it a segment of version 2 that names the link of the segment before it; 0: it is the
  // journal's first.
  JournalImage& Predecessor(uint64_t link) {
    Put16(8, 2);
    Put64(104, link);
    SealHeader();
    return *this;
  }

  JournalImage& Journal(uint64_t low, uint64_t high) {
    Put64(32, low);
    Put64(40, high);
    SealHeader();
    return *this;
  }

  // Appends a user entry whose payload bytes are all `fill`; returns its offset.
  uint64_t Entry(uint64_t sequence, uint32_t payload_bytes = 32, uint64_t durable = 0,
                 uint8_t fill = 0x5a, uint8_t flags = 0x80) {
    return Put(0x80, 0, sequence, std::vector<uint8_t>(payload_bytes, fill),
               static_cast<uint32_t>(sequence - 1 - durable), flags);
  }

  // Mandatory features; 1: it may have transactions.
  JournalImage& Features(uint64_t bits) {
    Put64(16, bits);
    SealHeader();
    return *this;
  }

  // Appends a user entry with transaction flags: 0x04 continues one, 0x08 more of it follows.
  uint64_t Part(uint64_t sequence, uint8_t flags, uint32_t payload_bytes = 32,
                uint64_t durable = 0) {
    return Put(0x80, 0, sequence, std::vector<uint8_t>(payload_bytes, 0x5a),
               static_cast<uint32_t>(sequence - 1 - durable), static_cast<uint8_t>(0x80 | flags));
  }

  // Appends a whole transaction of user entries.
  JournalImage& Transaction(uint64_t first, uint64_t last, uint64_t durable = 0) {
    for (uint64_t sequence = first; sequence <= last; ++sequence) {
      Part(sequence,
           static_cast<uint8_t>((sequence > first ? 0x04 : 0) | (sequence < last ? 0x08 : 0)), 32,
           durable);
    }
    return *this;
  }

  // Appends a hole in place of the entries `first` to `last`; none if last is first - 1.
  uint64_t Hole(uint64_t first, uint64_t last, uint64_t snapshot = 0, uint64_t left_out = 0,
                uint32_t payload_bytes = 32) {
    std::vector<uint8_t> payload(payload_bytes < 24 ? 24 : payload_bytes);
    std::memcpy(payload.data(), &first, 8);
    std::memcpy(payload.data() + 8, &snapshot, 8);
    std::memcpy(payload.data() + 16, &left_out, 8);
    payload.resize(payload_bytes);
    return Put(0x05, 0, last, payload);
  }

  // Appends the definition of instrument `index`.
  uint64_t Instrument(uint64_t sequence, uint16_t index, const std::string& name) {
    std::vector<uint8_t> payload(48);
    std::memcpy(payload.data(), name.data(), name.size());
    return Put(0x03, index, sequence, payload);
  }

  // Appends an operation on an order: 0x11 adds it, 0x14 cancels it, 0x18 executes `quantity`.
  uint64_t Order(uint8_t type, uint64_t sequence, uint16_t instrument, uint64_t id, uint64_t price,
                 uint64_t quantity) {
    std::vector<uint8_t> payload(32);
    std::memcpy(payload.data(), &id, 8);
    std::memcpy(payload.data() + 16, &price, 8);
    std::memcpy(payload.data() + 24, &quantity, 8);
    return Put(type, instrument, sequence, payload);
  }

  // Appends any entry.
  uint64_t Put(uint8_t type, uint16_t instrument, uint64_t sequence,
               const std::vector<uint8_t>& payload, uint32_t durable_lag = 0xffffffff,
               uint8_t flags = 0x80) {
    const uint64_t offset = offset_;
    const uint64_t entry_bytes = (payload.size() + 32 + 63) / 64 * 64;
    Put32(offset, static_cast<uint32_t>(payload.size()));
    Put16(offset + 4, instrument);
    bytes_[offset + 6] = type;
    bytes_[offset + 7] = flags;
    Put64(offset + 8, sequence);
    Put64(offset + 16, 1000 + sequence);
    std::copy(payload.begin(), payload.end(), bytes_.begin() + static_cast<long>(offset + 24));
    Put32(offset + entry_bytes - 8, durable_lag);
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

  // A link mark.
  JournalImage& Link(uint64_t link, uint64_t counter = 1) {
    const uint64_t offset = counter % 2 == 0 ? 1024 : 1536;
    Put64(offset, link);
    Put64(offset + 8, counter);
    Put32(offset + 24, 0x4b4e494c);
    Put32(offset + 28,
          Crc32cExtendPortable(static_cast<uint32_t>(segment_id_), bytes_.data() + offset, 28));
    return *this;
  }

  void Zero(uint64_t offset, uint64_t length) { std::memset(bytes_.data() + offset, 0, length); }
  void FlipBit(uint64_t offset, int bit) { bytes_[offset] ^= static_cast<uint8_t>(1 << bit); }

  std::vector<uint8_t>& bytes() { return bytes_; }
  uint32_t seed() const { return static_cast<uint32_t>(segment_id_); }
  uint64_t id() const { return segment_id_; }
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
