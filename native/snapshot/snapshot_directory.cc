#include "snapshot/snapshot_directory.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "snapshot/snapshot_reader.h"

namespace pinnacle {

namespace {

constexpr std::string_view kSuffix = ".snapshot";
constexpr size_t kDigits = 20;

// What the name says of a file.
SnapshotFinding Unread(const SnapshotFile& file) {
  SnapshotFinding finding;
  finding.info.path = file.path;
  finding.info.meta.sequence = file.sequence;
  return finding;
}

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
                       const JournalId& journal_id, const SnapshotInfo* verified,
                       RotationReport* report) {
  *report = RotationReport();
  keep = std::max<uint64_t>(keep, 1);
  std::vector<SnapshotFile> files;
  PINNACLE_RETURN_IF_ERROR(ListSnapshots(fs, directory, &files));
  std::vector<SnapshotInfo> surplus;  // newest first
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    SnapshotFinding finding = Unread(*file);
    if (verified != nullptr && verified->path == file->path) {
      finding.info = *verified;
    } else {
      finding.status = VerifySnapshotOnDevice(fs, file->path, &finding.info, &journal_id);
    }
    if (finding.status.code() == Code::kNotFound) continue;  // removed since it was listed
    if (!finding.status.ok()) {
      report->damaged.push_back(std::move(finding));
    } else {
      (report->kept.size() < keep ? report->kept : surplus).push_back(std::move(finding.info));
    }
  }
  for (auto info = surplus.rbegin(); info != surplus.rend(); ++info) {
    PINNACLE_RETURN_IF_ERROR(fs->Remove(info->path));
    PINNACLE_RETURN_IF_ERROR(fs->SyncDirectory(directory));
  }
  report->removed = std::move(surplus);
  return Status();
}

Status FindOldestSound(FileSystem* fs, const std::vector<SnapshotFile>& oldest_first,
                       const JournalId& journal_id, SnapshotInfo* oldest, bool* found,
                       std::vector<SnapshotFinding>* damaged) {
  *found = false;
  for (const SnapshotFile& file : oldest_first) {
    SnapshotFinding finding = Unread(file);
    finding.status = VerifySnapshotOnDevice(fs, file.path, &finding.info, &journal_id);
    const Code code = finding.status.code();
    if (code == Code::kNotFound) continue;  // rotated away since it was listed
    if (code == Code::kSnapshotCorrupt || code == Code::kNotOurFile) {
      damaged->push_back(std::move(finding));
      continue;
    }
    PINNACLE_RETURN_IF_ERROR(std::move(finding.status));
    *oldest = std::move(finding.info);
    *found = true;
    return Status();
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
