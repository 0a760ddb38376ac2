// Making a data directory of a backup, as safe to write to as a new one: every segment has real
// blocks in its full size, shares none with the backup, and a strict open finds it clean.
//
// It is built beside its place under a temporary name (`<data directory>.restoring`), read back
// from the device, recovered once, and renamed. So it is there whole or not at all; what a restore
// that was killed has left is removed by the next one.
#ifndef PINNACLE_BACKUP_RESTORE_H_
#define PINNACLE_BACKUP_RESTORE_H_

#include <cstdint>
#include <string>

#include "backup/copying.h"
#include "backup/manifest.h"
#include "base/status.h"
#include "engine/options.h"
#include "platform/environment.h"

namespace pinnacle {

struct RestoreOptions {
  std::string backup;          // one, or a directory of them
  uint64_t sequence = 0;       // the one that restores to this entry; 0: the newest
  std::string data_directory;  // must be missing or empty
};

struct RestoreReport {
  std::string backup;  // that was used
  Manifest manifest;
  RecoveryReport recovery;  // what a strict open of it finds
  uint64_t bytes = 0;       // copied
};

// kAlreadyExists: there is something in the data directory. kNotFound, kBackupCorrupt: no such
// backup, or not one that verifies; an older one is never taken instead. kLocked: another restore
// to the same place is at work. kAborted. Nothing is left behind after an error but what can't be
// removed.
Status RestoreBackup(const Environment& environment, const RestoreOptions& options,
                     const WorkControl& control, RestoreReport* report);

}  // namespace pinnacle

#endif  // PINNACLE_BACKUP_RESTORE_H_
