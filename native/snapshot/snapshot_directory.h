// The snapshot files of a data directory: names, listing, rotation.
#ifndef PINNACLE_SNAPSHOT_SNAPSHOT_DIRECTORY_H_
#define PINNACLE_SNAPSHOT_SNAPSHOT_DIRECTORY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "platform/file_system.h"

namespace pinnacle {

inline constexpr char kSnapshotTemporarySuffix[] = ".tmp";

std::string SnapshotName(uint64_t sequence);  // "00000000000000000042.snapshot"
bool ParseSnapshotName(std::string_view name, uint64_t* sequence);

struct SnapshotFile {
  uint64_t sequence;
  std::string path;
};

// By sequence, oldest first. A missing directory has none.
Status ListSnapshots(FileSystem* file_system, const std::string& directory,
                     std::vector<SnapshotFile>* files);

// Keeps the newest `keep` (at least one), removes the others, oldest first, each removal durable
// before the next.
Status RotateSnapshots(FileSystem* file_system, const std::string& directory, uint64_t keep,
                       std::vector<uint64_t>* kept_sequences);

// Removes temporary files that a crash left behind. Only for who holds the data directory's lock.
Status RemoveStaleSnapshots(FileSystem* file_system, const std::string& directory);

}  // namespace pinnacle

#endif  // PINNACLE_SNAPSHOT_SNAPSHOT_DIRECTORY_H_
