#include "snapshot/snapshot_directory.h"

#include <algorithm>
#include <cstdio>

namespace pinnacle {

namespace {

constexpr std::string_view kSuffix = ".snapshot";
constexpr size_t kDigits = 20;

}  // namespace

std::string SnapshotName(uint64_t sequence) {
  char digits[kDigits + 1];
  std::snprintf(digits, sizeof(digits), "%020llu", static_cast<unsigned long long>(sequence));
  return std::string(digits) + std::string(kSuffix);
}

bool ParseSnapshotName(std::string_view name, uint64_t* sequence) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return false;
  *sequence = 0;
  for (char c : name.substr(0, kDigits)) {
    if (c < '0' || c > '9') return false;
    *sequence = *sequence * 10 + static_cast<uint64_t>(c - '0');
  }
  // A number that does not fit would have wrapped around.
  return *sequence != 0 && SnapshotName(*sequence) == name;
}

Status ListSnapshots(FileSystem* fs, const std::string& directory,
                     std::vector<SnapshotFile>* files) {
  files->clear();
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(directory, &exists));
  if (!exists) return Status();
  std::vector<std::string> names;
  PINNACLE_RETURN_IF_ERROR(fs->List(directory, &names));
  for (const std::string& name : names) {
    uint64_t sequence = 0;
    if (ParseSnapshotName(name, &sequence)) files->push_back({sequence, directory + "/" + name});
  }
  std::sort(files->begin(), files->end(),
            [](const SnapshotFile& a, const SnapshotFile& b) { return a.sequence < b.sequence; });
  return Status();
}

Status RotateSnapshots(FileSystem* fs, const std::string& directory, uint64_t keep,
                       std::vector<uint64_t>* kept_sequences) {
  kept_sequences->clear();
  keep = std::max<uint64_t>(keep, 1);
  std::vector<SnapshotFile> files;
  PINNACLE_RETURN_IF_ERROR(ListSnapshots(fs, directory, &files));
  for (size_t i = 0; i < files.size(); ++i) {
    if (i + keep >= files.size()) {
      kept_sequences->push_back(files[i].sequence);
      continue;
    }
    PINNACLE_RETURN_IF_ERROR(fs->Remove(files[i].path));
    PINNACLE_RETURN_IF_ERROR(fs->SyncDirectory(directory));
  }
  return Status();
}

Status RemoveStaleSnapshots(FileSystem* fs, const std::string& directory) {
  std::vector<std::string> names;
  PINNACLE_RETURN_IF_ERROR(fs->List(directory, &names));
  for (const std::string& name : names) {
    if (name.ends_with(std::string(kSuffix) + kSnapshotTemporarySuffix)) {
      PINNACLE_RETURN_IF_ERROR(fs->Remove(directory + "/" + name));
    }
  }
  return Status();
}

}  // namespace pinnacle
