// Making a backup of a data directory: of a closed one, or alongside a live writer in this or
// another process.
//
// The result is a directory that, once restored, opens to the state at one sequence, which was
// durable in the source when the backup was complete: the newest snapshot that verifies, the
// journal from it on, and a head record that names exactly these.
//
// Invariants:
// - The source is not changed and no writer waits. If the writer takes away what is being copied (a
//   segment that is compacted and reused, a snapshot that is rotated), its identity shows it, and
//   copying continues with the newer state, a bounded number of times.
// - Everything is read back: each file is read from the device after it was synced and compared
//   with what was copied, and the journal is verified as in a strict open.
// - A backup gets its name (backup_directory.h) only when all of it is durable. Before that it has
//   a temporary name, and the next backup removes it.
// - A file of an earlier backup is linked into the new one instead of being copied only if the
//   source has the same bytes now, and only after it was read back.
#ifndef PINNACLE_BACKUP_BACKUP_H_
#define PINNACLE_BACKUP_BACKUP_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "backup/copying.h"
#include "backup/manifest.h"
#include "base/status.h"
#include "platform/environment.h"
#include "snapshot/snapshot_info.h"

namespace pinnacle {

struct BackupOptions {
  std::string data_directory;
  std::string destination;  // created if its last component is missing
  // The durable frontier, if the caller has the journal open; may be null.
  std::function<uint64_t()> durable;
  bool verify = true;  // only the tests' planted defects turn it off
};

struct BackupReport {
  std::string path;
  Manifest manifest;
  uint64_t copied_bytes = 0;  // of the backup's files that were copied for it
  uint64_t shared_bytes = 0;  // of files that it shares with an earlier backup
  uint64_t shared_files = 0;
  uint64_t restarts = 0;  // times the writer took away what was being copied
  std::vector<SnapshotFinding> damaged_snapshots;  // newer ones of the source that do not verify
  std::vector<std::string> damaged_backups;        // earlier backups' files that do not verify
};

// kLocked: another backup into this destination is being made. kBusy: the writer repeatedly took
// files away faster than they could be copied. kInvalidOperation: the destination holds backups of
// another journal, or is a data directory. kCorrupt, kJournalGap: the source is damaged. kIo: a
// copy reads back differently. kAborted. After an error only files that can't be removed remain.
Status MakeBackup(const Environment& environment, const BackupOptions& options,
                  const WorkControl& control, BackupReport* report);

}  // namespace pinnacle

#endif  // PINNACLE_BACKUP_BACKUP_H_
