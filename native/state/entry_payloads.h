// What entries mean to the books: the types below journal's kFirstUserType and their payloads.
// docs/format.md describes the same for a reader in another language. All integers are
// little-endian.
#ifndef PINNACLE_STATE_ENTRY_PAYLOADS_H_
#define PINNACLE_STATE_ENTRY_PAYLOADS_H_

#include <cstddef>
#include <cstdint>

#include "journal/entry_check.h"
#include "journal/format.h"

namespace pinnacle {

// Values are part of the format.
enum class EntryType : uint8_t {
  kNone = 0x00,
  kInstrument = kDefinitionType,  // InstrumentPayload: defines the header's instrument
  kHole = kHoleType,              // HolePayload: entries that a repair found lost
  kAdd = 0x11,                    // OrderPayload
  kReduce = 0x12,       // OrderPayload; quantity is the amount taken off (a partial or full cancel)
  kCancel = 0x14,       // OrderPayload; price and quantity 0
  kExecute = 0x18,      // OrderPayload; quantity is the amount executed
  kReplace = 0x21,      // ReplacePayload: old and new id below 2^64
  kReplaceWide = 0x22,  // ReplaceWidePayload: ids of 128 bits; two lines
  kSetLevel = 0x24,     // OrderPayload; id 0, quantity is the level's new total, 0 removes it
  kClear = 0x28,        // OrderPayload, all 0: the book becomes empty
  kTrade = 0x41,        // OrderPayload; changes no order (hidden execution, off-book print)
  kStatus = 0x42,  // OrderPayload; quantity is the trading status: 0 halted, 1 trading, others free
  kFirstUserType = pinnacle::kFirstUserType,
};

// User types: users have those up to kLastUsersType, this package's own modules the rest
// (lib/registry/user-types.ts).
inline constexpr uint8_t kLastUsersType = 95;
inline constexpr uint8_t kLastUserType = 127;
static_assert(kFirstUserType + kLastUserType == UINT8_MAX);

// `user_type` is at most kLastUserType.
constexpr EntryType EntryTypeOfUser(uint8_t user_type) {
  return static_cast<EntryType>(kFirstUserType + user_type);
}

// The side of the order; clear: buy.
inline constexpr uint8_t kFlagSell = kFlagOfPayload;

// The entry changes no book: a user's, or a hole. (Operations and definitions are neither, and the
// types are such that one comparison tells.)
inline bool ChangesNoBook(const EntryHeader& header) {
  static_assert(kDefinitionType < 0x05 && kHoleType == 0x05);
  return static_cast<uint8_t>(header.type - 0x06) >= 0x7a && !IsDefinition(header);
}

struct OrderPayload {
  uint64_t order_id_low;
  uint64_t order_id_high;
  int64_t price;     // ticks, 0 .. 2^53 - 1; from -(2^53 - 1) on where the instrument says so
  int64_t quantity;  // lots, 1 .. 2^53 - 1 where the operation has one
};
static_assert(sizeof(OrderPayload) == kLinePayloadBytes);

struct ReplacePayload {
  uint64_t order_id;
  uint64_t new_order_id;
  int64_t price;
  int64_t quantity;
};
static_assert(sizeof(ReplacePayload) == kLinePayloadBytes);

struct ReplaceWidePayload {
  uint64_t order_id_low;
  uint64_t order_id_high;
  uint64_t new_order_id_low;
  uint64_t new_order_id_high;
  int64_t price;
  int64_t quantity;
};
static_assert(sizeof(ReplaceWidePayload) == 48);

inline constexpr size_t kInstrumentNameBytes = 32;  // UTF-8, zero-padded

// Bits of InstrumentPayload::flags. A definition with any other bit is refused.
inline constexpr uint32_t kInstrumentSignedPrices = 1;  // needs kFeatureSignedPrices
inline constexpr uint32_t kKnownInstrumentFlags = kInstrumentSignedPrices;

struct InstrumentPayload {
  char name[kInstrumentNameBytes];
  uint32_t price_scale;     // decimal places: price = ticks / 10^price_scale; 0 .. 15
  uint32_t quantity_scale;  // the same for quantities
  uint32_t kind;            // 0: orders (market by order), 1: levels (market by price)
  uint32_t flags;
};
static_assert(sizeof(InstrumentPayload) == 48);

// The journal checks lengths by type without knowing what they hold.
constexpr bool HasLength(EntryType type, size_t bytes) {
  return kPayloadOfType[static_cast<uint8_t>(type)] == static_cast<int32_t>(bytes);
}
static_assert(HasLength(EntryType::kInstrument, sizeof(InstrumentPayload)));
static_assert(HasLength(EntryType::kAdd, sizeof(OrderPayload)) &&
              HasLength(EntryType::kReduce, sizeof(OrderPayload)) &&
              HasLength(EntryType::kCancel, sizeof(OrderPayload)) &&
              HasLength(EntryType::kExecute, sizeof(OrderPayload)) &&
              HasLength(EntryType::kSetLevel, sizeof(OrderPayload)) &&
              HasLength(EntryType::kClear, sizeof(OrderPayload)) &&
              HasLength(EntryType::kTrade, sizeof(OrderPayload)) &&
              HasLength(EntryType::kStatus, sizeof(OrderPayload)));
static_assert(HasLength(EntryType::kReplace, sizeof(ReplacePayload)) &&
              HasLength(EntryType::kReplaceWide, sizeof(ReplaceWidePayload)));

}  // namespace pinnacle

#endif  // PINNACLE_STATE_ENTRY_PAYLOADS_H_
