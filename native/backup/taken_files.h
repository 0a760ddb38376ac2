// How a source's file comes into a backup in progress: copied, or linked if an earlier backup holds
// a file with the same bytes.
#ifndef PINNACLE_BACKUP_TAKEN_FILES_H_
#define PINNACLE_BACKUP_TAKEN_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "backup/backup_directory.h"
#include "backup/copying.h"
#include "backup/manifest.h"
#include "backup/source.h"
#include "base/status.h"
#include "platform/environment.h"

namespace pinnacle {

// A file of the backup in progress.
struct Taken {
  ManifestFile listed{};
  uint32_t state = ~0u;  // checksum register, so that a segment can grow
  bool whole = false;    // nothing will be appended
  bool shared = false;   // shared with an earlier backup
};

class FileTaker {
 public:
  // Earlier backups' files that turn out to be damaged are added to `*damaged_backups`.
  // While `source` has a live writer, copies are synced in pieces.
  FileTaker(const Environment& environment, const WorkControl& control, const SourceJournal& source,
            std::vector<std::string>* damaged_backups)
      : environment_(environment),
        fs_(environment.file_system),
        control_(control),
        source_(source),
        damaged_backups_(*damaged_backups) {}

  // The backup's directory, and those made before.
  void Use(const std::string& directory, const std::vector<FoundBackup>* earlier);

  std::string PathOf(const Taken& taken) const { return directory_ + "/" + NameOf(taken.listed); }

  // A file that will not change. `copy->listed` has its kind, number, id and link.
  Status ShareOrCopy(const File& from, uint64_t bytes, PhaseProgress* progress, Taken* copy);

  // The last segment: its marks may cover entries that are not copied, so the copy gets its own.
  Status CopyEnd(const File& from, const SourceSegment& segment, PhaseProgress* progress,
                 Taken* copy);

 private:
  uint64_t sync_bytes() const { return source_.live ? Copier::kPoliteSyncBytes : UINT64_MAX; }
  Status Share(const std::string& path, uint32_t checksum, uint64_t bytes, Taken* copy);
  const ManifestFile* FindEarlier(const Taken& wanted, uint64_t bytes, std::string* path) const;

  const Environment& environment_;
  FileSystem* const fs_;
  const WorkControl& control_;
  const SourceJournal& source_;
  std::vector<std::string>& damaged_backups_;
  std::string directory_;
  const std::vector<FoundBackup>* earlier_ = nullptr;
};

}  // namespace pinnacle

#endif  // PINNACLE_BACKUP_TAKEN_FILES_H_
