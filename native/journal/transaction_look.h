// Looks from a transaction's first entry on for its last one: a reader takes a transaction only if
// all of it is there.
#ifndef PINNACLE_JOURNAL_TRANSACTION_LOOK_H_
#define PINNACLE_JOURNAL_TRANSACTION_LOOK_H_

#include <cstdint>

#include "base/status.h"
#include "journal/entry_check.h"
#include "journal/segment_reader.h"

namespace pinnacle {

struct TransactionLook {
  enum class Kind : uint8_t {
    kWhole,
    kOpen,           // the next entry does not verify, or the segment ends
    kContradiction,  // entries that verify contradict each other
  };
  Kind kind = Kind::kOpen;
  uint64_t end_offset = 0;                    // after the last good entry
  uint64_t next_sequence = 0;                 // expected there
  EntryState state = EntryState::kUnwritten;  // of what is there; kValid: a contradiction
};

// The reader is at a valid entry with transaction flags and the sequence `first_sequence`, and is
// there again afterwards. `allowed`: the segment's header says that it may have transactions.
Status LookThroughTransaction(SegmentReader* reader, uint64_t first_sequence, bool allowed,
                              TransactionLook* look);

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_TRANSACTION_LOOK_H_
