// Recovery: from the files of a data directory to the books at its last good entry, and to the
// place where the journal goes on.
//
// ReadState only reads. PlanContinuation decides by policy what writing would have to cut; it
// writes the copies that a policy demands, and nothing else. The cut itself is the journal's
// (JournalPosition).
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
  ScanResult scan;
};

std::string SnapshotDirectory(const std::string& data_directory);

// Restores the newest snapshot that verifies and replays the journal behind it. Damage of the
// journal's tail is in `report` and `state->scan`, not in the Status. kJournalGap: no snapshot
// reaches to where the journal begins. `salvage`: also applies what verifies and fits behind a
// break.
Status ReadState(const Environment& environment, const std::string& data_directory,
                 uint64_t expected_orders, bool salvage, const ProgressFunction& progress,
                 RecoveredState* state, RecoveryReport* report);

// kCorrupt where the policy is strict and the journal is corrupt.
Status PlanContinuation(const Environment& environment, const EngineOptions& options,
                        RecoveredState* state, RecoveryReport* report, JournalPosition* position);

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_RECOVERY_H_
