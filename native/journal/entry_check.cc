#include "journal/entry_check.h"

#include <algorithm>

#include "base/zeros.h"
#include "checksum/crc32c.h"
#include "platform/file_system.h"

namespace pinnacle {

namespace {

constexpr uint32_t kPolynomialReflected = 0x82f63b78u;

uint64_t LoadWord(const uint8_t* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

uint32_t ComputedChecksum(const uint8_t* entry, uint64_t entry_bytes, uint32_t seed) {
  return Crc32cExtend(seed, entry, entry_bytes - sizeof(EntryTrailer::checksum));
}

// Some 512-byte sector's share of the entry starts or ends with a zero byte. Every sector that did
// not arrive, or was torn anywhere inside, leaves that (what was there before was zero).
bool HasZeroEdge(const uint8_t* entry, uint64_t entry_bytes, uint64_t offset) {
  uint64_t position = 0;
  while (position < entry_bytes) {
    const uint64_t sector_end = ((offset + position) / kSectorBytes + 1) * kSectorBytes - offset;
    const uint64_t end = std::min(sector_end, entry_bytes);
    if (entry[position] == 0 && position != 0) return true;
    if (entry[end - 1] == 0) return true;
    position = end;
  }
  return false;
}

// Of an entry of several sectors a whole one did not arrive, or the last did not with the checksum.
bool LacksSector(const uint8_t* entry, uint64_t entry_bytes, uint64_t offset) {
  if (entry_bytes <= kSectorBytes) return false;
  if (LoadTrailer(entry, entry_bytes).checksum == 0) return true;
  uint64_t position = (kSectorBytes - offset % kSectorBytes) % kSectorBytes;  // of the first whole
  for (; position + kSectorBytes <= entry_bytes; position += kSectorBytes) {
    if (AllZero(entry + position, kSectorBytes)) return true;
  }
  return false;
}

// One flipped bit in the entry (its length aside) turns a valid entry into these bytes. A flipped
// bit changes a CRC by a constant that depends only on its distance from the end.
bool IsOneFlippedBit(const uint8_t* entry, uint64_t entry_bytes, uint32_t seed) {
  const uint32_t stored = LoadTrailer(entry, entry_bytes).checksum;
  const uint32_t syndrome = stored ^ ComputedChecksum(entry, entry_bytes, seed);
  if (std::has_single_bit(syndrome)) return true;  // in the checksum itself
  uint32_t effect = kPolynomialReflected;          // of the last bit before the checksum
  const uint64_t bits = (entry_bytes - sizeof(EntryTrailer::checksum)) * 8;
  for (uint64_t bit = 0; bit < bits; ++bit) {
    if (effect == syndrome) return true;
    effect = (effect >> 1) ^ (-(effect & 1) & kPolynomialReflected);
  }
  return false;
}

// One flipped bit in the length field hides a valid entry: with the bit turned back it verifies.
bool IsOneFlippedLengthBit(std::span<const uint8_t> bytes, uint32_t seed) {
  const EntryHeader header = LoadHeader(bytes.data());
  for (uint32_t bit = 0; bit < 32; ++bit) {
    EntryHeader mended = header;
    mended.payload_bytes ^= 1u << bit;
    if (mended.payload_bytes > kMaxPayloadBytes) continue;
    const uint64_t entry_bytes = EntryBytes(mended.payload_bytes);
    if (entry_bytes > bytes.size()) continue;
    uint32_t state = Crc32cExtend(seed, reinterpret_cast<const uint8_t*>(&mended), sizeof(mended));
    state = Crc32cExtend(state, bytes.data() + sizeof(mended),
                         entry_bytes - sizeof(mended) - sizeof(EntryTrailer::checksum));
    if (state == LoadTrailer(bytes.data(), entry_bytes).checksum) return true;
  }
  return false;
}

}  // namespace

EntryCheck CheckEntry(std::span<const uint8_t> bytes, uint64_t offset, uint32_t seed) {
  if (bytes.size() >= kLineBytes) {
    const EntryHeader header = LoadHeader(bytes.data());
    if (HeaderIsPlausible(header)) {
      const uint64_t entry_bytes = EntryBytes(header.payload_bytes);
      if (entry_bytes <= bytes.size() && ComputedChecksum(bytes.data(), entry_bytes, seed) ==
                                             LoadTrailer(bytes.data(), entry_bytes).checksum) {
        return {EntryState::kValid, entry_bytes};
      }
    }
  }
  return {ClassifyInvalidEntry(bytes, offset, seed), 0};
}

EntryState ClassifyInvalidEntry(std::span<const uint8_t> bytes, uint64_t offset, uint32_t seed) {
  if (bytes.size() < kLineBytes || AllZero(bytes.data(), kLineBytes)) return EntryState::kUnwritten;
  const uint8_t* entry = bytes.data();
  if (LoadWord(entry) == 0) return EntryState::kTorn;  // the line's start did not arrive
  if (AllZero(entry + sizeof(uint64_t), kLineBytes - sizeof(uint64_t))) {
    return EntryState::kTorn;  // nor did anything after the first word, the sequence
  }
  if (IsOneFlippedLengthBit(bytes, seed)) return EntryState::kDamaged;
  const EntryHeader header = LoadHeader(entry);
  if (!HeaderIsPlausible(header)) return EntryState::kDamaged;
  const uint64_t entry_bytes = EntryBytes(header.payload_bytes);
  if (entry_bytes > bytes.size()) return EntryState::kDamaged;
  if (!HasZeroEdge(entry, entry_bytes, offset)) return EntryState::kDamaged;
  // One flipped bit would explain such an entry too often by chance: of the torn entries of n bits
  // one in 2^32 / n, of those of 4 KiB one in 130,000, of the longest one in 32, and each would be
  // refused as damage after an ordinary power cut.
  if (LacksSector(entry, entry_bytes, offset)) return EntryState::kTorn;
  return IsOneFlippedBit(entry, entry_bytes, seed) ? EntryState::kDamaged : EntryState::kTorn;
}

}  // namespace pinnacle
