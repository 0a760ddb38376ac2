// One repair of a damaged disk: by an open with a policy, or by itself.
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
  bool by_itself = false;  // no open goes on writing after it
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

// Repairs what `world` holds; outcome->policy and by_itself say how.
void Repair(SimulatedEnvironment& world, EngineOptions options, RepairOutcome* outcome);

// What a dry run says that differs from what the repair then did; "" where nothing does.
std::string DifferenceOfDryRun(SimulatedEnvironment& world, EngineOptions options,
                               const RepairOutcome& outcome);

// A file that was taken out of use and does not lie in quarantine as it was; "" where none is.
// `moved`: nothing but moves was done, so every file is either in its place or in quarantine.
std::string MissingFromQuarantine(const DiskImage& before, const DiskImage& after, bool moved);

}  // namespace pinnacle::simulation

#endif  // PINNACLE_SIMULATOR_REPAIR_OUTCOME_H_
