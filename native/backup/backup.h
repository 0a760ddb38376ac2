// Making a backup of a data directory, beside a writer of this or another process, or of a closed
// one.
//
// What it gives: a directory that opens, once restored, to the state at one sequence, which was
// durable in the source when the backup was complete: the newest snapshot that verifies, the
// journal from it on, and a head record that names exactly that.
//
// Invariants:
// - Nothing of the source is changed and no writer waits: what the writer takes away while it is
//   copied (a segment that is compacted and used again, a snapshot that is rotated) is noticed by
//   its identity, and the copying goes on with the newer state, a bounded number of times.
// - Nothing is believed that was not read back: every file is read from the device after it was
//   synced and compared with what was copied, and the journal is verified as a strict open does it.
// - A backup has its name (backup_directory.h) only when all of it is durable. Before that its name
//   is a temporary one, and the next backup removes it.
// - A file of an earlier backup gets a second name in the new one instead of being copied only if
//   the source has the same bytes now, and only after it was read back.
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
  std::string destination;  // made where its last component is missing
  // How far the journal is durable, where the caller has it open; may be null.
  std::function<uint64_t()> durable;
  bool verify = true;  // only the tests' planted defects turn it off
};

struct BackupReport {
  std::string path;
  Manifest manifest;
  uint64_t copied_bytes = 0;  // that stand in the backup and were copied for it
  uint64_t shared_bytes = 0;  // of files that it shares with an earlier backup
  uint64_t shared_files = 0;
  uint64_t restarts = 0;  // times that the writer took away what was being copied
  std::vector<SnapshotFinding> damaged_snapshots;  // newer ones of the source that do not verify
  std::vector<std::string> damaged_backups;        // earlier backups' files that do not verify
};

// kLocked: another backup into this destination is being made. kBusy: the writer took things away
// faster than they could be copied, again and again. kInvalidOperation: the destination holds
// backups of another journal, or is a data directory. kCorrupt, kJournalGap: the source is damaged.
// kIo: what was copied reads back differently. kAborted. Nothing is left behind after an error but
// what can't be removed.
Status MakeBackup(const Environment& environment, const BackupOptions& options,
                  const WorkControl& control, BackupReport* report);

}  // namespace pinnacle

#endif  // PINNACLE_BACKUP_BACKUP_H_
