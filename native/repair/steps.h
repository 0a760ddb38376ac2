// The steps by which a repair takes effect: which files go to quarantine, and which ones replace
// them. The list is written and synced before the first step, and every step can be repeated: the
// next open finishes a repair that was killed. Until the list exists, the directory is unchanged.
//
// `<data>/REPAIR` is text: a first line, a line for each move (`out <from> <to>`, `in <from> <to>`,
// paths below the data directory), and the checksum of everything before it.
#ifndef PINNACLE_REPAIR_STEPS_H_
#define PINNACLE_REPAIR_STEPS_H_

#include <string>
#include <vector>

#include "base/status.h"
#include "platform/file_system.h"

namespace pinnacle {

// A file's path below the data directory, before and after. `to` is unused until the step is taken.
struct Move {
  std::string from;
  std::string to;
};

struct RepairSteps {
  std::vector<Move> out;  // to quarantine; these come first
  std::vector<Move> in;   // prepared files, into place
};

std::string StepsPath(const std::string& data_directory);

inline constexpr char kRepairSuffix[] = ".repair";  // of a file that was prepared

// `*found` is false if there is no list. kCorrupt: it does not verify.
Status ReadSteps(FileSystem* file_system, const std::string& data_directory, bool* found,
                 RepairSteps* steps);

// Makes the list durable. From here on the repair will be finished.
Status WriteSteps(FileSystem* file_system, const std::string& data_directory,
                  const RepairSteps& steps);

// Takes the remaining steps, each group durable before the next begins, and removes the list.
Status FinishSteps(FileSystem* file_system, const std::string& data_directory,
                   const RepairSteps& steps);

// Under the directory's lock: finishes a repair that was interrupted (`*finished`), and removes the
// files of one that never wrote its list.
Status FinishRepair(FileSystem* file_system, const std::string& data_directory, bool* finished);

}  // namespace pinnacle

#endif  // PINNACLE_REPAIR_STEPS_H_
