// Changes the bytes of a snapshot by hand, independent of reader and writer: the checksums come
// from the portable table, the layout is spelled out in numbers.
#ifndef PINNACLE_TEST_SNAPSHOT_IMAGE_H_
#define PINNACLE_TEST_SNAPSHOT_IMAGE_H_

#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "checksum/crc32c.h"

namespace pinnacle {

class SnapshotImage {
 public:
  struct Section {
    uint64_t offset;  // of its header of 24 bytes
    uint64_t bytes;   // of its content
    uint64_t content() const { return offset + 24; }
    uint64_t end() const { return content() + (bytes + 7) / 8 * 8; }
  };

  explicit SnapshotImage(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {}
  static SnapshotImage Load(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return SnapshotImage({std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
  }
  void Store(const std::string& path) const {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(bytes_.data()),
               static_cast<std::streamsize>(bytes_.size()));
  }

  std::vector<uint8_t>& bytes() { return bytes_; }
  uint16_t version() const { return Get<uint16_t>(8); }

  template <typename T>
  T Get(uint64_t offset) const {
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof(value));
    return value;
  }
  template <typename T>
  void Put(uint64_t offset, T value) {
    std::memcpy(bytes_.data() + offset, &value, sizeof(value));
  }

  // Instruments, one book for each, the user's state.
  std::vector<Section> Sections() const {
    std::vector<Section> sections;
    uint64_t offset = 4096;
    while (offset + 32 < bytes_.size()) {
      sections.push_back({offset, Get<uint64_t>(offset + 8)});
      offset = sections.back().end();
    }
    return sections;
  }

  // Recomputes every checksum.
  SnapshotImage& Seal() {
    Put<uint32_t>(12, 0);
    Put<uint32_t>(12, Crc(0, 128));
    uint32_t state = ~0u;
    const std::vector<Section> sections = Sections();
    for (const Section& section : sections) {
      Put<uint32_t>(section.offset + 16, Crc(section.content(), section.bytes));
      Put<uint32_t>(section.offset + 20, Crc(section.offset, 20));
      state = Crc32cExtendPortable(state, bytes_.data() + section.offset, version() == 1 ? 24 : 20);
    }
    const uint64_t footer = sections.back().end();
    Put<uint32_t>(footer + 24, ~state);
    Put<uint32_t>(footer + 28, Crc(footer, 28));
    return *this;
  }

  // The same state as a writer of format version 1 stored it.
  SnapshotImage AsVersion1() const {
    const Section instruments = Sections().front();
    SnapshotImage old(
        {bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(instruments.content())});
    for (uint64_t at = instruments.content(); at < instruments.content() + instruments.bytes;
         at += 104) {
      const uint64_t presence = Get<uint64_t>(at + 48);
      const size_t made = old.bytes_.size();
      old.Take(*this, at, at + 48);
      old.Take(*this, at + 56, at + 104);
      if ((presence & 1) == 0) old.Put<int64_t>(made + 48, -1);
      if ((presence & 2) == 0) old.Put<int64_t>(made + 88, -1);
    }
    old.Take(*this, instruments.end(), bytes_.size());
    const uint64_t shorter = instruments.bytes / 104 * 8;
    old.Put<uint16_t>(8, 1);
    old.Put<uint64_t>(64, old.bytes_.size());
    old.Put<uint64_t>(instruments.offset + 8, instruments.bytes - shorter);
    old.Put<uint64_t>(old.bytes_.size() - 16, old.bytes_.size());
    return old.Seal();
  }

 private:
  uint32_t Crc(uint64_t offset, uint64_t length) const {
    return ~Crc32cExtendPortable(~0u, bytes_.data() + offset, length);
  }
  void Take(const SnapshotImage& from, uint64_t begin, uint64_t end) {
    bytes_.insert(bytes_.end(), from.bytes_.begin() + static_cast<std::ptrdiff_t>(begin),
                  from.bytes_.begin() + static_cast<std::ptrdiff_t>(end));
  }

  std::vector<uint8_t> bytes_;
};

}  // namespace pinnacle

#endif  // PINNACLE_TEST_SNAPSHOT_IMAGE_H_
