// One repair of a damaged disk: by an open with a policy, or on its own.
#ifndef PINNACLE_SIMULATOR_REPAIR_OUTCOME_H_
#define PINNACLE_SIMULATOR_REPAIR_OUTCOME_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/options.h"
#include "simulator/disk_image.h"
#include "simulator/simulated_environment.h"

namespace pinnacle::simulation {

struct RepairOutcome {
  RecoveryPolicy policy = RecoveryPolicy::kSalvage;
  bool by_itself = false;  // no open continues the journal after it
  Status status;
  // What it reports:
  uint64_t last = 0;
  uint64_t snapshot = 0;
  std::vector<Hole> holes;
  uint64_t entries_dropped = 0;
  uint64_t entries_after_damage = 0;
  std::string quarantine;
  DiskImage disk;  // what a power cut right after it leaves

  bool is_salvage() const { return policy == RecoveryPolicy::kSalvage; }
  std::string who() const { return is_salvage() ? "salvage: " : "point-in-time: "; }
};

// Repairs the disk of `world` according to outcome->policy and by_itself.
void Repair(SimulatedEnvironment& world, EngineOptions options, RepairOutcome* outcome);

// How a dry run's report differs from what the repair then did; "" if it does not.
std::string DifferenceOfDryRun(SimulatedEnvironment& world, EngineOptions options,
                               const RepairOutcome& outcome);

// A file that was taken out of use and is not in quarantine unchanged; "" if there is none.
// `moved`: the repair only moved files, so every file is either in its place or in quarantine.
std::string MissingFromQuarantine(const DiskImage& before, const DiskImage& after, bool moved);

}  // namespace pinnacle::simulation

#endif  // PINNACLE_SIMULATOR_REPAIR_OUTCOME_H_
