// What a repair must build on, derived from a reading of a damaged disk by the rules that
// native/repair/trust.h and walk.h state: the snapshot, the segments that count, and every entry
// that verifies in them.
#ifndef PINNACLE_SIMULATOR_REPAIR_RULES_H_
#define PINNACLE_SIMULATOR_REPAIR_RULES_H_

#include <cstdint>
#include <vector>

#include "simulator/disk_reading.h"
#include "simulator/strict_rules.h"

namespace pinnacle::simulation {

struct RepairBasis {
  // Nothing leads to the journal's beginning: every policy must refuse.
  bool gap = false;
  uint64_t snapshot = 0;              // the newest sound one that the journal does not contradict
  std::vector<DiskSegment> segments;  // of the journal, with those before a foreign head record's
  std::vector<bool> trusted;          // of these
  std::vector<RunEntry> entries;      // valid ones in trusted segments, in the order of the files
  bool in_order = true;               // in each segment they are ordered by sequence
};

RepairBasis FindRepairBasis(DiskReading reading);

}  // namespace pinnacle::simulation

#endif  // PINNACLE_SIMULATOR_REPAIR_RULES_H_
