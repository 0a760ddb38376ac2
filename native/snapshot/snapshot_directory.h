// The snapshot files of a data directory: names, listing, rotation, and which to trust.
#ifndef PINNACLE_SNAPSHOT_SNAPSHOT_DIRECTORY_H_
#define PINNACLE_SNAPSHOT_SNAPSHOT_DIRECTORY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "platform/file_system.h"
#include "snapshot/snapshot_info.h"

namespace pinnacle {

inline constexpr char kSnapshotTemporarySuffix[] = ".tmp";

std::string SnapshotDirectory(const std::string& data_directory);
std::string SnapshotName(uint64_t sequence);  // "00000000000000000042.snapshot"
bool ParseSnapshotName(std::string_view name, uint64_t* sequence);

struct SnapshotFile {
  uint64_t sequence;
  std::string path;
};

// By sequence, oldest first. A missing directory has none.
Status ListSnapshots(FileSystem* file_system, const std::string& directory,
                     std::vector<SnapshotFile>* files);

// All lists are newest first.
struct RotationReport {
  std::vector<SnapshotInfo> kept;
  std::vector<SnapshotInfo> removed;
  std::vector<SnapshotFinding> damaged;
};

// Keeps the newest `keep` (at least one) that verify as snapshots of `journal_id`, and removes the
// older ones that verify, oldest first, each removal durable before the next. Files that don't
// verify are not counted and not removed: they are evidence, which `pinnacle repair` moves away.
// Reads every file except `verified` (or null), which the caller has just read back.
Status RotateSnapshots(FileSystem* file_system, const std::string& directory, uint64_t keep,
                       const JournalId& journal_id, const SnapshotInfo* verified,
                       RotationReport* report);

// The oldest snapshot that verifies, read from the device now. Files with kSnapshotCorrupt or
// kNotOurFile are added to `damaged` and skipped; any other error is returned, since the file may
// well be good. `*found` is false if none verifies.
Status FindOldestSound(FileSystem* file_system, const std::vector<SnapshotFile>& oldest_first,
                       const JournalId& journal_id, SnapshotInfo* oldest, bool* found,
                       std::vector<SnapshotFinding>* damaged);

// Removes temporary files that a crash left. The caller must hold the data directory's lock.
Status RemoveStaleSnapshots(FileSystem* file_system, const std::string& directory);

}  // namespace pinnacle

#endif  // PINNACLE_SNAPSHOT_SNAPSHOT_DIRECTORY_H_
