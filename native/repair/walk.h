// Walks a damaged journal from its oldest segment to its youngest and decides what is kept of each
// segment: everything that verifies, in its place, with a hole for each loss. It reads, and changes
// nothing.
//
// Two policies:
// - point-in-time keeps the run of entries up to the first loss that the snapshot does not cover;
// - salvage (`past_damage`) keeps every entry that verifies and that the books accept.
// Both keep a transaction whole or drop it whole: one that lacks an entry, that contradicts itself
// or that the books refuse in the middle is lost with all of its sequences.
#ifndef PINNACLE_REPAIR_WALK_H_
#define PINNACLE_REPAIR_WALK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "journal/layout.h"
#include "platform/file_system.h"
#include "snapshot/snapshot_info.h"
#include "state/book_set.h"

namespace pinnacle {

// Lines of a segment that a hole takes.
struct Filler {
  uint64_t begin = 0;  // offsets in the segment
  uint64_t end = 0;
  // The lost sequences; none if last is first - 1.
  uint64_t first_sequence = 0;
  uint64_t last_sequence = 0;
  uint64_t entries_left_out = 0;  // refused by the books, alone or with their transaction
};

// The fate of a segment of the repaired journal.
struct SegmentPlan {
  SegmentFacts facts;           // of the file; `missing`: a new one is made at facts.file
  std::vector<Filler> fillers;  // by offset
  uint64_t end_offset = kSegmentHeaderBytes;  // after the last entry or filler
  bool rest_has_bytes = false;                // bytes that are not kept follow
  uint64_t cut_offset = 0;  // everything from here on becomes zero; 0: nothing does
  uint64_t first_sequence = 0;
  uint64_t next_sequence = 0;  // after the last entry or filler; 0: it has none
  bool relinked = false;       // it gets the link that the next segment names
  uint64_t segment_id = 0;
  uint64_t link = 0;
  uint64_t predecessor_link = 0;
  uint64_t segment_bytes = 0;
  uint64_t marked = 0;  // durable up to here, by the marks of the file

  bool changes() const { return facts.missing || !fillers.empty() || cut_offset != 0 || relinked; }
};

struct WalkOptions {
  bool past_damage = false;
  // The base: the newest snapshot that verifies, or none (sequence 0).
  SnapshotMeta snapshot;
  std::vector<SnapshotMeta> older;  // also verify; only compared with the journal
  uint64_t known_durable = 0;
  uint64_t segment_bytes = kDefaultSegmentBytes;  // of new segments, if no other segment gives it
};

struct WalkResult {
  std::vector<SegmentPlan> segments;         // of the repaired journal, in order
  std::vector<std::string> taken_out;        // segment files that are no longer part of it
  std::vector<Filler> losses;                // fillers that lost entries, in order of sequence
  uint64_t last_sequence = 0;                // the repaired directory opens at this entry
  uint64_t entries_after_damage = 0;         // kept, after the first loss
  uint64_t entries_dropped = 0;              // valid ones that are not kept
  std::vector<uint64_t> contradicted_older;  // sequences of `older` with a different entry
  // The entry at its sequence is a different one, or it is missing and the directory has segments
  // of another copy, whose snapshot it may be.
  bool contradicts_snapshot = false;
};

// `books` hold the snapshot's state, or nothing; afterwards they are at last_sequence. kJournalGap:
// nothing leads to the journal's beginning.
Status WalkJournal(FileSystem* file_system, const Layout& layout, const WalkOptions& options,
                   BookSet* books, WalkResult* result);

}  // namespace pinnacle

#endif  // PINNACLE_REPAIR_WALK_H_
