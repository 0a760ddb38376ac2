// What a writer that ended without closing left in its window: found, judged, and written to the
// segment files before anything else is read.
//
// A window is taken only where it is certainly the directory's own and of its present: named by the
// head record, of this boot, of this directory and epoch, locked by nobody, and byte-equal to the
// files in every line that both have. Positions are taken from nowhere but the bytes. What is not
// taken although the head record names it is told, with the reason.
#ifndef PINNACLE_ENGINE_ADOPTION_H_
#define PINNACLE_ENGINE_ADOPTION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/window_finding.h"
#include "platform/environment.h"
#include "window/window_files.h"

namespace pinnacle {

class Journal;
struct EngineOptions;

// What is to be written where.
struct AdoptionPiece {
  std::string path;
  uint64_t segment_bytes = 0;
  uint64_t offset = 0;
  std::vector<uint8_t> bytes;
};

struct Adoption {
  WindowFinding finding;
  std::vector<AdoptionPiece> pieces;
  std::unique_ptr<File> file;  // the window's; one that is taken is locked as long as this is open
};

// Looks only. kCorrupt: the files end before what the window has begins, so they have lost what was
// written to them. `directories`: where to look, beside the place that the head record names.
// `takes`: under the directory's lock, to be written then, so the window is locked too; kLocked:
// something else holds it. Whoever only looks locks nothing.
Status PlanAdoption(const Environment& environment, const std::string& data_directory,
                    const std::vector<std::string>& directories, bool takes, Adoption* adoption);

// Writes the pieces and makes them durable. Under the directory's lock.
Status Adopt(FileSystem* file_system, const Adoption& adoption);

// Both of it: what opening and repairing begin with. Where the policy is not strict, a window that
// can't be used keeps nobody from going on with the files. `dry_run`: plans only.
Status AdoptWindow(const Environment& environment, const EngineOptions& options, bool dry_run,
                   Adoption* adoption);

// Gives a window that was refused a name by which nothing takes or removes it any more; the
// finding has its path then.
void Bury(FileSystem* file_system, WindowFinding* finding);

// Once no head record names the window any more: one that was used is removed, one that was refused
// is buried, and so are leftovers of this directory removed. `journal`: the one that is open now.
void DisposeOfWindow(const Environment& environment, const EngineOptions& options,
                     const Journal& journal, Adoption* adoption);
// The same for a directory without a writer, if its head record names no window any more.
Status DisposeOfUnnamedWindow(FileSystem* file_system, const std::string& data_directory,
                              Adoption* adoption);

// The directory as it will be once the pieces are written.
class AdoptedView final : public FileSystem {
 public:
  AdoptedView(FileSystem* base, const Adoption* adoption) : base_(base), adoption_(adoption) {}

  Status Open(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) override;
  Status List(const std::string& directory, std::vector<std::string>* names) override {
    return base_->List(directory, names);
  }
  Status Exists(const std::string& path, bool* exists) override {
    return base_->Exists(path, exists);
  }
  Status Identify(const std::string& path, FileIdentity* identity) override {
    return base_->Identify(path, identity);
  }
  Status IsLocked(const std::string& directory, bool* is_locked) override {
    return base_->IsLocked(directory, is_locked);
  }
  Status Lock(const std::string& directory, std::unique_ptr<DirectoryLock>*) override {
    return Refuse("lock", directory);
  }
  std::string MemoryDirectory() const override { return base_->MemoryDirectory(); }
  Status ReadBootId(BootId* id) override { return base_->ReadBootId(id); }
  Status CreateDirectory(const std::string& path) override { return Refuse("create", path); }
  Status Rename(const std::string& from, const std::string&) override {
    return Refuse("rename", from);
  }
  Status Remove(const std::string& path) override { return Refuse("remove", path); }
  Status SyncDirectory(const std::string& path) override { return Refuse("sync", path); }

 private:
  static Status Refuse(const char* action, const std::string& path) {
    return Status(Code::kInvalidOperation,
                  std::string("cannot ") + action + " '" + path + "': it is only looked at");
  }

  FileSystem* const base_;
  const Adoption* const adoption_;
};

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_ADOPTION_H_
