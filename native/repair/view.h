// A data directory as it will be after the steps of a repair: for examining it before they are
// taken, and next to an interrupted repair. Read-only; changes are refused.
#ifndef PINNACLE_REPAIR_VIEW_H_
#define PINNACLE_REPAIR_VIEW_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "platform/file_system.h"
#include "repair/steps.h"

namespace pinnacle {

class RepairView final : public FileSystem {
 public:
  // `base` outlives the view. Steps that were already taken make no difference.
  static Status Make(FileSystem* base, const std::string& data_directory, const RepairSteps& steps,
                     std::unique_ptr<RepairView>* view);

  Status Open(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) override;
  Status List(const std::string& directory, std::vector<std::string>* names) override;
  Status Exists(const std::string& path, bool* exists) override;
  Status Identify(const std::string& path, FileIdentity* identity) override;
  Status Lock(const std::string& directory, std::unique_ptr<DirectoryLock>* lock) override;
  Status IsLocked(const std::string& directory, bool* is_locked) override;
  std::string MemoryDirectory() const override { return base_->MemoryDirectory(); }
  Status ReadBootId(BootId* id) override { return base_->ReadBootId(id); }
  Status CreateDirectory(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;

 private:
  explicit RepairView(FileSystem* base) : base_(base) {}

  FileSystem* const base_;
  std::map<std::string, std::string> comes_from_;  // a path of the view -> its current path
  std::set<std::string> gone_;                     // paths that the view does not have
};

}  // namespace pinnacle

#endif  // PINNACLE_REPAIR_VIEW_H_
