// What a writer that ended without closing left in its window: found, judged, and written to the
// segment files before anything else is read.
//
// A window is taken only if it is certainly the directory's own and up to date: named by the head
// record, of this boot, of this directory and epoch, not locked, and byte-equal to the files in
// every line that both have. Positions come from the bytes alone. A window that the head record
// names but that is not taken is reported, with the reason.
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

// Bytes to write, and the file and offset that they go to.
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

// Looks only. kCorrupt: the files end before the first byte that the window has, so they have lost
// what was written to them. `directories`: more places to look in, besides the one that the head
// record names. `takes`: the caller holds the directory's lock and writes next, so the window is
// locked too; kLocked: something else holds it. A caller that only looks locks nothing.
Status PlanAdoption(const Environment& environment, const std::string& data_directory,
                    const std::vector<std::string>& directories, bool takes, Adoption* adoption);

// Writes the pieces and makes them durable. Under the directory's lock.
Status Adopt(FileSystem* file_system, const Adoption& adoption);

// Plans and adopts: the first step of opening and of repairing. Unless the policy is strict, a
// window that can't be used does not keep the caller from going on with the files. `dry_run`: plans
// only.
Status AdoptWindow(const Environment& environment, const EngineOptions& options, bool dry_run,
                   Adoption* adoption);

// Renames a refused window so that nothing takes or removes it from then on; updates the finding's
// path.
void Bury(FileSystem* file_system, WindowFinding* finding);

// Call it once no head record names the window. It removes a window that was used, buries one that
// was refused, and removes leftovers of this directory. `journal`: the one that is open now.
void DisposeOfWindow(const Environment& environment, const EngineOptions& options,
                     const Journal& journal, Adoption* adoption);
// The same for a directory without a writer, if its head record no longer names a window.
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
