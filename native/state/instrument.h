// An instrument: its name, its scales, the kind of its book and the prices it accepts.
#ifndef PINNACLE_STATE_INSTRUMENT_H_
#define PINNACLE_STATE_INSTRUMENT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"
#include "state/entry_payloads.h"

namespace pinnacle {

enum class InstrumentKind : uint32_t {
  kOrders = 0,  // market by order
  kLevels = 1,  // market by price: levels without orders
};

struct Instrument {
  std::string name;             // 1 .. 32 bytes of UTF-8 without control characters
  uint32_t price_scale = 0;     // price = ticks / 10^price_scale, 0 .. 15
  uint32_t quantity_scale = 0;  // the same for lots
  InstrumentKind kind = InstrumentKind::kOrders;
  bool signed_prices = false;  // prices may be negative
  friend bool operator==(const Instrument&, const Instrument&) = default;
};

// The facts about an instrument besides its book, as of the last entry.
struct InstrumentFacts {
  std::optional<int64_t> status;  // trading status, once one was journaled
  uint64_t last_sequence = 0;
  uint64_t last_timestamp_ns = 0;
  uint64_t trade_count = 0;  // executions and trades
  uint64_t traded_quantity = 0;
  std::optional<int64_t> last_trade_price;
  friend bool operator==(const InstrumentFacts&, const InstrumentFacts&) = default;
};

inline bool TakesPrice(const Instrument& instrument, int64_t price) {
  // Nearly every price is positive, and this one comparison decides. (Calling a function for the
  // others would cost every operation more than it saves.)
  const uint64_t word = static_cast<uint64_t>(price);
  if (word <= kMaxSafeInteger) [[likely]]
    return true;
  return instrument.signed_prices && 0 - word <= kMaxSafeInteger;
}

// kInvalidInstrument with the reason.
Status CheckInstrument(const Instrument& instrument);

void EncodeInstrument(const Instrument& instrument, InstrumentPayload* payload);
// kInvalidInstrument if the payload is not a valid definition.
Status DecodeInstrument(const InstrumentPayload& payload, Instrument* instrument);

}  // namespace pinnacle

#endif  // PINNACLE_STATE_INSTRUMENT_H_
