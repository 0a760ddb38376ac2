#include "repair/view.h"

#include <algorithm>
#include <utility>

#include "platform/path_parts.h"

namespace pinnacle {

namespace {

Status Refuse(const std::string& path) {
  return Status(Code::kInvalidOperation, path + ": the view of a repair can't be changed");
}

}  // namespace

Status RepairView::Make(FileSystem* base, const std::string& data_directory,
                        const RepairSteps& steps, std::unique_ptr<RepairView>* view) {
  std::unique_ptr<RepairView> made(new RepairView(base));
  made->gone_.insert(StepsPath(data_directory));
  const auto pending = [&](const std::string& from, const std::string& to, bool replaces,
                           bool* is_pending) -> Status {
    bool source = false;
    bool target = false;
    PINNACLE_RETURN_IF_ERROR(base->Exists(from, &source));
    PINNACLE_RETURN_IF_ERROR(base->Exists(to, &target));
    *is_pending = source && (replaces || !target);
    return Status();
  };
  for (const bool in : {false, true}) {
    for (const Move& move : in ? steps.in : steps.out) {
      const std::string from = data_directory + "/" + move.from;
      const std::string to = data_directory + "/" + move.to;
      bool is_pending = false;
      PINNACLE_RETURN_IF_ERROR(pending(from, to, in, &is_pending));
      if (!is_pending) continue;
      made->gone_.erase(to);
      made->comes_from_[to] = from;
      made->gone_.insert(from);
    }
  }
  *view = std::move(made);
  return Status();
}

Status RepairView::Open(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) {
  if (mode != OpenMode::kRead) return Refuse(path);
  if (gone_.contains(path)) return Status(Code::kNotFound, path + " does not exist");
  const auto found = comes_from_.find(path);
  return base_->Open(found == comes_from_.end() ? path : found->second, mode, file);
}

Status RepairView::List(const std::string& directory, std::vector<std::string>* names) {
  PINNACLE_RETURN_IF_ERROR(base_->List(directory, names));
  std::erase_if(*names,
                [&](const std::string& name) { return gone_.contains(directory + "/" + name); });
  for (const auto& [path, source] : comes_from_) {
    if (ParentOf(path) == directory) names->push_back(BaseName(path));
  }
  std::sort(names->begin(), names->end());
  names->erase(std::unique(names->begin(), names->end()), names->end());
  return Status();
}

Status RepairView::Exists(const std::string& path, bool* exists) {
  *exists = comes_from_.contains(path);
  if (*exists || gone_.contains(path)) return Status();
  return base_->Exists(path, exists);
}

Status RepairView::Identify(const std::string& path, FileIdentity* identity) {
  if (gone_.contains(path)) return Status(Code::kNotFound, path + " does not exist");
  const auto found = comes_from_.find(path);
  return base_->Identify(found == comes_from_.end() ? path : found->second, identity);
}

Status RepairView::Lock(const std::string& directory, std::unique_ptr<DirectoryLock>* lock) {
  return base_->Lock(directory, lock);
}

Status RepairView::IsLocked(const std::string& directory, bool* is_locked) {
  return base_->IsLocked(directory, is_locked);
}

Status RepairView::CreateDirectory(const std::string& path) { return Refuse(path); }
Status RepairView::Rename(const std::string& from, const std::string&) { return Refuse(from); }
Status RepairView::Remove(const std::string& path) { return Refuse(path); }
Status RepairView::SyncDirectory(const std::string& path) { return Refuse(path); }

}  // namespace pinnacle
