#include "simulator/disk_reading.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "checksum/crc32c.h"

namespace pinnacle::simulation {
namespace {

constexpr uint64_t kHeaderPage = 4096;

constexpr uint64_t kKnownFeatures = 1 | 4;  // mandatory, of segments and snapshots

bool IsZero(const uint8_t* bytes, uint64_t length) {
  return std::all_of(bytes, bytes + length, [](uint8_t byte) { return byte == 0; });
}

// The ordinary CRC32C of `length` bytes, with the field at `field` zero.
uint32_t ChecksumWithout(const uint8_t* bytes, size_t length, size_t field) {
  std::vector<uint8_t> copy(bytes, bytes + length);
  std::fill_n(copy.begin() + static_cast<ptrdiff_t>(field), 4, uint8_t{0});
  return Crc32c(copy);
}

// --- segments ---

bool ReadHeader(const std::vector<uint8_t>& file, DiskSegment* segment, uint64_t* segment_bytes) {
  if (file.size() < 128) return false;
  const uint8_t* page = file.data();
  if (std::memcmp(page, "PINNSEG\n", 8) != 0 || Load<uint16_t>(page + 8) != 2 ||
      Load<uint16_t>(page + 10) != kHeaderPage ||
      Load<uint32_t>(page + 12) != ChecksumWithout(page, 128, 12) ||
      (Load<uint64_t>(page + 16) & ~kKnownFeatures) != 0 || !IsZero(page + 88, 16)) {
    return false;
  }
  segment->may_have_transactions = (Load<uint64_t>(page + 16) & 1) != 0;
  segment->journal_id = {Load<uint64_t>(page + 32), Load<uint64_t>(page + 40)};
  segment->features = Load<uint64_t>(page + 16);
  segment->id = Load<uint64_t>(page + 56);
  segment->predecessor_link = Load<uint64_t>(page + 104);
  *segment_bytes = Load<uint64_t>(page + 72);
  return Load<uint64_t>(page + 48) == segment->index;
}

void ReadMarks(DiskSegment* segment) {
  const uint32_t seed = static_cast<uint32_t>(segment->id);
  const auto verifies = [&](const uint8_t* mark) {
    return Load<uint64_t>(mark + 8) != 0 &&
           Crc32cExtend(seed, mark, 28) == Load<uint32_t>(mark + 28);
  };
  for (const size_t slot : {size_t{2048}, size_t{2560}}) {
    const uint8_t* mark = segment->bytes.data() + slot;
    if (verifies(mark)) segment->marked = std::max(segment->marked, Load<uint64_t>(mark));
  }
  segment->link = segment->id;
  uint64_t counter = 0;
  for (const size_t slot : {size_t{1024}, size_t{1536}}) {
    const uint8_t* mark = segment->bytes.data() + slot;
    if (IsZero(mark, 32)) continue;
    if (!verifies(mark) || Load<uint64_t>(mark) == 0 || Load<uint32_t>(mark + 24) != 0x4b4e494c) {
      segment->link_damaged = true;
    } else if (Load<uint64_t>(mark + 8) > counter) {
      counter = Load<uint64_t>(mark + 8);
      segment->link = Load<uint64_t>(mark);
    }
  }
}

// False: no entry begins there.
bool ReadEntry(const DiskSegment& segment, uint64_t at, DiskEntry* found) {
  const uint8_t* entry = segment.bytes.data() + at;
  const bool may_be_of_transaction = entry[6] != 0x03 && entry[6] != 0x05;
  if ((entry[7] & ~(may_be_of_transaction ? 0x0f : 0x03)) != 0x80) return false;
  const uint64_t payload = Load<uint32_t>(entry);
  const uint64_t bytes = EntryBytes(payload);
  if (bytes > segment.bytes.size() - at) return false;
  const uint32_t seed = static_cast<uint32_t>(segment.id);
  found->checksum = Load<uint32_t>(entry + bytes - 4);
  if (Crc32cExtend(seed, entry, bytes - 4) != found->checksum) return false;
  found->offset = at;
  found->bytes = bytes;
  found->sequence = found->first_sequence = Load<uint64_t>(entry + 8);
  found->type = entry[6];
  found->continues = (entry[7] & 0x04) != 0;
  found->more_follows = (entry[7] & 0x08) != 0;
  const uint32_t lag = Load<uint32_t>(entry + bytes - 8);
  if (lag != 0xffffffff && lag < found->sequence) found->durable_claim = found->sequence - 1 - lag;
  if (!found->is_hole()) return true;
  found->first_sequence = Load<uint64_t>(entry + 24);
  found->hole_snapshot = Load<uint64_t>(entry + 32);
  found->hole_left_out = Load<uint64_t>(entry + 40);
  return payload >= 24 && found->first_sequence != 0 &&
         found->first_sequence <= found->sequence + 1;
}

DiskSegment ReadSegment(const std::string& path, uint64_t index, const FileImage& content) {
  DiskSegment segment;
  segment.path = path;
  segment.index = index;
  segment.bytes = content.Bytes();
  uint64_t segment_bytes = 0;
  segment.header_valid = ReadHeader(segment.bytes, &segment, &segment_bytes);
  if (!segment.header_valid) return segment;
  segment.bytes.resize(segment_bytes);
  ReadMarks(&segment);
  for (uint64_t at = kHeaderPage; at + kLine <= segment_bytes;) {
    DiskEntry entry;
    const bool found = ReadEntry(segment, at, &entry);
    at += found ? entry.bytes : kLine;
    if (found) segment.entries.push_back(entry);
  }
  return segment;
}

// --- head record ---

bool ReadSlot(const uint8_t* slot, uint64_t parity, DiskHead* head) {
  const auto at = [&](size_t offset) { return Load<uint64_t>(slot + offset); };
  if (std::memcmp(slot, "PINNHED\n", 8) != 0 || Load<uint16_t>(slot + 8) != 2 ||
      Load<uint16_t>(slot + 10) != 256 || (at(16) & ~uint64_t{8}) != 0 ||
      Load<uint32_t>(slot + 12) != ChecksumWithout(slot, 256, 12) || !IsZero(slot + 176, 16)) {
    return false;
  }
  // Either a window is named, by its id and an absolute directory, or both fields are empty.
  const bool names_window = at(16) != 0;
  if (names_window ? IsZero(slot + 144, 16) || slot[192] != '/' || slot[255] != 0
                   : !IsZero(slot + 144, 32) || !IsZero(slot + 192, 64)) {
    return false;
  }
  *head = {true,   true,   {at(32), at(40)}, at(48),  at(64),  at(72), at(80),
           at(88), at(96), at(104),          at(112), at(120), at(128)};
  return head->counter != 0 && head->counter % 2 == parity &&
         head->oldest_index <= head->last_index() &&
         (head->oldest_index == 0) == (head->last_index() == 0) &&
         (head->newest_index == 0 || head->newest_index >= head->oldest_index) &&
         (head->ready_index == 0 || head->ready_index > head->newest_index);
}

DiskHead ReadHead(const DiskImage& image) {
  DiskHead head;
  const auto file = image.files.find(kHeadPath);
  if (file == image.files.end()) return head;
  head.exists = true;
  const std::vector<uint8_t> bytes = file->second.Bytes();
  for (const uint64_t parity : {0, 1}) {
    const uint64_t offset = parity * 4096;
    DiskHead slot;
    if (offset + 256 <= bytes.size() && ReadSlot(bytes.data() + offset, parity, &slot) &&
        slot.counter > head.counter) {
      head = slot;
    }
  }
  return head;
}

// --- snapshots ---

bool SectionsVerify(const std::vector<uint8_t>& file) {
  const size_t footer = file.size() - 32;
  std::vector<uint8_t> summed;
  size_t at = kHeaderPage;
  while (at + 24 <= footer) {
    const uint8_t* section = file.data() + at;
    const uint64_t bytes = Load<uint64_t>(section + 8);
    if (bytes > footer - at - 24 ||
        Crc32c(std::span(section, 20)) != Load<uint32_t>(section + 20) ||
        Crc32c(std::span(section + 24, bytes)) != Load<uint32_t>(section + 16)) {
      return false;
    }
    summed.insert(summed.end(), section, section + 20);
    const uint64_t padded = (bytes + 7) / 8 * 8;
    if (padded > footer - at - 24 || !IsZero(section + 24 + bytes, padded - bytes)) return false;
    at += 24 + padded;
  }
  const uint8_t* end = file.data() + footer;
  return at == footer && std::memcmp(end, "PINNEND\n", 8) == 0 &&
         Load<uint64_t>(end + 8) == Load<uint64_t>(file.data() + 48) &&
         Load<uint64_t>(end + 16) == file.size() && Load<uint32_t>(end + 24) == Crc32c(summed) &&
         Load<uint32_t>(end + 28) == Crc32c(std::span(end, 28));
}

DiskSnapshot ReadSnapshot(const std::string& path, uint64_t sequence, const FileImage& content) {
  DiskSnapshot snapshot;
  snapshot.path = path;
  snapshot.sequence = sequence;
  const std::vector<uint8_t> file = content.Bytes();
  if (file.size() < kHeaderPage + 32) return snapshot;
  const uint8_t* page = file.data();
  snapshot.journal_id = {Load<uint64_t>(page + 32), Load<uint64_t>(page + 40)};
  snapshot.entry_checksum = Load<uint32_t>(page + 80);
  snapshot.sound = std::memcmp(page, "PINNSNP\n", 8) == 0 && Load<uint16_t>(page + 8) == 2 &&
                   Load<uint16_t>(page + 10) == kHeaderPage &&
                   (Load<uint64_t>(page + 16) & ~kKnownFeatures) == 0 &&
                   Load<uint32_t>(page + 12) == ChecksumWithout(page, 128, 12) &&
                   IsZero(page + 96, kHeaderPage - 96) &&
                   Load<uint64_t>(page + 64) == file.size() &&
                   Load<uint64_t>(page + 48) == sequence && SectionsVerify(file);
  return snapshot;
}

std::string NumberedPath(const char* prefix, uint64_t number, const char* suffix) {
  char digits[21];
  std::snprintf(digits, sizeof(digits), "%020llu", static_cast<unsigned long long>(number));
  return std::string(prefix) + digits + suffix;
}

}  // namespace

bool DiskSegment::first_line_used() const {
  return bytes.size() >= kHeaderPage + kLine && !IsZero(bytes.data() + kHeaderPage, kLine);
}

const DiskEntry* DiskSegment::first() const {
  return !entries.empty() && entries.front().offset == kHeaderPage ? &entries.front() : nullptr;
}

size_t DiskSegment::TransactionAt(size_t at) const {
  if (!may_have_transactions || entries[at].continues || !entries[at].more_follows) return 0;
  for (size_t i = at + 1; i < entries.size(); ++i) {
    const DiskEntry& before = entries[i - 1];
    const DiskEntry& entry = entries[i];
    if (entry.offset != before.offset + before.bytes || entry.sequence != before.sequence + 1 ||
        !entry.continues) {
      return 0;
    }
    if (!entry.more_follows) return i + 1 - at;
  }
  return 0;
}

bool DiskSegment::IsZeroFrom(uint64_t offset) const {
  return offset >= bytes.size() || IsZero(bytes.data() + offset, bytes.size() - offset);
}

const DiskSegment* DiskReading::Segment(uint64_t index) const {
  for (const DiskSegment& segment : segments) {
    if (segment.index == index) return &segment;
  }
  return nullptr;
}

uint64_t NumberOf(const std::string& path, const std::string& prefix, const std::string& suffix) {
  if (path.size() != prefix.size() + 20 + suffix.size() || !path.starts_with(prefix) ||
      !path.ends_with(suffix)) {
    return 0;
  }
  uint64_t number = 0;
  for (const char digit : path.substr(prefix.size(), 20)) {
    if (digit < '0' || digit > '9') return 0;
    number = number * 10 + static_cast<uint64_t>(digit - '0');
  }
  return number;
}

std::string SegmentPath(uint64_t index) { return NumberedPath(kJournalPrefix, index, ".segment"); }

std::string SnapshotPath(uint64_t sequence) {
  return NumberedPath(kSnapshotPrefix, sequence, ".snapshot");
}

DiskReading ReadDisk(const DiskImage& image) {
  DiskReading reading;
  reading.head = ReadHead(image);
  // The names sort by their numbers.
  for (const auto& [path, content] : image.files) {
    if (const uint64_t index = NumberOf(path, kJournalPrefix, ".segment"); index != 0) {
      const bool belongs = !reading.head.valid || index >= reading.head.oldest_index;
      (belongs ? reading.segments : reading.leftovers).push_back(ReadSegment(path, index, content));
    }
    if (const uint64_t sequence = NumberOf(path, kSnapshotPrefix, ".snapshot"); sequence != 0) {
      reading.snapshots.push_back(ReadSnapshot(path, sequence, content));
    }
  }
  return reading;
}

}  // namespace pinnacle::simulation
