// What keeps a writer out of a backup: the file `BACKUP`, which is in a backup's directory from its
// creation on, empty until the backup is finished. The files beside it may have names in
// other backups too, so a writer would change those as well.
#ifndef PINNACLE_ENGINE_BACKUP_MARK_H_
#define PINNACLE_ENGINE_BACKUP_MARK_H_

#include <string>

#include "base/status.h"
#include "platform/file_system.h"

namespace pinnacle {

std::string ManifestPath(const std::string& backup_directory);

// kIsBackup if `data_directory` is a backup, finished or not.
Status RefuseBackup(FileSystem* file_system, const std::string& data_directory);

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_BACKUP_MARK_H_
