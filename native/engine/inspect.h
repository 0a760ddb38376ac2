// What is in a data directory, every byte of it verified, nothing changed; and what a strict open
// would make of it. Works without the lock, beside a writer too: it then looks again until what it
// sees was not changed meanwhile, so that a segment that was compacted away, or an entry that is
// just being stored, is not taken for damage.
#ifndef PINNACLE_ENGINE_INSPECT_H_
#define PINNACLE_ENGINE_INSPECT_H_

#include <string>
#include <vector>

#include "engine/options.h"
#include "engine/recovery.h"
#include "platform/environment.h"

namespace pinnacle {

struct InspectReport {
  bool locked = false;
  JournalId journal_id;
  bool has_journal_id = false;
  ScanResult scan;  // of all segments
  uint64_t spares = 0;
  std::vector<SnapshotFinding> snapshots;
  RecoveryReport recovery;  // what open would find under the strict policy
  Status recovery_status;   // why open would refuse; ok: it would not
  // The window that the last writer left and the next open takes: the report is of the files with
  // its entries.
  WindowFinding window;
  bool repair_pending = false;  // one was interrupted; the report is of what open will finish
};

// kBusy: a writer changed every view while it was read.
Status Inspect(const Environment& environment, const std::string& data_directory,
               const ProgressFunction& progress, InspectReport* report);

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_INSPECT_H_
