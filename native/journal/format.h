// The journal's bytes. docs/format.md describes the same for a reader in another language; both
// change in one commit. All integers are little-endian.
//
// A journal is a sequence of segment files `journal/<index, 20 digits>.segment`. A segment is one
// header page and then entries, back to back, in whole 64-byte lines; what is not written yet is
// zero.
//
// Invariants:
// - An entry starts on a line and takes whole lines: header, payload, zero padding, trailer. An
//   order entry is one line, so no sector or page boundary can cut it.
// - The sequence of an entry is that of its predecessor plus one, across segments too. A hole entry
//   takes the place of lost ones: it names the first of them and has the sequence of the last.
// - The first and the last 8 bytes of a written entry are never zero, and the checksum is stored
//   last. So an entry that a power cut or a kill left half-written shows zeros at one of its ends
//   (or in a whole sector), and a damaged one does not: that tells a torn tail from rot.
// - The entries of a transaction are back to back in one segment, and no frontier is ever within
//   one. Nothing that contradicts that is an entry: a transaction without its end is a torn tail,
//   or damage.
// - Checksums start from the segment's seed, so bytes of another segment never verify.
// - Each header names the link of the segment before it. A segment's link is its id until a writer
//   opens it again; from then on it is the newest link mark. So a copy of a directory that was
//   written on elsewhere does not fit: its writer gave the segment another link.
// - An entry's durable_lag says how far the journal was durable when the entry was written; the
//   frontier marks in the header page and the head record say it for the last entries. Nothing at
//   or below that frontier is ever cut as a torn tail.
#ifndef PINNACLE_JOURNAL_FORMAT_H_
#define PINNACLE_JOURNAL_FORMAT_H_

#include <bit>
#include <cstddef>
#include <cstdint>

