#include "state/instrument.h"

#include <algorithm>
#include <cstring>

namespace pinnacle {

namespace {

constexpr uint32_t kMaxScale = 15;  // 10^15 still leaves an integer part below 2^53

// Well-formed UTF-8 without control characters (RFC 3629: no surrogates, nothing overlong).
bool IsPrintableUtf8(const std::string& text) {
  size_t i = 0;
  while (i < text.size()) {
    const uint8_t lead = static_cast<uint8_t>(text[i]);
    const size_t length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0x20 || lead == 0x7f || (lead >= 0x80 && lead < 0xc2) || lead > 0xf4) return false;
    if (i + length > text.size()) return false;
    uint32_t point = length == 1 ? lead : lead & (0x7fu >> length);
    for (size_t k = 1; k < length; ++k) {
      const uint8_t next = static_cast<uint8_t>(text[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      point = point << 6 | (next & 0x3f);
    }
    const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
    if (overlong || (point >= 0xd800 && point <= 0xdfff) || point > 0x10ffff) return false;
    i += length;
  }
  return true;
}

}  // namespace

Status CheckInstrument(const Instrument& instrument) {
  const auto refuse = [&](const std::string& what) {
    return Status(Code::kInvalidInstrument, what);
  };
  if (instrument.name.empty() || instrument.name.size() > kInstrumentNameBytes) {
    return refuse("an instrument's name has 1 to 32 bytes of UTF-8, not " +
                  std::to_string(instrument.name.size()));
  }
  if (!IsPrintableUtf8(instrument.name)) {
    return refuse("an instrument's name is printable UTF-8");
  }
  if (instrument.price_scale > kMaxScale || instrument.quantity_scale > kMaxScale) {
    return refuse("instrument " + instrument.name + ": scales are 0 to 15 decimal digits");
  }
  if (instrument.kind != InstrumentKind::kOrders && instrument.kind != InstrumentKind::kLevels) {
    return refuse("instrument " + instrument.name + ": the kind is 'orders' or 'levels'");
  }
  return Status();
}

void EncodeInstrument(const Instrument& instrument, InstrumentPayload* payload) {
  std::memset(payload, 0, sizeof(*payload));
  std::memcpy(payload->name, instrument.name.data(),
              std::min(instrument.name.size(), kInstrumentNameBytes));
  payload->price_scale = instrument.price_scale;
  payload->quantity_scale = instrument.quantity_scale;
  payload->kind = static_cast<uint32_t>(instrument.kind);
  payload->flags = instrument.signed_prices ? kInstrumentSignedPrices : 0;
}

Status DecodeInstrument(const InstrumentPayload& payload, Instrument* instrument) {
  instrument->name.assign(payload.name, strnlen(payload.name, kInstrumentNameBytes));
  instrument->price_scale = payload.price_scale;
  instrument->quantity_scale = payload.quantity_scale;
  instrument->kind = static_cast<InstrumentKind>(payload.kind);
  instrument->signed_prices = (payload.flags & kInstrumentSignedPrices) != 0;
  if ((payload.flags & ~kKnownInstrumentFlags) != 0) {
    return Status(Code::kInvalidInstrument, "instrument " + instrument->name +
                                                " has flags that this library does not know (" +
                                                std::to_string(payload.flags) + ")");
  }
  return CheckInstrument(*instrument);
}

}  // namespace pinnacle
