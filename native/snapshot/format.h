// A snapshot's bytes: the state at one sequence number. docs/format.md describes the same for a
// reader in another language. All integers are little-endian.
//
//   SnapshotHeader (4096 bytes with its padding)
//   section 1 .. n: SectionHeader, then its content, zero-padded to 8 bytes
//   SnapshotFooter
//
// Sections come in this order: one kInstruments, one kBook for each instrument in order of index,
// one kUserState. A snapshot is used only after all of it has been verified.
#ifndef PINNACLE_SNAPSHOT_FORMAT_H_
#define PINNACLE_SNAPSHOT_FORMAT_H_

#include <cstddef>
#include <cstdint>

#include "journal/format.h"
#include "state/entry_payloads.h"

namespace pinnacle {

inline constexpr char kSnapshotMagic[8] = {'P', 'I', 'N', 'N', 'S', 'N', 'P', '\n'};
inline constexpr char kSnapshotFooterMagic[8] = {'P', 'I', 'N', 'N', 'E', 'N', 'D', '\n'};
inline constexpr uint16_t kSnapshotVersion = 2;  // written; version 1 is still read
inline constexpr uint64_t kSnapshotHeaderBytes = 4096;

struct SnapshotHeader {
  char magic[8];
  uint16_t version;
  uint16_t header_bytes;        // kSnapshotHeaderBytes
  uint32_t checksum;            // CRC32C over these 128 bytes with this field 0
  uint64_t mandatory_features;  // an unknown bit: refuse
  uint64_t optional_features;   // an unknown bit: ignore
  uint64_t journal_id_low;
  uint64_t journal_id_high;
  uint64_t sequence;      // the state right after this entry
  uint64_t timestamp_ns;  // when the point was fixed
  uint64_t total_bytes;   // of the file
  uint64_t order_count;
  uint32_t
      entry_checksum;  // of the journal's entry `sequence`: proves that the journal continues it
  uint32_t instrument_count;
  uint64_t user_state_bytes;
  uint8_t key_id[16];  // for encryption at rest; 0: plain
  uint8_t reserved[16];
};
static_assert(sizeof(SnapshotHeader) == 128);
static_assert(offsetof(SnapshotHeader, sequence) == 48);
static_assert(offsetof(SnapshotHeader, key_id) == 96);

enum class SectionType : uint32_t {
  kInstruments = 1,  // InstrumentRecord for each instrument
  kBook = 2,       // for buy, then sell: a level count (uint64), then the levels best first, each a
                   // LevelRecord followed by its orders in queue order, each an OrderRecord
  kUserState = 3,  // the user's bytes
};

struct SectionHeader {
  uint32_t type;
  uint32_t instrument;        // of kBook, 1-based; 0 otherwise
  uint64_t bytes;             // of the content, without padding
  uint32_t content_checksum;  // CRC32C
  uint32_t header_checksum;   // CRC32C over the 20 bytes before it
};
static_assert(sizeof(SectionHeader) == 24);

// The part of each section header that the footer's checksum covers. In version 1 it covered all 24
// bytes. But the checksum over a header that ends with its own checksum is the same whatever the
// header holds, so that one only proved how many sections there are.
inline constexpr uint64_t kSummedHeaderBytes = offsetof(SectionHeader, header_checksum);
static_assert(kSummedHeaderBytes == 20);

// Bits of InstrumentRecord::presence. Prices may be negative, so no price can mean "none".
inline constexpr uint64_t kStatusIsKnown = 1;
inline constexpr uint64_t kHasLastTradePrice = 2;

struct InstrumentRecord {
  InstrumentPayload definition;
  uint64_t presence;  // all other bits are zero
  int64_t status;     // 0 without kStatusIsKnown
  uint64_t last_sequence;
  uint64_t last_timestamp_ns;
  uint64_t trade_count;
  uint64_t traded_quantity;
  int64_t last_trade_price;  // 0 without kHasLastTradePrice
};
static_assert(sizeof(InstrumentRecord) == 104);
static_assert(sizeof(InstrumentPayload) == 48);
static_assert(offsetof(InstrumentRecord, presence) == 48);
static_assert(offsetof(InstrumentRecord, status) == 56);
static_assert(offsetof(InstrumentRecord, last_sequence) == 64);
static_assert(offsetof(InstrumentRecord, last_timestamp_ns) == 72);
static_assert(offsetof(InstrumentRecord, trade_count) == 80);
static_assert(offsetof(InstrumentRecord, traded_quantity) == 88);
static_assert(offsetof(InstrumentRecord, last_trade_price) == 96);

// Version 1: no presence bits, -1 for "none".
struct InstrumentRecordV1 {
  InstrumentPayload definition;
  int64_t status;
  uint64_t last_sequence;
  uint64_t last_timestamp_ns;
  uint64_t trade_count;
  uint64_t traded_quantity;
  int64_t last_trade_price;
};
static_assert(sizeof(InstrumentRecordV1) == 96);
static_assert(offsetof(InstrumentRecordV1, status) == 48);
static_assert(offsetof(InstrumentRecordV1, last_trade_price) == 88);

struct LevelRecord {
  int64_t price;
  uint64_t orders;
};
static_assert(sizeof(LevelRecord) == 16);

struct OrderRecord {
  uint64_t id_low;
  uint64_t id_high;
  int64_t quantity;
};
static_assert(sizeof(OrderRecord) == 24);

struct SnapshotFooter {
  char magic[8];
  uint64_t sequence;
  uint64_t total_bytes;
  uint32_t sections_checksum;  // CRC32C over kSummedHeaderBytes of each SectionHeader in order
  uint32_t checksum;           // CRC32C over the 28 bytes before it
};
static_assert(sizeof(SnapshotFooter) == 32);

}  // namespace pinnacle

#endif  // PINNACLE_SNAPSHOT_FORMAT_H_