namespace pinnacle {

static_assert(std::endian::native == std::endian::little,
              "the formats are little-endian and are read and written in place");

inline constexpr uint64_t kLineBytes = 64;
inline constexpr uint64_t kSegmentHeaderBytes = 4096;
// Version 1 had no head record, no links and no holes. It is still read; segments are written in
// version 2.
inline constexpr uint16_t kJournalVersion = 2;
inline constexpr char kSegmentMagic[8] = {'P', 'I', 'N', 'N', 'S', 'E', 'G', '\n'};

inline constexpr uint64_t kMinSegmentBytes = 64 * 1024;
inline constexpr uint64_t kMaxSegmentBytes = 4ull * 1024 * 1024 * 1024;
inline constexpr uint64_t kDefaultSegmentBytes = 64ull * 1024 * 1024;

// Largest payload of one entry, bytes; a segment must also hold at least two of the largest.
inline constexpr uint32_t kMaxPayloadBytes = 16 * 1024 * 1024 - 32;
inline constexpr uint16_t kMaxInstruments = 65535;  // instrument 0 means "no instrument"
inline constexpr uint64_t kMaxSafeInteger = (1ull << 53) - 1;

// What an entry is. The values are part of the format; those of operations on the books, and what
// their payloads hold, are in state/entry_payloads.h.
enum class EntryType : uint8_t;
inline constexpr uint8_t kDefinitionType = 0x03;  // defines the header's instrument
inline constexpr uint8_t kHoleType = 0x05;        // HolePayload, then zeros
inline constexpr uint8_t kFirstUserType = 0x80;   // 0x80 + user type (0..127): opaque to the engine

// Bits of EntryHeader::flags.
inline constexpr uint8_t kFlagOfPayload = 0x01;  // what it says depends on the type
// The timestamp came from the caller, not from the clock.
inline constexpr uint8_t kFlagGivenTime = 0x02;
// Of a transaction of several entries (kFeatureTransactions): the entry continues it; more of it
// follows. The first has the second alone, the last the first alone, those between have both.
inline constexpr uint8_t kFlagContinues = 0x04;
inline constexpr uint8_t kFlagMoreFollows = 0x08;
inline constexpr uint8_t kTransactionFlags = kFlagContinues | kFlagMoreFollows;
// Always set: keeps the first word from ever being zero.
inline constexpr uint8_t kFlagWritten = 0x80;
// An entry with any other bit is damage.
inline constexpr uint8_t kKnownFlags =
    kFlagOfPayload | kFlagGivenTime | kFlagWritten | kTransactionFlags;

// Mandatory features of segments, snapshots and head records. A file that needs one which this
// version does not implement is refused. A segment gets a bit before the first entry that needs it
// (Journal::RequireFeature).
inline constexpr uint64_t kFeatureTransactions = 1;  // entries may have the transaction flags
inline constexpr uint64_t kFeatureSealed = 2;        // lines are encrypted and authenticated
inline constexpr uint64_t kFeatureSignedPrices = 4;  // prices may be negative
inline constexpr uint64_t kFeatureWindow = 8;        // of a head record: it names a window
// Of segments and snapshots.
inline constexpr uint64_t kSupportedFeatures = kFeatureSignedPrices | kFeatureTransactions;
inline constexpr uint64_t kSupportedHeadFeatures = kFeatureWindow;

struct EntryHeader {
  uint32_t payload_bytes;
  uint16_t instrument;
  uint8_t type;  // EntryType
  uint8_t flags;
  uint64_t sequence;
  uint64_t timestamp_ns;  // since 1970-01-01 UTC, or whatever the caller counts from
};
static_assert(sizeof(EntryHeader) == 24);
static_assert(offsetof(EntryHeader, sequence) == 8 && offsetof(EntryHeader, timestamp_ns) == 16);

inline bool IsHole(const EntryHeader& header) { return header.type == kHoleType; }

inline bool IsDefinition(const EntryHeader& header) { return header.type == kDefinitionType; }

inline bool BeginsTransaction(const EntryHeader& header) {
  return (header.flags & kTransactionFlags) == kFlagMoreFollows;
}

struct EntryTrailer {
  uint32_t durable_lag;  // sequence - 1 - (durable frontier when written), at most kMaxDurableLag
  // CRC32C register over all of the entry's lines but these 4 bytes, from the seed.
  uint32_t checksum;
};
static_assert(sizeof(EntryTrailer) == 8);

inline constexpr uint32_t kMaxDurableLag = 0xffffffffu;  // this or more

inline constexpr uint64_t kEntryOverheadBytes = sizeof(EntryHeader) + sizeof(EntryTrailer);
inline constexpr uint64_t kLinePayloadBytes =
    kLineBytes - kEntryOverheadBytes;  // payload of one line
static_assert(kLinePayloadBytes == 32);

constexpr uint64_t EntryBytes(uint64_t payload_bytes) {
  return (payload_bytes + kEntryOverheadBytes + kLineBytes - 1) / kLineBytes * kLineBytes;
}

// Replaces the entries first_sequence .. header.sequence, which are lost. It fills the lines that
// they had, so everything after it keeps its place and its checksum. It may replace no entry at all
// (sequence = first_sequence - 1): then it only fills lines that hold nothing of the journal.
struct HolePayload {
  uint64_t first_sequence;
  uint64_t snapshot_sequence;  // the entries up to here are in this snapshot; 0: in none
  uint64_t entries_left_out;   // of the lost ones: they verified, but the books refused them
};
static_assert(sizeof(HolePayload) == 24);

// At offset 0 of a segment.
struct SegmentHeader {
  char magic[8];
  uint16_t version;
  uint16_t header_bytes;        // kSegmentHeaderBytes
  uint32_t checksum;            // CRC32C over these 128 bytes with this field 0, not seeded
  uint64_t mandatory_features;  // an unknown bit: refuse
  uint64_t optional_features;   // an unknown bit: ignore
  uint64_t journal_id_low;
  uint64_t journal_id_high;
  uint64_t segment_index;     // 1, 2, …; the number in the file's name
  uint64_t segment_id;        // random; its low 32 bits are the checksums' seed
  uint64_t recycled_from_id;  // segment_id that the file's blocks had before, or 0
  uint64_t segment_bytes;
  uint64_t created_ns;
  uint8_t key_id[16];  // for encryption at rest; 0: plain
  uint64_t
      predecessor_link;  // of the segment before it; 0: it is the journal's first (version 1: 0)
  uint8_t reserved[16];
};
static_assert(sizeof(SegmentHeader) == 128);
static_assert(offsetof(SegmentHeader, journal_id_low) == 32);
static_assert(offsetof(SegmentHeader, key_id) == 88);
static_assert(offsetof(SegmentHeader, predecessor_link) == 104);

// Two slots in the header page, each in a sector of its own, stored in turn after a sync. They cost
// no I/O of their own: the kernel writes the page when it likes, and a clean close syncs it.
struct FrontierMark {
  uint64_t durable_sequence;
  uint64_t counter;  // the higher of two valid slots counts
  uint64_t timestamp_ns;
  uint32_t reserved;
  uint32_t checksum;  // from the segment's seed, over the 28 bytes before it
};
static_assert(sizeof(FrontierMark) == 32);
inline constexpr uint64_t kFrontierMarkOffsets[2] = {2048, 2560};

// A segment's link after a writer opened it again. Two slots in the header page, each in a sector
// of its own, written in turn; the valid one with the higher counter counts. Without one the link
// is the segment's id.
struct LinkMark {
  uint64_t link;
  uint64_t counter;
  uint64_t timestamp_ns;
  uint32_t kind;      // kLinkKind
  uint32_t checksum;  // from the segment's seed, over the 28 bytes before it
};
static_assert(sizeof(LinkMark) == 32);
inline constexpr uint32_t kLinkKind = 0x4b4e494c;  // "LINK"
inline constexpr uint64_t kLinkMarkOffsets[2] = {1024, 1536};

inline uint32_t SeedOfSegment(uint64_t segment_id) { return static_cast<uint32_t>(segment_id); }

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_FORMAT_H_
