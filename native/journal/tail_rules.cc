#include "journal/tail_rules.h"

namespace pinnacle {

namespace {

using Evidence = TailEvidence;

// Why these shapes tell a torn tail from rot: docs/recovery.md.
constexpr TailRule kRules[] = {
    // A segment that should hold the next entry can't be read, so nothing can be said for it.
    {"-", "a segment that is missing, damaged or does not belong", "any", Tail::kCorrupt,
     [](const Evidence& e) { return e.segment_damaged; },
     "a segment is missing, damaged or does not belong, before entry {next}"},
    // The run is whole, but what the head record and the links say is not what is there.
    {"-", "any", "elsewhere a file that is missing, damaged or does not belong", Tail::kCorrupt,
     [](const Evidence& e) { return e.directory_damaged; },
     "a file of the journal is missing, damaged or does not belong"},
    // It was acknowledged as durable: no crash takes it away.
    {"yes", "anything but the entry", "any", Tail::kCorrupt,
     [](const Evidence& e) { return e.next_sequence <= e.known_durable; },
     "entry {next} was durable (up to {durable} was) and is not what was written"},
    // The first entry of the first segment is damaged, so the run seems to begin later.
    {"no", "any", "an entry that is older than the expected one", Tail::kCorrupt,
     [](const Evidence& e) { return e.older_follows; },
     "entry {next} is damaged but later entries are intact"},
    // The writer never leaves a sequence out, and a stale lap does not verify.
    {"no", "a valid entry with another sequence", "any", Tail::kCorrupt,
     [](const Evidence& e) { return e.wrong_sequence; },
     "expected entry {next}, found a valid entry with a different sequence number"},
    // The writer builds a transaction when it knows all of it.
    {"no", "a transaction that its own entries contradict", "any", Tail::kCorrupt,
     [](const Evidence& e) { return e.broken_sequence != 0 && e.transaction_contradicts; },
     "the transaction that begins with entry {next} is contradicted by entry {broken}"},
    // All of it was there once: its bytes were changed.
    {"no", "damaged: all of it is there, its bytes were changed", "any", Tail::kCorrupt,
     [](const Evidence& e) { return e.state == EntryState::kDamaged; },
     "entry {broken} was written whole and changed afterwards"},
    // The shape that an interrupted store leaves.
    {"no", "torn: zeros in the first word, in the checksum, or at an edge of a sector's share",
     "any", Tail::kTorn, [](const Evidence& e) { return e.state == EntryState::kTorn; },
     "entry {broken} was still being written; it was never durable"},
    // Its lines are published together, so a kill can leave some of them.
    {"no", "a transaction whose next entry is zeros", "any", Tail::kTorn,
     [](const Evidence& e) { return e.broken_sequence != 0; },
     "the transaction that begins with entry {next} was still being written; none of it was "
     "durable"},
    // Pages reach the device in any order until a sync.
    {"no", "zeros", "entries or bytes", Tail::kTorn,
     [](const Evidence& e) { return e.valid_entries_follow || e.bytes_follow; },
     "entry {next} did not reach the device while later bytes did; none of them was durable"},
    {"no", "zeros", "nothing", Tail::kClean, [](const Evidence&) { return true; }, ""},
};

std::string Filled(std::string text, const std::string& name, uint64_t value) {
  const size_t at = text.find(name);
  return at == std::string::npos ? text : text.replace(at, name.size(), std::to_string(value));
}

}  // namespace

const char* TailName(Tail tail) {
  switch (tail) {
    case Tail::kClean:
      return "clean";
    case Tail::kTorn:
      return "torn";
    case Tail::kCorrupt:
      return "corrupt";
  }
  return "corrupt";
}

std::span<const TailRule> TailRules() { return kRules; }

TailVerdict ClassifyTail(const TailEvidence& evidence) {
  for (const TailRule& rule : kRules) {
    if (!rule.applies(evidence)) continue;
    const std::string reason = Filled(rule.reason, "{next}", evidence.next_sequence);
    const uint64_t broken =
        evidence.broken_sequence != 0 ? evidence.broken_sequence : evidence.next_sequence;
    return {rule.tail,
            Filled(Filled(reason, "{durable}", evidence.known_durable), "{broken}", broken)};
  }
  return {Tail::kClean, ""};
}

}  // namespace pinnacle
