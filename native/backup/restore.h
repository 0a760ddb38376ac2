// Making a data directory from a backup, as safe to write to as a new one: every segment has real
// blocks in its full size, shares none with the backup, and a strict open finds it clean.
//
// It is built next to its destination under a temporary name (`<data directory>.restoring`), read
// back from the device, recovered once, and renamed. So it exists whole or not at all; the next
// restore removes what a killed one has left.
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
  std::string backup;          // a backup, or a directory of them
  uint64_t sequence = 0;       // choose the one that restores to this entry; 0: the newest
  std::string data_directory;  // must be missing or empty
};

struct RestoreReport {
  std::string backup;  // the one used
  Manifest manifest;
  RecoveryReport recovery;  // what a strict open of it finds
  uint64_t bytes = 0;       // copied
};

// kAlreadyExists: the data directory is not empty. kNotFound, kBackupCorrupt: there is no such
// backup, or it does not verify; an older one is never used instead. kLocked: another restore to
// the same place is running. kAborted. After an error only files that can't be removed remain.
Status RestoreBackup(const Environment& environment, const RestoreOptions& options,
                     const WorkControl& control, RestoreReport* report);

}  // namespace pinnacle

#endif  // PINNACLE_BACKUP_RESTORE_H_
