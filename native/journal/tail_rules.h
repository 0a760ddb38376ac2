// The decision table of docs/recovery.md: what the place is at which the good entries stop. It is
// data, and the page is checked against it.
#ifndef PINNACLE_JOURNAL_TAIL_RULES_H_
#define PINNACLE_JOURNAL_TAIL_RULES_H_

#include <cstdint>
#include <span>
#include <string>

#include "journal/entry_check.h"

namespace pinnacle {

enum class Tail : uint8_t { kClean, kTorn, kCorrupt };
const char* TailName(Tail tail);

// The stop of the run of good entries, and what is known about what follows. All of these are
// facts; the table is the judgement.
struct TailEvidence {
  uint64_t next_sequence = 1;                 // expected at the run's stop
  uint64_t known_durable = 0;                 // highest durable frontier that any evidence names
  EntryState state = EntryState::kUnwritten;  // of what is at the run's stop
  bool bytes_follow = false;                  // something that is not zero follows the stop
  bool valid_entries_follow = false;
  bool wrong_sequence = false;  // a valid entry is there, with an unexpected sequence
  bool older_follows = false;   // an entry older than expected follows
  // The run stops before a transaction that breaks at this sequence: its next entry is missing, or
  // contradicts it. 0: it does not.
  uint64_t broken_sequence = 0;
  bool transaction_contradicts = false;
  bool segment_damaged = false;    // the next segment is missing, damaged or does not belong
  bool directory_damaged = false;  // the same of a file that the run did not need
};

// One row. The first that applies decides; the last applies always.
struct TailRule {
  const char* durable;  // whether the missing entry was known durable: "yes", "no", "-": either
  const char* place;    // what is found there
  const char* follows;  // what follows it
  Tail tail;
  bool (*applies)(const TailEvidence& evidence);
  // One sentence; {next} and {durable} are the evidence's sequences, {broken} is the sequence at
  // which a transaction breaks, or {next}.
  const char* reason;
};

std::span<const TailRule> TailRules();

struct TailVerdict {
  Tail tail;
  std::string reason;  // empty for kClean
};

// A pure function.
TailVerdict ClassifyTail(const TailEvidence& evidence);

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_TAIL_RULES_H_
