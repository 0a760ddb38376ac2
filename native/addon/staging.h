// The staging area that JavaScript writes operations into: its layout, and the decoding of one
// staged operation. Staging in lib/native/binding.ts has the same numbers, and
// test/book/staging-layout.test.ts compares all of them; lanes are float64.
//
// Shared memory: any holder may write at any moment, so each lane is read once and checked as it
// was read. (A batch's operations are in an array of its own, laid out alike from its first lane
// on.)
#ifndef PINNACLE_ADDON_STAGING_H_
#define PINNACLE_ADDON_STAGING_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/error_codes.h"
#include "state/operation.h"

namespace pinnacle::addon {

namespace lane {
// Result lanes.
inline constexpr size_t kSequence = 0;
inline constexpr size_t kCode = 1;
inline constexpr size_t kCount = 2;
inline constexpr size_t kRefused = 3;
inline constexpr size_t kFailedIndex = 4;
// Argument lanes of batch calls.
inline constexpr size_t kBatchCount = 5;
inline constexpr size_t kSkipRefused = 6;
inline constexpr size_t kAtomic = 7;      // 1: all of them or none
inline constexpr size_t kTellStamps = 8;  // 1: the time that each entry got goes to its operation
// Operations.
inline constexpr size_t kOperations = 16;
inline constexpr size_t kPerOperation = 12;
inline constexpr size_t kMaxOperations = 1024;
// Within an operation.
inline constexpr size_t kKind = 0;
inline constexpr size_t kInstrument = 1;
inline constexpr size_t kOrderId = 2;
inline constexpr size_t kPrice = 3;
inline constexpr size_t kQuantity = 4;
inline constexpr size_t kTimestamp = 5;
inline constexpr size_t kNewOrderId = 6;
inline constexpr size_t kSide = 7;
inline constexpr size_t kOrderIdHigh = 8;
inline constexpr size_t kNewOrderIdHigh = 9;
inline constexpr size_t kResultCode = 10;
inline constexpr size_t kResultSequence = 11;
// A payload append: operation 0's lanes, then the payload.
inline constexpr size_t kPayload = kOperations + kPerOperation;
}  // namespace lane

inline constexpr size_t kStagingLanes =
    lane::kOperations + lane::kPerOperation * lane::kMaxOperations;
inline constexpr size_t kStagingBytes = kStagingLanes * sizeof(double);
inline constexpr size_t kStagingPayloadBytes = kStagingBytes - lane::kPayload * sizeof(double);

inline constexpr uint32_t kRawIds = 0x100;
inline constexpr uint32_t kRawTime = 0x200;

// True if `value` is an integer in 0 .. 2^53 - 1 (so not for NaN).
inline bool ToInteger(double value, int64_t* integer) {
  if (!(value >= 0 && value <= 9007199254740991.0)) return false;
  *integer = static_cast<int64_t>(value);
  return static_cast<double>(*integer) == value;
}

// The same for -(2^53 - 1) .. 2^53 - 1: whether a price may be negative is the instrument's to say.
inline bool ToPrice(double value, int64_t* price) {
  if (!(value >= -9007199254740991.0 && value <= 9007199254740991.0)) return false;
  *price = static_cast<int64_t>(value);
  return static_cast<double>(*price) == value;
}

inline uint64_t RawLane(const double* lanes, size_t index) {
  uint64_t raw;
  std::memcpy(&raw, lanes + index, sizeof(raw));
  return raw;
}

inline bool LoadTimestamp(const double* lanes, uint32_t kind, uint64_t* timestamp_ns) {
  if ((kind & kRawTime) != 0) {
    *timestamp_ns = RawLane(lanes, lane::kTimestamp);
    return true;
  }
  int64_t integer;
  if (!ToInteger(lanes[lane::kTimestamp], &integer)) return false;
  *timestamp_ns = static_cast<uint64_t>(integer);
  return true;
}

inline bool LoadOrderId(const double* lanes, uint32_t kind, size_t low, size_t high, OrderId* id) {
  if ((kind & kRawIds) != 0) {
    *id = {RawLane(lanes, low), RawLane(lanes, high)};
    return true;
  }
  int64_t integer;
  if (!ToInteger(lanes[low], &integer)) return false;
  *id = {static_cast<uint64_t>(integer), 0};
  return true;
}

// Reads the lanes that the kind of operation uses, and no others. What can't be a number of the
// kind is refused here; what the books think of it is theirs to say.
inline Code DecodeStaged(const double* lanes, Operation* operation, uint64_t* timestamp_ns) {
  int64_t kind;
  if (!ToInteger(lanes[lane::kKind], &kind) || kind > 0x3ff) return Code::kInvalidOperation;
  const uint32_t flags = static_cast<uint32_t>(kind);
  const EntryType type = static_cast<EntryType>(kind & 0xff);
  int64_t instrument;
  if (!ToInteger(lanes[lane::kInstrument], &instrument) || instrument > kMaxInstruments) {
    return Code::kInvalidInstrument;
  }
  *operation = Operation{};
  operation->type = type;
  operation->instrument = static_cast<uint16_t>(instrument);
  const auto id = [&] {
    return LoadOrderId(lanes, flags, lane::kOrderId, lane::kOrderIdHigh, &operation->id);
  };
  const auto side = [&] {
    const double value = lanes[lane::kSide];
    operation->side = value == 1 ? Side::kSell : Side::kBuy;
    return value == 0 || value == 1;
  };
  const auto price = [&] { return ToPrice(lanes[lane::kPrice], &operation->price); };
  const auto quantity = [&] { return ToInteger(lanes[lane::kQuantity], &operation->quantity); };
  switch (type) {
    case EntryType::kAdd:
      if (!id()) return Code::kInvalidOrderId;
      if (!side()) return Code::kInvalidSide;
      if (!price()) return Code::kInvalidPrice;
      if (!quantity()) return Code::kInvalidQuantity;
      break;
    case EntryType::kReduce:
    case EntryType::kExecute:
      if (!id()) return Code::kInvalidOrderId;
      if (!quantity()) return Code::kInvalidQuantity;
      break;
    case EntryType::kCancel:
      if (!id()) return Code::kInvalidOrderId;
      break;
    case EntryType::kReplace:
      if (!id() || !LoadOrderId(lanes, flags, lane::kNewOrderId, lane::kNewOrderIdHigh,
                                &operation->new_id)) {
        return Code::kInvalidOrderId;
      }
      if (!price()) return Code::kInvalidPrice;
      if (!quantity()) return Code::kInvalidQuantity;
      break;
    case EntryType::kSetLevel:
    case EntryType::kTrade:
      if (!side()) return Code::kInvalidSide;
      if (!price()) return Code::kInvalidPrice;
      if (!quantity()) return Code::kInvalidQuantity;
      break;
    case EntryType::kStatus:
      if (!quantity()) return Code::kInvalidQuantity;
      break;
    case EntryType::kClear:
      break;
    default:
      return Code::kInvalidOperation;
  }
  return LoadTimestamp(lanes, flags, timestamp_ns) ? Code::kOk : Code::kInvalidTimestamp;
}

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_STAGING_H_
