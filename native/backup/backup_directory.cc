#include "backup/backup_directory.h"

#include <algorithm>
#include <cstdio>

#include "platform/path_parts.h"

namespace pinnacle {

namespace {

constexpr std::string_view kSuffix = ".backup";
constexpr std::string_view kTemporarySuffix = ".backup.tmp";
constexpr size_t kNumberDigits = 8;
constexpr size_t kSequenceDigits = 20;

std::string Digits(uint64_t number, size_t digits) {
  char text[kSequenceDigits + 2];
  std::snprintf(text, sizeof(text), "%0*llu", static_cast<int>(digits),
                static_cast<unsigned long long>(number));
  return text;
}

bool ParseDigits(std::string_view text, uint64_t* number) {
  *number = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return false;
    *number = *number * 10 + static_cast<uint64_t>(c - '0');
  }
  return Digits(*number, text.size()) == text;  // else it wrapped
}

}  // namespace

std::string BackupName(uint64_t number, uint64_t last_sequence) {
  return Digits(number, kNumberDigits) + "-" + Digits(last_sequence, kSequenceDigits) +
         std::string(kSuffix);
}

std::string TemporaryBackupName(uint64_t number) {
  return Digits(number, kNumberDigits) + std::string(kTemporarySuffix);
}

bool ParseBackupName(std::string_view name, uint64_t* number, uint64_t* last_sequence) {
  if (name.size() != kNumberDigits + 1 + kSequenceDigits + kSuffix.size()) return false;
  return name.ends_with(kSuffix) && name[kNumberDigits] == '-' &&
         ParseDigits(name.substr(0, kNumberDigits), number) &&
         ParseDigits(name.substr(kNumberDigits + 1, kSequenceDigits), last_sequence) &&
         *number != 0;
}

bool ParseTemporaryBackupName(std::string_view name, uint64_t* number) {
  return name.size() == kNumberDigits + kTemporarySuffix.size() &&
         name.ends_with(kTemporarySuffix) && ParseDigits(name.substr(0, kNumberDigits), number);
}

Status ListBackups(FileSystem* fs, const std::string& destination,
                   std::vector<FoundBackup>* backups) {
  backups->clear();
  std::vector<std::string> names;
  PINNACLE_RETURN_IF_ERROR(fs->List(destination, &names));
  for (const std::string& name : names) {
    FoundBackup found;
    uint64_t last_sequence = 0;
    if (!ParseBackupName(name, &found.number, &last_sequence)) continue;
    found.path = destination + "/" + name;
    found.status = ReadManifest(fs, found.path, &found.manifest);
    if (found.status.code() == Code::kNotFound) {
      found.status = Status(Code::kBackupCorrupt, found.path + " has no manifest");
    }
    const ManifestHeader& header = found.manifest.header;
    if (found.status.ok() &&
        (header.number != found.number || header.last_sequence != last_sequence)) {
      found.status = Status(Code::kBackupCorrupt,
                            found.path + " has the manifest of another backup: it was renamed");
    }
    backups->push_back(std::move(found));
  }
  std::sort(backups->begin(), backups->end(),
            [](const FoundBackup& a, const FoundBackup& b) { return a.number < b.number; });
  return Status();
}

Status FindBackup(FileSystem* fs, const std::string& path, uint64_t sequence, FoundBackup* found) {
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(path, &exists));
  if (!exists) return Status(Code::kNotFound, path + " does not exist; check the path");
  PINNACLE_RETURN_IF_ERROR(fs->Exists(ManifestPath(path), &exists));
  if (exists) {
    *found = FoundBackup();
    found->path = path;
    PINNACLE_RETURN_IF_ERROR(ReadManifest(fs, path, &found->manifest));
    found->number = found->manifest.header.number;
    if (sequence == 0 || found->manifest.header.last_sequence == sequence) return Status();
    return Status(Code::kNotFound, path + " restores to entry " +
                                       std::to_string(found->manifest.header.last_sequence) +
                                       ", not to " + std::to_string(sequence));
  }
  std::vector<FoundBackup> backups;
  PINNACLE_RETURN_IF_ERROR(ListBackups(fs, path, &backups));
  std::string there;
  for (auto it = backups.rbegin(); it != backups.rend(); ++it) {
    uint64_t number = 0;
    uint64_t named = 0;
    ParseBackupName(BaseName(it->path), &number, &named);
    if (sequence != 0 && named != sequence) {
      there += (there.empty() ? "" : ", ") + std::to_string(named);
      continue;
    }
    if (!it->status.ok()) return it->status;
    *found = std::move(*it);
    return Status();
  }
  if (backups.empty()) {
    return Status(Code::kNotFound,
                  path + " holds no complete backup; make one with `pinnacle backup`");
  }
  return Status(Code::kNotFound, path + " holds no backup that restores to entry " +
                                     std::to_string(sequence) + "; existing ones restore to " +
                                     there);
}

Status RemoveTree(FileSystem* fs, const std::string& path) {
  // Tries it as a file first: a link to a directory must not be followed.
  if (Status removed = fs->Remove(path); removed.ok() || removed.code() == Code::kNotFound) {
    return Status();
  }
  std::vector<std::string> names;
  PINNACLE_RETURN_IF_ERROR(fs->List(path, &names));
  for (const std::string& name : names) {
    PINNACLE_RETURN_IF_ERROR(RemoveTree(fs, path + "/" + name));
  }
  return fs->RemoveDirectory(path);
}

Status RemoveStaleBackups(FileSystem* fs, const std::string& destination, uint64_t* highest) {
  *highest = 0;
  std::vector<std::string> names;
  PINNACLE_RETURN_IF_ERROR(fs->List(destination, &names));
  for (const std::string& name : names) {
    uint64_t number = 0;
    uint64_t last_sequence = 0;
    const bool stale = ParseTemporaryBackupName(name, &number);
    if (!stale && !ParseBackupName(name, &number, &last_sequence)) continue;
    *highest = std::max(*highest, number);
    if (stale) (void)RemoveTree(fs, destination + "/" + name);
  }
  return Status();
}

}  // namespace pinnacle
