#include "simulator/simulated_file_system.h"

#include <cerrno>
#include <functional>

#include "platform/path_parts.h"
#include "platform/posix_error.h"
#include "simulator/simulated_disk.h"

namespace pinnacle {
namespace {

class SimulatedLock final : public DirectoryLock {
 public:
  SimulatedLock(std::shared_ptr<SimulatedDisk> disk, std::string path)
      : disk_(std::move(disk)),
        path_(std::move(path)),
        inode_(disk_->Find(path_)),
        process_(disk_->process) {}
  ~SimulatedLock() override {
    if (process_ == disk_->process) disk_->locked_paths.erase(path_);
  }

  Status Check() const override {
    if (disk_->Find(path_) == inode_) return Status();
    return Status(Code::kDirectoryLost, "'" + path_ + "' was removed, renamed or replaced");
  }

 private:
  std::shared_ptr<SimulatedDisk> disk_;
  std::string path_;
  std::shared_ptr<Inode> inode_;
  uint64_t process_;
};

}  // namespace

SimulatedFileSystem::SimulatedFileSystem(uint64_t seed, const DiskImage& disk)
    : disk_(std::make_shared<SimulatedDisk>(seed, disk)) {}

SimulatedFileSystem::~SimulatedFileSystem() = default;

Status SimulatedFileSystem::Open(const std::string& raw_path, OpenMode mode,
                                 std::unique_ptr<File>* file) {
  const std::string path = CleanPath(raw_path);
  const bool creates = mode == OpenMode::kCreate;
  const char* action = creates ? "create" : "open";
  const Fault fault = disk_->Begin(creates ? CallKind::kCreate : CallKind::kOpen, path);
  if (fault.system_error != 0) return SystemError(fault.system_error, action, path);
  std::shared_ptr<Inode> inode = disk_->Find(path);
  if (creates) {
    if (disk_->names.contains(path) || path == "/") return SystemError(EEXIST, action, path);
    PINNACLE_RETURN_IF_ERROR(disk_->CheckParent(path, action));
    inode = disk_->CreateFile(path);
  } else if (!inode) {
    if (disk_->IsDirectory(path)) {
      return Status(Code::kNotOurFile, std::string("cannot ") + action + " '" + path +
                                           "': it is not a regular file; check the path");
    }
    PINNACLE_RETURN_IF_ERROR(disk_->CheckParent(path, action));
    return SystemError(ENOENT, action, path);
  }
  *file = OpenSimulatedFile(disk_, std::move(inode), mode != OpenMode::kRead);
  return Status();
}

Status SimulatedFileSystem::List(const std::string& directory, std::vector<std::string>* names) {
  const std::string path = CleanPath(directory);
  constexpr const char* kAction = "list the directory";
  names->clear();
  const Fault fault = disk_->Begin(CallKind::kList, path);
  if (fault.system_error != 0) return SystemError(fault.system_error, kAction, path);
  if (!disk_->IsDirectory(path)) {
    return SystemError(disk_->names.contains(path) ? ENOTDIR : ENOENT, kAction, path);
  }
  for (const auto& [name, inode] : disk_->names) {  // sorted by path, so by name within a directory
    if (name == kMemoryDirectory) continue;         // it always exists
    if (ParentOf(name) == path) names->push_back(BaseName(name));
  }
  return Status();
}

Status SimulatedFileSystem::CreateDirectory(const std::string& raw_path) {
  const std::string path = CleanPath(raw_path);
  constexpr const char* kAction = "create the directory";
  const Fault fault = disk_->Begin(CallKind::kCreateDirectory, path);
  if (fault.system_error != 0) return SystemError(fault.system_error, kAction, path);
  if (disk_->IsDirectory(path)) return Status();
  if (disk_->names.contains(path)) return SystemError(ENOTDIR, "use as a directory", path);
  PINNACLE_RETURN_IF_ERROR(disk_->CheckParent(path, kAction));
  disk_->Change({NameChange::Kind::kLink, path, {}, kDirectoryInode});
  return Status();
}

Status SimulatedFileSystem::Exists(const std::string& raw_path, bool* exists) {
  const std::string path = CleanPath(raw_path);
  const Fault fault = disk_->Begin(CallKind::kExists, path);
  if (fault.system_error != 0) return SystemError(fault.system_error, "examine", path);
  *exists = path == "/" || disk_->names.contains(path);
  return Status();
}

Status SimulatedFileSystem::Identify(const std::string& raw_path, FileIdentity* identity) {
  const std::string path = CleanPath(raw_path);
  const Fault fault = disk_->Begin(CallKind::kExists, path);
  if (fault.system_error != 0) return SystemError(fault.system_error, "examine", path);
  const auto found = disk_->names.find(path);
  if (found == disk_->names.end()) return SystemError(ENOENT, "examine", path);
  *identity = {0, found->second};
  // A directory is identified by its path, so that a copy of it has another identity.
  if (found->second == kDirectoryInode) *identity = {1, std::hash<std::string>()(path)};
  return Status();
}

Status SimulatedFileSystem::Rename(const std::string& raw_from, const std::string& raw_to) {
  const std::string from = CleanPath(raw_from);
  const std::string to = CleanPath(raw_to);
  const std::string both = from + "' to '" + to;
  const Fault fault = disk_->Begin(CallKind::kRename, both);
  if (fault.system_error != 0) return SystemError(fault.system_error, "rename", both);
  if (disk_->IsDirectory(from)) return disk_->RenameDirectory(from, to);
  if (disk_->IsDirectory(to)) return SystemError(EISDIR, "rename", both);
  const std::shared_ptr<Inode> inode = disk_->Find(from);
  if (!inode) return SystemError(ENOENT, "rename", both);
  PINNACLE_RETURN_IF_ERROR(disk_->CheckParent(to, "rename"));
  if (from == to) return Status();
  inode->path = to;
  disk_->Change({NameChange::Kind::kRename, from, to, inode->id});
  return Status();
}

Status SimulatedFileSystem::Remove(const std::string& raw_path) {
  const std::string path = CleanPath(raw_path);
  const Fault fault = disk_->Begin(CallKind::kRemove, path);
  if (fault.system_error != 0) return SystemError(fault.system_error, "remove", path);
  if (disk_->IsDirectory(path)) return SystemError(EISDIR, "remove", path);
  const std::shared_ptr<Inode> inode = disk_->Find(path);
  if (!inode) return SystemError(ENOENT, "remove", path);
  disk_->Change({NameChange::Kind::kUnlink, path, {}, inode->id});
  return Status();
}

Status SimulatedFileSystem::RemoveDirectory(const std::string& raw_path) {
  const std::string path = CleanPath(raw_path);
  constexpr const char* kAction = "remove the directory";
  const Fault fault = disk_->Begin(CallKind::kRemove, path);
  if (fault.system_error != 0) return SystemError(fault.system_error, kAction, path);
  if (!disk_->IsDirectory(path)) {
    return SystemError(disk_->names.contains(path) ? ENOTDIR : ENOENT, kAction, path);
  }
  if (!disk_->IsEmptyDirectory(path)) return SystemError(ENOTEMPTY, kAction, path);
  disk_->Change({NameChange::Kind::kUnlink, path, {}, kDirectoryInode});
  return Status();
}

Status SimulatedFileSystem::Link(const std::string& raw_from, const std::string& raw_to,
                                 bool* done) {
  const std::string from = CleanPath(raw_from);
  const std::string to = CleanPath(raw_to);
  const std::string both = from + "' as '" + to;
  *done = false;
  const Fault fault = disk_->Begin(CallKind::kLink, both);
  if (fault.system_error != 0) return SystemError(fault.system_error, "link", both);
  const std::shared_ptr<Inode> inode = disk_->Find(from);
  if (!inode) return SystemError(disk_->IsDirectory(from) ? EISDIR : ENOENT, "link", both);
  if (disk_->names.contains(to)) return SystemError(EEXIST, "link", both);
  PINNACLE_RETURN_IF_ERROR(disk_->CheckParent(to, "link"));
  disk_->Change({NameChange::Kind::kLink, to, {}, inode->id});
  *done = true;
  return Status();
}

Status SimulatedFileSystem::SyncDirectory(const std::string& raw_path) {
  const std::string path = CleanPath(raw_path);
  constexpr const char* kAction = "sync the directory";
  const Fault fault = disk_->Begin(CallKind::kSyncDirectory, path);
  if (fault.system_error != 0) return SystemError(fault.system_error, kAction, path);
  if (!disk_->IsDirectory(path)) {
    return SystemError(disk_->names.contains(path) ? ENOTDIR : ENOENT, kAction, path);
  }
  disk_->SyncNames(path);
  return Status();
}

Status SimulatedFileSystem::Lock(const std::string& directory,
                                 std::unique_ptr<DirectoryLock>* lock) {
  const std::string path = CleanPath(directory + "/LOCK");
  constexpr const char* kAction = "lock";
  const Fault fault = disk_->Begin(CallKind::kLock, path);
  if (fault.system_error != 0) return SystemError(fault.system_error, kAction, path);
  if (disk_->IsDirectory(path)) return SystemError(EISDIR, kAction, path);
  PINNACLE_RETURN_IF_ERROR(disk_->CheckParent(path, kAction));
  if (disk_->locked_paths.contains(path)) {
    return Status(Code::kLocked, "'" + path + "' is held by this process (simulated process " +
                                     std::to_string(disk_->process) +
                                     "): it has one holder at a time; close that one first or "
                                     "use another directory");
  }
  if (!disk_->Find(path)) disk_->CreateFile(path);
  disk_->locked_paths.insert(path);
  *lock = std::make_unique<SimulatedLock>(disk_, path);
  return Status();
}

Status SimulatedFileSystem::IsLocked(const std::string& directory, bool* is_locked) {
  *is_locked = disk_->locked_paths.contains(CleanPath(directory + "/LOCK"));
  return Status();
}

std::string SimulatedFileSystem::MemoryDirectory() const { return kMemoryDirectory; }

Status SimulatedFileSystem::ExamineMemory(const std::string& directory, MemoryRoom* room) {
  *room = {IsInMemory(CleanPath(directory)), disk_->memory_bytes};
  return disk_->IsDirectory(CleanPath(directory)) ? Status()
                                                  : SystemError(ENOENT, "examine", directory);
}

Status SimulatedFileSystem::ReadBootId(BootId* id) {
  *id = disk_->boot_id;
  return Status();
}

void SimulatedFileSystem::ContainerKill() {
  disk_->ProcessKill();
  std::vector<std::string> gone;
  for (const auto& [path, inode] : disk_->names) {
    if (IsInMemory(path) && path != kMemoryDirectory) gone.push_back(path);
  }
  for (const std::string& path : gone) {
    disk_->Change({NameChange::Kind::kUnlink, path, {}, disk_->names.at(path)});
  }
  disk_->SyncNames(kMemoryDirectory);
}

DiskImage SimulatedFileSystem::MemoryFiles() {
  DiskImage image;
  for (const auto& [path, id] : disk_->names) {
    if (id == kDirectoryInode || !IsInMemory(path)) continue;
    Inode& inode = *disk_->inodes.at(id);
    inode.Refresh();
    image.files[path] = inode.state.current;
  }
  return image;
}

void SimulatedFileSystem::set_boot_id(const BootId& id) { disk_->boot_id = id; }

void SimulatedFileSystem::set_memory_room(uint64_t bytes) { disk_->memory_bytes = bytes; }

FaultPlan& SimulatedFileSystem::faults() { return disk_->faults; }

void SimulatedFileSystem::set_capacity(uint64_t bytes) { disk_->capacity_bytes = bytes; }

void SimulatedFileSystem::set_background_writeback(double probability_per_call) {
  disk_->writeback_probability = probability_per_call;
}

void SimulatedFileSystem::BackgroundWriteback() { disk_->BackgroundWriteback(); }

void SimulatedFileSystem::ProcessKill() { disk_->ProcessKill(); }

DiskImage SimulatedFileSystem::PowerCut(DeterministicRandom& random,
                                        const PowerCutOptions& options) {
  return disk_->Capture().CutPower(random, options);
}

bool SimulatedFileSystem::FlipBit(const std::string& raw_path, uint64_t offset, unsigned bit) {
  const std::string path = CleanPath(raw_path);
  const auto found = disk_->durable_names.find(path);
  if (found == disk_->durable_names.end() || found->second == kDirectoryInode) return false;
  Inode& inode = *disk_->inodes.at(found->second);
  // The kernel still believes that its write is there.
  return inode.state.durable.FlipBit(offset, bit);
}

void SimulatedFileSystem::StartRecording() { disk_->is_recording = true; }

void SimulatedFileSystem::Mark(uint64_t value) { disk_->Begin(CallKind::kMark, "", 0, 0, value); }

const std::vector<SimulatedFileSystem::Step>& SimulatedFileSystem::steps() const {
  return disk_->steps;
}

DiskImage SimulatedFileSystem::ImageAt(size_t step, DeterministicRandom& random,
                                       const PowerCutOptions& options) const {
  return disk_->steps.at(step).before.CutPower(random, options);
}

}  // namespace pinnacle
