#include "engine/backup_mark.h"

namespace pinnacle {

std::string ManifestPath(const std::string& backup_directory) {
  return backup_directory + "/BACKUP";
}

Status RefuseBackup(FileSystem* fs, const std::string& data_directory) {
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(ManifestPath(data_directory), &exists));
  if (!exists) return Status();
  return Status(Code::kIsBackup,
                data_directory +
                    " is a backup, whose files may be shared with other backups: it is never "
                    "written to; make a data directory of it with `pinnacle restore`");
}

}  // namespace pinnacle
