// One operation on the books, and its form as a journal entry.
#ifndef PINNACLE_STATE_OPERATION_H_
#define PINNACLE_STATE_OPERATION_H_

#include <cstdint>
#include <cstring>

#include "base/error_codes.h"
#include "book/order_book.h"
#include "state/entry_payloads.h"

namespace pinnacle {

struct Operation {
  EntryType type = EntryType::kNone;  // kReplace also for wide ids
  uint16_t instrument = 0;
  Side side = Side::kBuy;
  OrderId id;
  OrderId new_id;
  int64_t price = 0;
  int64_t quantity = 0;
};

inline constexpr size_t kMaxOperationPayload = sizeof(ReplaceWidePayload);

// Writes the payload (up to kMaxOperationPayload bytes) and returns its length.
inline uint32_t EncodeOperation(const Operation& operation, uint8_t* payload, EntryType* type,
                                uint8_t* flags) {
  *type = operation.type;
  *flags = operation.side == Side::kSell ? kFlagSell : 0;
  if (operation.type == EntryType::kReplace) [[unlikely]] {
    if ((operation.id.high | operation.new_id.high) != 0) {
      *type = EntryType::kReplaceWide;
      const ReplaceWidePayload wide{operation.id.low,      operation.id.high, operation.new_id.low,
                                    operation.new_id.high, operation.price,   operation.quantity};
      std::memcpy(payload, &wide, sizeof(wide));
      return sizeof(wide);
    }
    const ReplacePayload replace{operation.id.low, operation.new_id.low, operation.price,
                                 operation.quantity};
    std::memcpy(payload, &replace, sizeof(replace));
    return sizeof(replace);
  }
  const OrderPayload order{operation.id.low, operation.id.high, operation.price,
                           operation.quantity};
  std::memcpy(payload, &order, sizeof(order));
  return sizeof(order);
}

// The inverse. False if the entry is not an operation (a user's, an instrument's) or a number is
// out of range for an operation.
inline bool DecodeOperation(const EntryHeader& header, const uint8_t* payload,
                            Operation* operation) {
  *operation = Operation{};
  operation->type = static_cast<EntryType>(header.type);
  operation->instrument = header.instrument;
  operation->side = (header.flags & kFlagSell) != 0 ? Side::kSell : Side::kBuy;
  switch (operation->type) {
    case EntryType::kAdd:
    case EntryType::kReduce:
    case EntryType::kCancel:
    case EntryType::kExecute:
    case EntryType::kSetLevel:
    case EntryType::kClear:
    case EntryType::kTrade:
    case EntryType::kStatus: {
      OrderPayload order;
      std::memcpy(&order, payload, sizeof(order));
      operation->id = {order.order_id_low, order.order_id_high};
      operation->price = order.price;
      operation->quantity = order.quantity;
      return true;
    }
    case EntryType::kReplace: {
      ReplacePayload replace;
      std::memcpy(&replace, payload, sizeof(replace));
      operation->id = {replace.order_id, 0};
      operation->new_id = {replace.new_order_id, 0};
      operation->price = replace.price;
      operation->quantity = replace.quantity;
      return true;
    }
    case EntryType::kReplaceWide: {
      ReplaceWidePayload wide;
      std::memcpy(&wide, payload, sizeof(wide));
      operation->type = EntryType::kReplace;
      operation->id = {wide.order_id_low, wide.order_id_high};
      operation->new_id = {wide.new_order_id_low, wide.new_order_id_high};
      operation->price = wide.price;
      operation->quantity = wide.quantity;
      return true;
    }
    default:
      return false;
  }
}

}  // namespace pinnacle

#endif  // PINNACLE_STATE_OPERATION_H_
