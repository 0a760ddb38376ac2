// What a run appends: operations on the books, right and wrong ones, and entries of users.
#include <algorithm>
#include <cstring>
#include <utility>

#include "simulator/simulation_run.h"

namespace pinnacle::simulation {

Operation Run::DrawOperation() {
  static constexpr EntryType kOrderTypes[] = {
      EntryType::kAdd,     EntryType::kAdd,     EntryType::kAdd,    EntryType::kAdd,
      EntryType::kReduce,  EntryType::kExecute, EntryType::kCancel, EntryType::kReplace,
      EntryType::kReplace, EntryType::kTrade,   EntryType::kStatus};
  static constexpr EntryType kLevelTypes[] = {EntryType::kSetLevel, EntryType::kSetLevel,
                                              EntryType::kSetLevel, EntryType::kTrade,
                                              EntryType::kStatus};
  Operation operation;
  const uint64_t known = live_.instruments().size();
  operation.instrument = static_cast<uint16_t>(
      known == 0 || random_.Chance(0.01) ? random_.Below(known + 2) : 1 + random_.Below(known));
  Instrument definition;
  if (operation.instrument >= 1 && operation.instrument <= known) {
    definition = live_.instruments()[operation.instrument - 1u].definition;
  }
  const bool levels = definition.kind == InstrumentKind::kLevels;
  operation.type = levels != random_.Chance(0.01) ? kLevelTypes[random_.Below(5)]
                                                  : kOrderTypes[random_.Below(11)];
  if (random_.Chance(0.003)) operation.type = EntryType::kClear;
  operation.side = random_.Chance(0.5) ? Side::kSell : Side::kBuy;
  const auto draw_id = [&]() -> OrderId {
    return {1 + random_.Below(60), random_.Chance(0.2) ? uint64_t{1} << 63 : 0};
  };
  operation.id = draw_id();
  if (operation.type == EntryType::kReplace) {
    operation.new_id = random_.Chance(0.3) ? operation.id : draw_id();
  }
  operation.price = static_cast<int64_t>(random_.Below(24)) - (definition.signed_prices ? 12 : 0);
  operation.quantity = static_cast<int64_t>(1 + random_.Below(40));
  if (operation.type == EntryType::kSetLevel && random_.Chance(0.3)) operation.quantity = 0;
  constexpr int64_t kTooMuch = int64_t{1} << 53;
  if (random_.Chance(0.01)) {
    const int64_t too_little = definition.signed_prices ? -kTooMuch : -1;
    operation.price = random_.Chance(0.5) ? too_little : kTooMuch;
  }
  if (random_.Chance(0.01)) {
    operation.quantity = random_.Chance(0.5) ? 0 : (int64_t{1} << 53) - 1;
  }
  return operation;
}

uint64_t Run::NextStamp(bool* given) {
  *given = random_.Chance(0.3);
  if (*given) return 1 + random_.Below(1'000'000'000);
  last_clock_ns_ = std::max(last_clock_ns_, world_->environment().clock->NowNs());
  return 0;
}

void Run::ApplyOperation(const Operation& operation) {
  const Code expected = live_.Check(operation);
  bool given = false;
  // The engine reads the clock only for entries that the books accept.
  const uint64_t clock_before = last_clock_ns_;
  const uint64_t stamp = NextStamp(&given);
  if (expected != Code::kOk) last_clock_ns_ = clock_before;
  const Frontier before = FrontierNow();
  uint64_t sequence = 0;
  const Code code = engine_->Apply(operation, stamp, &sequence);
  Settle(expected, code, before, sequence,
         EntryOfOperation(operation, given ? stamp : last_clock_ns_, given));
}

void Run::AppendPayload() {
  const uint64_t most = options_.journal.segment_bytes - kSegmentHeaderBytes - 32;
  const uint64_t sizes[] = {0,    1,     random_.Below(100),  31, 32,       33,   480,
                            4064, 20000, random_.Below(4000), 96, most - 1, most, most + 1};
  const uint64_t pick = random_.Below(100);
  const uint64_t size = sizes[pick < 90 ? pick % 8 : 8 + random_.Below(6)];
  std::vector<uint8_t> payload(size);
  // Whole zero lines among others: the pattern of a torn write.
  for (size_t at = 0; at < size; at += 64) {
    if (random_.Chance(0.3)) continue;
    const size_t end = std::min<size_t>(size, at + 64);
    uint64_t word = random_.Next();
    for (size_t i = at; i < end; i += sizeof(word), word *= 5) {
      std::memcpy(payload.data() + i, &word, std::min(sizeof(word), end - i));
    }
  }
  const uint8_t user_type = static_cast<uint8_t>(random_.Below(random_.Chance(0.02) ? 256 : 128));
  const uint16_t instrument = static_cast<uint16_t>(
      random_.Below(live_.instruments().size() + (random_.Chance(0.02) ? 2 : 1)));
  Code expected = Code::kOk;
  if (user_type > kLastUserType) {
    expected = Code::kInvalidEntryType;
  } else if (instrument > live_.instruments().size()) {
    expected = Code::kUnknownInstrument;
  } else if (size > most) {
    expected = engine_->journal()->failed() ? Code::kJournalFailed : Code::kEntryTooLarge;
  }
  bool given = false;
  const uint64_t clock_before = last_clock_ns_;
  const uint64_t stamp = NextStamp(&given);
  if (expected == Code::kInvalidEntryType || expected == Code::kUnknownInstrument) {
    last_clock_ns_ = clock_before;
  }
  const Frontier before = FrontierNow();
  uint64_t sequence = 0;
  const Code code = engine_->AppendPayload(user_type, instrument, stamp, payload.data(),
                                           static_cast<uint32_t>(payload.size()), &sequence);
  Settle(expected, code, before, sequence,
         EntryOfPayload(user_type, instrument, std::move(payload), given ? stamp : last_clock_ns_,
                        given));
}

// Checks an append's result against what it had to be and what the journal shows.
void Run::Settle(Code expected, Code code, const Frontier& frontier, uint64_t sequence,
                 ModelEntry entry) {
  const uint64_t before = frontier.appended;
  const uint64_t after = engine_->appended();
  entry.durable_before = frontier.durable;
  const std::string what =
      "append behind " + std::to_string(before) + " answered " + CodeName(code) + ": ";
  if (expected != Code::kOk) {
    if (!Holds(code == expected, what + "it had to be refused with " + CodeName(expected))) return;
    Holds(after == before, what + "a refused entry was journaled");
    return;
  }
  if (after == before + 1) Accept(std::move(entry));
  if (!Holds(after == before || after == before + 1, what + "the sequence jumped")) return;
  if (code == Code::kOk) {
    if (!Holds(after == before + 1 && sequence == after, what + "but it has no sequence")) return;
    if (options_.durability == Durability::kDurable) {
      Holds(engine_->durable() >= after, what + "but it is not durable");
    }
    return;
  }
  if (dead_) return;
  Holds(cause_, what + "nothing had failed");
  if (after == before + 1) {
    // The outcome of a commit whose sync fails is unknown; it must not be reported as a success.
    Holds(options_.durability == Durability::kDurable && code == Code::kJournalFailed,
          what + "but it was journaled");
  }
  Holds(engine_->books().last_sequence() == after, what + "the books moved without the journal");
  if (random_.Chance(0.2)) CheckBooks();
}

}  // namespace pinnacle::simulation
