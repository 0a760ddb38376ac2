// Whether a backup is what its manifest says, by reading all of it.
#ifndef PINNACLE_BACKUP_VERIFICATION_H_
#define PINNACLE_BACKUP_VERIFICATION_H_

#include <string>
#include <vector>

#include "backup/copying.h"
#include "backup/manifest.h"
#include "base/status.h"
#include "platform/environment.h"
#include "snapshot/snapshot_info.h"

namespace pinnacle {

// Reads every file from the device (if the system can drop the page cache) and compares sizes and
// checksums; skips those named in `read_already`. kBackupCorrupt.
Status ReadBack(FileSystem* file_system, const std::string& backup_directory,
                const Manifest& manifest, const std::vector<std::string>& read_already,
                const WorkControl& control);

// The result of a strict open of the journal, every entry verified, without building books: it
// continues the snapshot and ends clean at the manifest's last entry. `snapshot`: the backup's
// snapshot, verified already; null: it is read. kCorrupt, kJournalGap.
Status VerifyJournalOf(const Environment& environment, const std::string& backup_directory,
                       const Manifest& manifest, const SnapshotInfo* snapshot,
                       const WorkControl& control);

}  // namespace pinnacle

#endif  // PINNACLE_BACKUP_VERIFICATION_H_
