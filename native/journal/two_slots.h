// A record that is replaced in its file and outlives a crash at any moment: two slots of one sector
// each, in pages of their own, written in turn and synced; the valid one with the higher counter
// counts. A slot that does not verify says nothing: a crash may have come while it was written, and
// then the other one still holds.
//
// A Record has kMagic, kVersion, and the fields magic, version, record_bytes, checksum (CRC32C over
// the record with this field 0) and counter (from 1 on; even ones are at offset 0, odd ones at
// 4096).
#ifndef PINNACLE_JOURNAL_TWO_SLOTS_H_
#define PINNACLE_JOURNAL_TWO_SLOTS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <span>

#include "base/status.h"
#include "checksum/crc32c.h"
#include "platform/file_system.h"
#include "platform/read_fully.h"

namespace pinnacle {

inline constexpr uint64_t kSlotFileBytes = 8192;
inline constexpr uint64_t kSlotOffsets[2] = {0, 4096};

template <typename Record>
uint64_t SlotOffset(const Record& record) {
  return kSlotOffsets[record.counter % 2];
}

template <typename Record>
std::span<const uint8_t> SlotBytes(const Record& record) {
  return {reinterpret_cast<const uint8_t*>(&record), sizeof(record)};
}

template <typename Record>
uint32_t SlotChecksum(const Record& record) {
  Record copy = record;
  copy.checksum = 0;
  return Crc32c(SlotBytes(copy));
}

// Fills in magic, version, length and checksum.
template <typename Record>
void SealSlot(Record* record) {
  std::memcpy(record->magic, Record::kMagic, sizeof(record->magic));
  record->version = Record::kVersion;
  record->record_bytes = sizeof(Record);
  record->checksum = SlotChecksum(*record);
}

// Writes a sealed record into its counter's slot. It counts once the file is synced.
template <typename Record>
Status WriteSlot(File* file, const Record& record) {
  return file->Write(SlotOffset(record), SlotBytes(record));
}

// The newest record whose magic and checksum verify, that lies in its slot, and of which
// `accept(record, &usable)` says that this library can use it; its error ends the reading.
template <typename Record, typename Accept>
Status ReadSlots(const File& file, const Accept& accept, Record* newest, bool* found) {
  *found = false;
  for (size_t slot = 0; slot < std::size(kSlotOffsets); ++slot) {
    Record record{};
    size_t bytes_read = 0;
    PINNACLE_RETURN_IF_ERROR(ReadFully(file, kSlotOffsets[slot],
                                       {reinterpret_cast<uint8_t*>(&record), sizeof(record)},
                                       &bytes_read));
    if (bytes_read < sizeof(record) ||
        std::memcmp(record.magic, Record::kMagic, sizeof(record.magic)) != 0 ||
        record.checksum != SlotChecksum(record)) {
      continue;
    }
    bool usable = false;
    PINNACLE_RETURN_IF_ERROR(accept(record, &usable));
    if (!usable || record.counter == 0 || record.counter % 2 != slot) continue;
    if (!*found || record.counter > newest->counter) *newest = record;
    *found = true;
  }
  return Status();
}

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_TWO_SLOTS_H_
