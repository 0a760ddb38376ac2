// The valid, consecutively numbered entries from a segment's first on: what the scan follows, one
// segment after the other, or (SegmentPrescan) several at once.
#ifndef PINNACLE_JOURNAL_SEGMENT_RUN_H_
#define PINNACLE_JOURNAL_SEGMENT_RUN_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "base/status.h"
#include "journal/entry_check.h"
#include "journal/format.h"
#include "journal/segment_reader.h"
#include "journal/transaction_look.h"

namespace pinnacle {

struct SegmentRun {
  uint64_t entries = 0;
  uint64_t first_sequence = 0;  // 0: there is none
  uint64_t next_sequence = 0;   // that the run expects at its end; 0: it has no entry
  uint64_t end_offset = kSegmentHeaderBytes;
  uint64_t known_durable = 0;                 // highest that an entry claims
  EntryState state = EntryState::kUnwritten;  // of what is at the end
  bool wrong_sequence = false;                // a valid entry with an unexpected sequence
  // The run ends before a transaction whose end is missing, or whose entries contradict it; this is
  // the sequence at which it breaks. 0: neither.
  uint64_t broken_sequence = 0;
  bool transaction_contradicts = false;
  bool proof_failed = false;  // it is not the entry that the snapshot was taken at
};

// The snapshot's proof: the entry at `sequence` must have this checksum. 0: there is none.
struct RunProof {
  uint64_t sequence = 0;
  uint32_t checksum = 0;
};

// Whether the segment may have entries with transaction flags.
inline bool MayHaveTransactions(const SegmentHeader& header) {
  return (header.mandatory_features & kFeatureTransactions) != 0;
}

// For a FollowRun that looks at no entry.
struct IgnoreEntries {
  Status operator()(const EntryHeader&, const uint8_t*, uint64_t) const { return Status(); }
};

// Follows the run from the reader's offset on; the reader is left at its end. `expected`: the first
// entry's sequence. A transaction is part of the run only if all of it is there. `on_entry(header,
// entry, bytes)` is called for each good entry and answers a Status; an error ends the run and
// comes back, as those of reading do.
template <typename OnEntry>
Status FollowRun(SegmentReader* reader, uint64_t expected, const RunProof& proof, bool transactions,
                 SegmentRun* run, OnEntry&& on_entry) {
  constexpr bool kLooksAtEntries = !std::is_same_v<std::remove_cvref_t<OnEntry>, IgnoreEntries>;
  uint64_t next_sequence = expected;
  uint64_t whole_until = 0;  // the transactions up to here were looked through
  const auto take = [&](const EntryHeader& header, const uint8_t* entry, uint64_t bytes) {
    PINNACLE_RETURN_IF_ERROR(on_entry(header, entry, bytes));
    if (run->entries++ == 0) run->first_sequence = next_sequence;
    next_sequence = header.sequence + 1;
    run->next_sequence = next_sequence;
    reader->Advance(bytes);
    run->end_offset = reader->offset();
    return Status();
  };
  while (true) {
    // Nearly all entries are of one line: as many of them at once as there are. (The one that the
    // snapshot was taken at goes the other way.)
    const SegmentReader::LineRun good =
        proof.checksum == 0 || proof.sequence < next_sequence ||
                proof.sequence >= next_sequence + SegmentReader::kLinesAhead
            ? reader->GoodLines(next_sequence)
            : SegmentReader::LineRun();
    run->known_durable = std::max(run->known_durable, good.known_durable);
    if constexpr (kLooksAtEntries) {
      for (uint64_t i = 0; i < good.lines; ++i) {
        const uint8_t* entry = reader->here();
        PINNACLE_RETURN_IF_ERROR(take(LoadHeader(entry), entry, kLineBytes));
      }
    } else if (good.lines > 0) {
      if (run->entries == 0) run->first_sequence = next_sequence;
      run->entries += good.lines;
      next_sequence = run->next_sequence = next_sequence + good.lines;
      reader->Advance(good.lines * kLineBytes);
      run->end_offset = reader->offset();
    }

    EntryCheck check;
    const uint8_t* entry = nullptr;
    PINNACLE_RETURN_IF_ERROR(reader->Next(&check, &entry));
    run->state = check.state;
    if (check.state != EntryState::kValid) return Status();
    const EntryHeader header = LoadHeader(entry);
    if (FirstSequenceOf(header, entry) != next_sequence) [[unlikely]] {
      run->wrong_sequence = true;
      return Status();
    }
    const bool in_transaction = (header.flags & kTransactionFlags) != 0;
    if (in_transaction && reader->offset() >= whole_until) [[unlikely]] {
      TransactionLook look;
      PINNACLE_RETURN_IF_ERROR(LookThroughTransaction(reader, next_sequence, transactions, &look));
      if (look.kind != TransactionLook::Kind::kWhole) {
        run->state = look.state;
        run->broken_sequence = look.next_sequence;
        run->transaction_contradicts = look.kind == TransactionLook::Kind::kContradiction;
        return Status();
      }
      whole_until = look.end_offset;
      continue;
    }
    const EntryTrailer trailer = LoadTrailer(entry, check.bytes);
    if (proof.checksum != 0 && header.sequence == proof.sequence && !IsHole(header) &&
        trailer.checksum != proof.checksum) [[unlikely]] {
      run->proof_failed = true;
      return Status();
    }
    run->known_durable = std::max(run->known_durable, DurableClaim(header, trailer));
    PINNACLE_RETURN_IF_ERROR(take(header, entry, check.bytes));
  }
}

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_SEGMENT_RUN_H_
