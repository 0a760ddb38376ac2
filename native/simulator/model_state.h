// The simulation's model of the books: deliberately naive, correct by inspection, and without a
// line of the engine's code (only the plain structs that name an operation are shared).
#ifndef PINNACLE_SIMULATOR_MODEL_STATE_H_
#define PINNACLE_SIMULATOR_MODEL_STATE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "simulator/user_state.h"
#include "state/book_set.h"

namespace pinnacle::simulation {

struct ModelOrder {
  OrderId id;
  int64_t quantity;
};

// Price -> orders in time order, for buy and sell.
struct ModelBook {
  std::map<int64_t, std::vector<ModelOrder>> sides[2];
};

struct ModelInstrument {
  Instrument definition;
  std::optional<int64_t> status;
  uint64_t last_sequence = 0;
  uint64_t last_timestamp_ns = 0;
  uint64_t trades = 0;
  uint64_t traded_quantity = 0;
  std::optional<int64_t> last_trade_price;
  ModelBook book;
};

// One accepted entry, with what the journal must hold for it.
struct ModelEntry {
  uint8_t type = 0;
  uint8_t flags = 0;
  uint16_t instrument = 0;
  uint64_t timestamp_ns = 0;
  std::vector<uint8_t> payload;
  uint64_t durable_before = 0;  // the durable frontier when it was appended
  Operation operation{};        // if the type is one of the books'
  Instrument definition{};      // if it defines an instrument

  // Whether `bytes` are those of this entry, including its durable lag and padding.
  bool IsStoredAs(const uint8_t* bytes, uint64_t length, uint64_t sequence) const;
};

class ModelState {
 public:
  // What the engine must return. Changes nothing.
  Code Check(const Operation& operation) const;
  // Whether the books accept the entry when the journal is read back.
  bool Takes(const ModelEntry& entry) const;
  void Apply(const ModelEntry& entry, uint64_t sequence);
  // The entries up to `sequence` are lost.
  void Skip(uint64_t sequence) { last_sequence_ = sequence; }

  // "" if the engine's books are the same in every instrument, fact, level and order.
  std::string Difference(const BookSet& books) const;

  const std::vector<ModelInstrument>& instruments() const { return instruments_; }
  uint64_t last_sequence() const { return last_sequence_; }
  const UserState& user_state() const { return user_state_; }

 private:
  std::vector<ModelInstrument> instruments_;
  UserState user_state_;
  uint64_t last_sequence_ = 0;
};

ModelEntry EntryOfOperation(const Operation& operation, uint64_t timestamp_ns, bool given);
ModelEntry EntryOfPayload(uint8_t user_type, uint16_t instrument, std::vector<uint8_t> payload,
                          uint64_t timestamp_ns, bool given);
ModelEntry EntryOfInstrument(const Instrument& definition, uint16_t index, uint64_t timestamp_ns);

}  // namespace pinnacle::simulation

#endif  // PINNACLE_SIMULATOR_MODEL_STATE_H_
