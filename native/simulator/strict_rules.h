// What docs/format.md and docs/recovery.md demand of a strict open, derived from a reading of the
// disk: a second opinion that does not know the disk's history.
#ifndef PINNACLE_SIMULATOR_STRICT_RULES_H_
#define PINNACLE_SIMULATOR_STRICT_RULES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "simulator/disk_reading.h"

namespace pinnacle::simulation {

// One entry of the run of good entries that a strict open recovers.
struct RunEntry {
  size_t segment = 0;  // in DiskReading::segments
  DiskEntry entry;
};

struct StrictVerdict {
  // Why a strict open must be refused; empty if nothing demands it.
  std::string refusal;
  // Only zeros follow the run: the end is neither torn nor damaged.
  bool ends_in_zeros = true;
  // Neither a journal nor any part of one exists.
  bool is_new = false;
  uint64_t snapshot = 0;      // the newest sound one of this journal
  uint64_t end = 0;           // the sequence that the run ends at
  uint64_t witnessed = 0;     // the disk shows that the journal was durable up to here
  std::vector<RunEntry> run;  // from the segment of the snapshot's entry on
};

StrictVerdict JudgeByTheBook(const DiskReading& reading);

// The journal id that the directory's files must have; false if nothing gives it.
bool FindJournalId(const DiskReading& reading, DiskJournalId* id);

// Whether a segment differs from the one that the head record names at its index, or is a copy of
// it that was appended to elsewhere.
bool ContradictsHead(const DiskHead& head, uint64_t index, uint64_t id, uint64_t link);

}  // namespace pinnacle::simulation

#endif  // PINNACLE_SIMULATOR_STRICT_RULES_H_
