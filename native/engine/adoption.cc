#include "engine/adoption.h"

#include <string>
#include <utility>

#include "base/guarded.h"
#include "engine/options.h"
#include "journal/head_record.h"
#include "journal/journal.h"
#include "platform/path_parts.h"

namespace pinnacle {

Status AdoptWindow(const Environment& environment, const EngineOptions& options, bool dry_run,
                   Adoption* adoption) {
  std::vector<std::string> directories{environment.file_system->MemoryDirectory()};
  if (!options.journal.window.directory.empty()) {
    directories.push_back(options.journal.window.directory);
  }
  Status planned = Guarded([&] {
    return PlanAdoption(environment, options.data_directory, directories, !dry_run, adoption);
  });
  if (planned.code() == Code::kCorrupt && options.policy != RecoveryPolicy::kStrict) {
    adoption->finding.fate = WindowFate::kRefused;
    adoption->finding.reason = std::string(planned.message());
    return Status();
  }
  PINNACLE_RETURN_IF_ERROR(std::move(planned));
  return dry_run ? Status() : Adopt(environment.file_system, *adoption);
}

// A window that was used goes; one that may have entries which nothing else has is kept by another
// name.
static void PutAway(FileSystem* fs, Adoption* adoption) {
  WindowFinding& finding = adoption->finding;
  if (finding.fate == WindowFate::kUsed && finding.reason.empty()) (void)fs->Remove(finding.path);
  Bury(fs, &finding);
  adoption->file.reset();
}

void DisposeOfWindow(const Environment& environment, const EngineOptions& options,
                     const Journal& journal, Adoption* adoption) {
  FileSystem* fs = environment.file_system;
  PutAway(fs, adoption);
  const WindowFinding& finding = adoption->finding;
  // One that could not be put aside would be taken for a leftover.
  if (finding.fate == WindowFate::kRefused && IsWindowName(BaseName(finding.path))) return;
  FileIdentity own;
  if (!fs->Identify(options.data_directory, &own).ok()) return;
  const WindowId kept = journal.window() != nullptr ? journal.window()->id() : WindowId();
  for (const std::string& directory : {options.journal.window.directory, fs->MemoryDirectory()}) {
    if (directory.empty()) continue;
    RemoveLeftWindows(fs, directory, own, journal.id().low, journal.id().high, kept);
  }
}

Status DisposeOfUnnamedWindow(FileSystem* fs, const std::string& data_directory,
                              Adoption* adoption) {
  HeadFinding head;
  PINNACLE_RETURN_IF_ERROR(ReadHead(fs, data_directory, &head));
  if (head.valid && NamesWindow(head.record)) return Status();
  PutAway(fs, adoption);
  return Status();
}

Status Adopt(FileSystem* fs, const Adoption& adoption) {
  for (const AdoptionPiece& piece : adoption.pieces) {
    std::unique_ptr<File> file;
    PINNACLE_RETURN_IF_ERROR(fs->Open(piece.path, OpenMode::kReadWrite, &file));
    PINNACLE_RETURN_IF_ERROR(file->Preallocate(piece.segment_bytes));
    PINNACLE_RETURN_IF_ERROR(file->Write(piece.offset, piece.bytes));
    PINNACLE_RETURN_IF_ERROR(file->Sync());
  }
  return Status();
}

void Bury(FileSystem* fs, WindowFinding* finding) {
  const bool is_damaged = finding->fate == WindowFate::kUsed && !finding->reason.empty();
  if (finding->is_others || !(is_damaged || finding->fate == WindowFate::kRefused)) return;
  if (!IsWindowName(BaseName(finding->path))) return;  // it is already
  const std::string buried = RefusedName(finding->path);
  if (fs->Rename(finding->path, buried).ok()) finding->path = buried;
}

}  // namespace pinnacle
