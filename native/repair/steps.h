// The steps by which a repair takes effect: which files go to quarantine, and which ones take their
// places. They are written down, synced, before the first is taken, and every step can be repeated:
// a repair that was killed is finished by the next open, and until the list is there nothing of the
// directory has changed.
//
// `<data>/REPAIR` is text: a first line, a line for each move (`out <from> <to>`, `in <from> <to>`,
// paths below the data directory), and the checksum of all before it.
#ifndef PINNACLE_REPAIR_STEPS_H_
#define PINNACLE_REPAIR_STEPS_H_

#include <string>
#include <vector>

#include "base/status.h"
#include "platform/file_system.h"

namespace pinnacle {

// A file's path below the data directory, before and after. `to` is free until the step is taken.
struct Move {
  std::string from;
  std::string to;
};

struct RepairSteps {
  std::vector<Move> out;  // to quarantine; all of them come first
  std::vector<Move> in;   // what was prepared, into place
};

std::string StepsPath(const std::string& data_directory);

inline constexpr char kRepairSuffix[] = ".repair";  // of a file that was prepared

// `*found` false: there is no list. kCorrupt: it does not verify.
Status ReadSteps(FileSystem* file_system, const std::string& data_directory, bool* found,
                 RepairSteps* steps);

// Makes the list durable. From here on the repair will be finished.
Status WriteSteps(FileSystem* file_system, const std::string& data_directory,
                  const RepairSteps& steps);

// Takes the steps that are left, each group durable before the next begins, and removes the list.
Status FinishSteps(FileSystem* file_system, const std::string& data_directory,
                   const RepairSteps& steps);

// Under the directory's lock: finishes a repair that was interrupted (`*finished`), and removes
// what one that never came to its list has left.
Status FinishRepair(FileSystem* file_system, const std::string& data_directory, bool* finished);

}  // namespace pinnacle

#endif  // PINNACLE_REPAIR_STEPS_H_
