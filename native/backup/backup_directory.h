// The directory that holds backups: one subdirectory each,
// `<number, 8 digits>-<last sequence, 20 digits>.backup`, and `<number>.backup.tmp` while it is
// made. Numbers count up in the order in which the backups were made, whatever the clock said.
//
// Whoever makes a backup holds LOCK there. So whatever has a temporary name when the lock is taken
// was left by one that ended early.
#ifndef PINNACLE_BACKUP_BACKUP_DIRECTORY_H_
#define PINNACLE_BACKUP_BACKUP_DIRECTORY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backup/manifest.h"
#include "base/status.h"
#include "platform/file_system.h"

namespace pinnacle {

std::string BackupName(uint64_t number, uint64_t last_sequence);
std::string TemporaryBackupName(uint64_t number);
bool ParseBackupName(std::string_view name, uint64_t* number, uint64_t* last_sequence);
bool ParseTemporaryBackupName(std::string_view name, uint64_t* number);

struct FoundBackup {
  std::string path;
  uint64_t number = 0;
  Manifest manifest;
  Status status;  // ok: the manifest verifies, and is that of the name; the files were not read
};

// What has the name of a backup, in the order in which they were made.
Status ListBackups(FileSystem* file_system, const std::string& destination,
                   std::vector<FoundBackup>* backups);

// The backup that `path` is, or the newest one in it; with `sequence` not 0 the newest one that
// restores to that. kNotFound (the message says which there are); kBackupCorrupt: the one that is
// meant has no manifest that verifies. An older one is never taken in its place.
Status FindBackup(FileSystem* file_system, const std::string& path, uint64_t sequence,
                  FoundBackup* found);

// Removes a directory with all that is in it; links are removed and not followed. kNotFound is no
// error.
Status RemoveTree(FileSystem* file_system, const std::string& path);

// The same of temporary names, best effort; `*highest` is the highest number in use.
Status RemoveStaleBackups(FileSystem* file_system, const std::string& destination,
                          uint64_t* highest);

// "/a/b" of "/a/b/c"; "." of "c".
std::string ParentDirectory(const std::string& path);

}  // namespace pinnacle

#endif  // PINNACLE_BACKUP_BACKUP_DIRECTORY_H_
