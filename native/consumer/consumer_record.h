// The position of a consumer in a journal, as stored in `<data>/consumers/<name>/POSITION`.
//
// It is kept in two slots (two_slots.h).
#ifndef PINNACLE_CONSUMER_CONSUMER_RECORD_H_
#define PINNACLE_CONSUMER_CONSUMER_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "journal/segment_header.h"
#include "platform/file_system.h"

namespace pinnacle {

inline constexpr char kConsumerMagic[8] = {'P', 'I', 'N', 'N', 'C', 'O', 'N', '\n'};
inline constexpr uint16_t kConsumerVersion = 1;

struct ConsumerRecord {
  static constexpr const char (&kMagic)[8] = kConsumerMagic;
  static constexpr uint16_t kVersion = kConsumerVersion;

  char magic[8];
  uint16_t version;         // kConsumerVersion
  uint16_t record_bytes;    // 128
  uint32_t checksum;        // CRC32C over these 128 bytes with this field 0
  uint64_t journal_id_low;  // of the journal that is consumed
  uint64_t journal_id_high;
  uint64_t counter;         // from 1 on; even ones are at offset 0, odd ones at 4096
  uint64_t sequence;        // entries up to here were consumed; 0: none
  uint64_t timestamp_ns;    // when this was written
  uint32_t entry_checksum;  // of the entry `sequence`; 0: not known
  uint8_t reserved[68];
};
static_assert(sizeof(ConsumerRecord) == 128 && sizeof(ConsumerRecord) <= kSectorBytes);
static_assert(offsetof(ConsumerRecord, counter) == 32 && offsetof(ConsumerRecord, sequence) == 40);
static_assert(offsetof(ConsumerRecord, entry_checksum) == 56);

inline JournalId JournalIdOf(const ConsumerRecord& record) {
  return {record.journal_id_low, record.journal_id_high};
}

// kNotFound, kIo and the like; kCorrupt: neither slot verifies; kNotOurFile; kNewerVersion.
Status ReadConsumer(const File& file, const std::string& path, ConsumerRecord* record);

}  // namespace pinnacle

#endif  // PINNACLE_CONSUMER_CONSUMER_RECORD_H_
