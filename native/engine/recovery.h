// Recovery: from the files of a data directory to the books at its last good entry, and to the
// place at which the journal continues.
//
// ReadState only reads, and judges as a strict open does. PlanContinuation gives the position
// at which writing resumes. Neither changes anything: repair/ mends a damaged directory, the
// journal cuts a torn tail (JournalPosition).
#ifndef PINNACLE_ENGINE_RECOVERY_H_
#define PINNACLE_ENGINE_RECOVERY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/options.h"
#include "journal/journal.h"
#include "journal/scan.h"
#include "platform/environment.h"
#include "snapshot/snapshot_directory.h"
#include "snapshot/snapshot_reader.h"
#include "state/book_set.h"

namespace pinnacle {

struct RecoveredState {
  BookSet books;
  std::vector<uint8_t> user_state;  // from the snapshot
  bool has_snapshot = false;
  SnapshotInfo snapshot;
  JournalId journal_id;
  bool has_journal_id = false;
  uint64_t last_clock_ns = 0;  // of the last entry that was stamped by the clock
  HeadFinding head;
  std::vector<SegmentFacts> leftovers;  // below the oldest: of an interrupted compaction
  std::vector<uint64_t> spares;
  ScanResult scan;
};

// For messages: with which entry the journal begins; 0: with none.
std::string HowItBegins(uint64_t first_sequence);

// The newest snapshot that verifies and is of state->journal_id, if that is known; those that are
// passed over are in the report. `excluded`: paths that are not looked at. Sets journal_id if there
// was none.
Status RestoreNewestSnapshot(const Environment& environment, const std::string& directory,
                             const std::vector<std::string>& excluded, uint64_t expected_orders,
                             RecoveredState* state, RecoveryReport* report);

struct ReadOptions {
  uint64_t expected_orders = 0;
  bool live = false;  // a writer may be at work: see ScanOptions::live
};

// Restores the newest snapshot that verifies and replays the journal from there. Damage of the
// journal is in `report` and `state->scan`, not in the Status: Refusal has the judgement.
// kJournalGap: no snapshot reaches the journal's beginning, or a hole can't be crossed.
Status ReadState(const Environment& environment, const std::string& data_directory,
                 const ReadOptions& options, const ProgressFunction& progress,
                 RecoveredState* state, RecoveryReport* report);

// Why a strict open refuses what ReadState found: kCorrupt; ok if it does not.
Status Refusal(const std::string& data_directory, const RecoveredState& state,
               const RecoveryReport& report);

// The position at which writing resumes, in a directory that Refusal accepts.
JournalPosition PlanContinuation(const std::string& data_directory, const RecoveredState& state);

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_RECOVERY_H_
