#include "repair/steps.h"

#include <cstdio>
#include <memory>
#include <set>
#include <sstream>

#include "checksum/crc32c.h"
#include "platform/path_parts.h"
#include "platform/read_fully.h"

namespace pinnacle {

namespace {

constexpr char kFirstLine[] = "pinnacle repair 1\n";

std::string ChecksumLine(const std::string& text) {
  char line[32];
  std::snprintf(line, sizeof(line), "crc32c %08x\n",
                Crc32c({reinterpret_cast<const uint8_t*>(text.data()), text.size()}));
  return line;
}

std::string Encode(const RepairSteps& steps) {
  std::string text = kFirstLine;
  for (const Move& move : steps.out) text += "out " + move.from + " " + move.to + "\n";
  for (const Move& move : steps.in) text += "in " + move.from + " " + move.to + "\n";
  return text + ChecksumLine(text);
}

bool Decode(const std::string& text, RepairSteps* steps) {
  const size_t end = text.rfind("crc32c ");
  if (end == std::string::npos || !text.starts_with(kFirstLine)) return false;
  const std::string body = text.substr(0, end);
  if (text.substr(end) != ChecksumLine(body)) return false;
  std::istringstream lines(body.substr(sizeof(kFirstLine) - 1));
  std::string kind;
  Move move;
  while (lines >> kind >> move.from >> move.to) {
    if (kind != "out" && kind != "in") return false;
    (kind == "out" ? steps->out : steps->in).push_back(move);
  }
  return true;
}

Status SyncParents(FileSystem* fs, const std::string& data_directory,
                   const std::vector<Move>& moves) {
  // New names first: a file must not lose its only name.
  std::set<std::string> targets;
  std::set<std::string> sources;
  for (const Move& move : moves) {
    targets.insert(ParentOf(data_directory + "/" + move.to));
    sources.insert(ParentOf(data_directory + "/" + move.from));
  }
  for (const std::string& path : targets) PINNACLE_RETURN_IF_ERROR(fs->SyncDirectory(path));
  for (const std::string& path : sources) PINNACLE_RETURN_IF_ERROR(fs->SyncDirectory(path));
  return Status();
}

// A move whose source is gone is done.
Status TakeMoves(FileSystem* fs, const std::string& data_directory, const std::vector<Move>& moves,
                 bool replaces) {
  for (const Move& move : moves) {
    const std::string from = data_directory + "/" + move.from;
    const std::string to = data_directory + "/" + move.to;
    bool source = false;
    bool target = false;
    PINNACLE_RETURN_IF_ERROR(fs->Exists(from, &source));
    PINNACLE_RETURN_IF_ERROR(fs->Exists(to, &target));
    if (!source && !target) {
      return Status(Code::kCorrupt, "a repair was interrupted and can't be finished: " + from +
                                        " and " + to +
                                        " are both missing; restore the directory from a backup");
    }
    // (A file now at the source of a quarantined one was put there since.)
    if (source && (replaces || !target)) PINNACLE_RETURN_IF_ERROR(fs->Rename(from, to));
  }
  return SyncParents(fs, data_directory, moves);
}

Status RemovePrepared(FileSystem* fs, const std::string& directory) {
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(directory, &exists));
  if (!exists) return Status();
  std::vector<std::string> names;
  PINNACLE_RETURN_IF_ERROR(fs->List(directory, &names));
  for (const std::string& name : names) {
    if (name.ends_with(kRepairSuffix)) {
      PINNACLE_RETURN_IF_ERROR(fs->Remove(directory + "/" + name));
    }
  }
  return Status();
}

}  // namespace

std::string StepsPath(const std::string& data_directory) { return data_directory + "/REPAIR"; }

Status ReadSteps(FileSystem* fs, const std::string& data_directory, bool* found,
                 RepairSteps* steps) {
  *found = false;
  *steps = RepairSteps();
  const std::string path = StepsPath(data_directory);
  std::unique_ptr<File> file;
  Status opened = fs->Open(path, OpenMode::kRead, &file);
  if (opened.code() == Code::kNotFound) return Status();
  PINNACLE_RETURN_IF_ERROR(std::move(opened));
  uint64_t size = 0;
  PINNACLE_RETURN_IF_ERROR(file->Size(&size));
  constexpr uint64_t kMostBytes = 256 * 1024 * 1024;
  std::string text(static_cast<size_t>(size < kMostBytes ? size : 0), '\0');
  size_t bytes_read = 0;
  PINNACLE_RETURN_IF_ERROR(
      ReadFully(*file, 0, {reinterpret_cast<uint8_t*>(text.data()), text.size()}, &bytes_read));
  if (bytes_read != text.size() || !Decode(text, steps)) {
    return Status(Code::kCorrupt,
                  path +
                      ", the steps of a repair that was interrupted, does not verify; look at "
                      "quarantine/ and restore the directory from a backup");
  }
  *found = true;
  return Status();
}

Status WriteSteps(FileSystem* fs, const std::string& data_directory, const RepairSteps& steps) {
  const std::string path = StepsPath(data_directory);
  const std::string temporary = path + kRepairSuffix;
  const std::string text = Encode(steps);
  std::unique_ptr<File> file;
  PINNACLE_RETURN_IF_ERROR(fs->Open(temporary, OpenMode::kCreate, &file));
  PINNACLE_RETURN_IF_ERROR(
      file->Write(0, {reinterpret_cast<const uint8_t*>(text.data()), text.size()}));
  PINNACLE_RETURN_IF_ERROR(file->Sync());
  PINNACLE_RETURN_IF_ERROR(fs->Rename(temporary, path));
  return fs->SyncDirectory(data_directory);
}

Status FinishSteps(FileSystem* fs, const std::string& data_directory, const RepairSteps& steps) {
  PINNACLE_RETURN_IF_ERROR(TakeMoves(fs, data_directory, steps.out, false));
  PINNACLE_RETURN_IF_ERROR(TakeMoves(fs, data_directory, steps.in, true));
  PINNACLE_RETURN_IF_ERROR(fs->Remove(StepsPath(data_directory)));
  return fs->SyncDirectory(data_directory);
}

Status FinishRepair(FileSystem* fs, const std::string& data_directory, bool* finished) {
  RepairSteps steps;
  PINNACLE_RETURN_IF_ERROR(ReadSteps(fs, data_directory, finished, &steps));
  if (*finished) return FinishSteps(fs, data_directory, steps);
  for (const char* part : {"", "/journal", "/snapshots"}) {
    PINNACLE_RETURN_IF_ERROR(RemovePrepared(fs, data_directory + part));
  }
  return Status();
}

}  // namespace pinnacle
