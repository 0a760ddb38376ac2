// The directory that holds backups: one subdirectory each,
// `<number, 8 digits>-<last sequence, 20 digits>.backup`, and `<number>.backup.tmp` while it is
// being made. Numbers increase in the order in which the backups were made, whatever the clock
// said.
//
// The process that makes a backup holds LOCK there. So any temporary name found when the lock is
// taken was left by a backup that ended early.
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
  Status status;  // ok: the manifest verifies and matches the name; the files were not read
};

// Everything with the name of a backup, in the order in which they were made.
Status ListBackups(FileSystem* file_system, const std::string& destination,
                   std::vector<FoundBackup>* backups);

// The backup at `path`, or the newest one in it; with a nonzero `sequence`, the newest one that
// restores to that. kNotFound (the message lists the existing ones); kBackupCorrupt: the manifest
// of the chosen one does not verify. An older one is never used in its place.
Status FindBackup(FileSystem* file_system, const std::string& path, uint64_t sequence,
                  FoundBackup* found);

// Removes a directory with all of its content; links are removed and not followed. kNotFound does
// not count as an error.
Status RemoveTree(FileSystem* file_system, const std::string& path);

// Removes all temporary names, best effort; `*highest` is the highest number in use.
Status RemoveStaleBackups(FileSystem* file_system, const std::string& destination,
                          uint64_t* highest);

}  // namespace pinnacle

#endif  // PINNACLE_BACKUP_BACKUP_DIRECTORY_H_
