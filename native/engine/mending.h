// Mends a damaged data directory by a policy: plans with repair/walk.h, prepares the files, reads
// the result back as recovery will, and only then lets it take effect (repair/steps.h). Whatever
// goes out of use lies whole in `<data>/quarantine/<time in ns>/`.
//
// A kill at any moment leaves a directory that opens as before, or as after.
#ifndef PINNACLE_ENGINE_MENDING_H_
#define PINNACLE_ENGINE_MENDING_H_

#include <string>
#include <vector>

#include "base/status.h"
#include "engine/options.h"
#include "platform/environment.h"

namespace pinnacle {

struct MendReport {
  uint64_t last_sequence = 0;            // that the directory opens at afterwards
  uint64_t snapshot_sequence = 0;        // the state's base; 0: none
  std::vector<Hole> holes;               // lost entries that are marked in the journal
  uint64_t lost_tail = 0;                // entries known durable after last_sequence that are lost
  uint64_t entries_after_damage = 0;     // kept although something before them is lost
  uint64_t entries_dropped = 0;          // valid ones that the policy does not keep
  std::vector<std::string> quarantined;  // files, by the paths that they had
  std::vector<DamagedSnapshot> damaged_snapshots;  // among them
  std::string quarantine_directory;                // empty in a dry run
  WindowFinding window;                            // that the directory's last writer left
};

// Under the directory's lock, except for a dry run, which changes nothing. `policy` is not kStrict.
// `known_durable`: what the evidence names. kJournalGap if nothing leads to the journal's
// beginning: nothing is changed then either.
Status Mend(const Environment& environment, const EngineOptions& options, uint64_t known_durable,
            bool dry_run, MendReport* report);

// The same for a directory that is not open, by itself: takes the lock (except for a dry run, which
// asks that no writer has it: kLocked) and finishes a repair that was interrupted.
Status MendDirectory(const Environment& environment, const EngineOptions& options, bool dry_run,
                     MendReport* report);

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_MENDING_H_
