// What is at one place of a segment: a pure function over bytes.
#ifndef PINNACLE_JOURNAL_ENTRY_CHECK_H_
#define PINNACLE_JOURNAL_ENTRY_CHECK_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "journal/format.h"

namespace pinnacle {

enum class EntryState : uint8_t {
  kValid,      // an entry whose checksum holds
  kUnwritten,  // a line of zeros: nothing was written here, or what was written did not arrive
  kTorn,       // the shape of an interrupted write: zeros that a written entry never has
  kDamaged,    // all of an entry is there, but its bytes were changed
};

struct EntryCheck {
  EntryState state;
  uint64_t bytes;  // size of a valid entry, whole lines; 0 otherwise
};

inline EntryHeader LoadHeader(const uint8_t* entry) {
  EntryHeader header;
  std::memcpy(&header, entry, sizeof(header));
  return header;
}

inline EntryTrailer LoadTrailer(const uint8_t* entry, uint64_t entry_bytes) {
  EntryTrailer trailer;
  std::memcpy(&trailer, entry + entry_bytes - sizeof(trailer), sizeof(trailer));
  return trailer;
}

// Of a hole's entry.
inline HolePayload LoadHole(const uint8_t* entry) {
  HolePayload hole;
  std::memcpy(&hole, entry + sizeof(EntryHeader), sizeof(hole));
  return hole;
}

// How far the journal was durable when this entry was written.
inline uint64_t DurableClaim(const EntryHeader& header, const EntryTrailer& trailer) {
  if (trailer.durable_lag == kMaxDurableLag) return 0;  // "this or more": claims nothing
  const uint64_t before = header.sequence - 1;
  return trailer.durable_lag > before ? 0 : before - trailer.durable_lag;
}

inline constexpr int32_t kAnyPayload = -1;
inline constexpr int32_t kNoEntry = -2;
inline constexpr int32_t kHoleOfAnySize = -3;  // as many lines as it fills

// Bytes of payload that an entry of each type has. What the payloads hold is the concern of the
// code that applies them (state/entry_payloads.h asserts that the lengths agree).
inline constexpr std::array<int32_t, 256> kPayloadOfType = [] {
  std::array<int32_t, 256> bytes{};
  bytes.fill(kNoEntry);
  for (const uint8_t type : {0x11, 0x12, 0x14, 0x18, 0x21, 0x24, 0x28, 0x41, 0x42}) {
    bytes[type] = kLinePayloadBytes;
  }
  bytes[0x22] = 48;
  bytes[kDefinitionType] = 48;
  bytes[kHoleType] = kHoleOfAnySize;
  for (size_t type = kFirstUserType; type < 256; ++type) bytes[type] = kAnyPayload;
  return bytes;
}();

// The flags are those that every entry may have, or of `also`.
inline bool FlagsArePlain(const EntryHeader& header, uint8_t also) {
  return (header.flags & ~(kFlagOfPayload | kFlagGivenTime | also)) == kFlagWritten;
}

// For any entry except a hole.
inline bool TypeAndLengthFit(const EntryHeader& header) {
  const int32_t wanted = kPayloadOfType[header.type];
  return header.payload_bytes <= kMaxPayloadBytes &&
         (wanted == kAnyPayload || header.payload_bytes == static_cast<uint32_t>(wanted));
}

// True if a header can be an entry's at all: type, flags and length fit together. Neither a
// definition nor a hole is in a transaction.
inline bool HeaderIsPlausible(const EntryHeader& header) {
  if (TypeAndLengthFit(header)) {
    return FlagsArePlain(header, IsDefinition(header) ? uint8_t{0} : kTransactionFlags);
  }
  return IsHole(header) && FlagsArePlain(header, 0) && header.payload_bytes <= kMaxPayloadBytes;
}

// The first sequence that an entry covers: its own, or that of a hole's first lost entry. 0: a hole
// that contradicts itself. `entry` holds the whole verified entry.
inline uint64_t FirstSequenceOf(const EntryHeader& header, const uint8_t* entry) {
  if (!IsHole(header)) [[likely]]
    return header.sequence;
  if (header.payload_bytes < sizeof(HolePayload)) return 0;
  const HolePayload hole = LoadHole(entry);
  return hole.first_sequence <= header.sequence + 1 ? hole.first_sequence : 0;
}

// Checks what is at bytes[0], which is the start of a line; `bytes` reaches to the end of the
// segment. `offset` is the place in the segment (for sector bounds).
EntryCheck CheckEntry(std::span<const uint8_t> bytes, uint64_t offset, uint32_t seed);

// The same, known not to be valid: tells unwritten, torn and damaged apart.
//
// A writer stores the checksum last and a segment is zero before, so whatever a kill or a power cut
// left undone shows zeros: in the first word, in the checksum, or at an edge of a sector's share of
// the entry. Anything else was written whole and changed later. If one flipped bit explains the
// mismatch, it is damage whatever the shape.
EntryState ClassifyInvalidEntry(std::span<const uint8_t> bytes, uint64_t offset, uint32_t seed);

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_ENTRY_CHECK_H_
