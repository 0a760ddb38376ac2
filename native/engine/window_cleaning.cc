#include "engine/window_cleaning.h"

#include <cstring>
#include <memory>
#include <utility>

#include "journal/head_record.h"
#include "window/window_files.h"

namespace pinnacle {

namespace {

class Cleaner {
 public:
  Cleaner(FileSystem* file_system, const BootId& boot, bool force, bool dry_run)
      : fs_(file_system), boot_(boot), force_(force), dry_run_(dry_run) {}

  // False if it is not this user's, or is gone by now.
  bool Look(const std::string& path, bool is_refused, FoundWindow* found) {
    std::unique_ptr<File> file;
    bool is_private = false;
    if (!fs_->Open(path, OpenMode::kNoLink, &file).ok() || !file->IsPrivate(1, &is_private).ok() ||
        !is_private) {
      return false;
    }
    found->path = path;
    (void)file->Size(&found->bytes);
    WindowHeader header;
    const Status read = ReadWindowHeader(*file, &header, &found->reason);
    if (!read.ok()) found->reason = std::string(read.message());
    // (One that was cut short has a header all the same.)
    if (std::memcmp(header.magic, kWindowMagic, sizeof(kWindowMagic)) == 0) {
      found->data_directory = DirectoryOf(header);
      found->pid = header.pid;
      found->created_ns = header.created_ns;
    }
    if (is_refused) {
      found->state = WindowState::kRefused;
      found->reason = "an open could not use it; its entries are in no segment file";
    } else if (!found->reason.empty()) {
      found->state = WindowState::kUnreadable;
    } else {
      Judge(header, found);
    }
    if (MayGo(found->state)) Remove(header, file.get(), found);
    return true;
  }

 private:
  void Judge(const WindowHeader& header, FoundWindow* found) {
    found->reason.clear();
    if (std::memcmp(header.boot_id, boot_.data(), boot_.size()) != 0) {
      found->state = WindowState::kOtherBoot;
      return;
    }
    FileIdentity identity;
    const Status identified = fs_->Identify(found->data_directory, &identity);
    if (!identified.ok() || !(identity == IdentityOf(header))) {
      found->state = WindowState::kNoDirectory;
      found->reason =
          identified.ok() || identified.code() == Code::kNotFound
              ? "the data directory is missing: it was moved or removed, or its writer sees it "
                "under another path; the entries may be the only copy"
              : "the data directory can't be looked at: " + std::string(identified.message());
      return;
    }
    HeadFinding head;
    const Status read = ReadHead(fs_, found->data_directory, &head);
    if (!read.ok() || !head.valid) {
      found->state = WindowState::kNamed;
      found->reason = "the head record of the data directory does not say which window it needs: " +
                      (!read.ok()     ? std::string(read.message())
                       : !head.exists ? std::string("it is missing")
                                      : head.problem);
    } else if (head.valid && NamesWindow(head.record) &&
               std::memcmp(head.record.window_id, header.window_id, sizeof(header.window_id)) ==
                   0) {
      bool is_locked = false;
      (void)fs_->IsLocked(found->data_directory, &is_locked);
      found->state = is_locked ? WindowState::kInUse : WindowState::kNamed;
      if (!is_locked) found->reason = "the next open of the data directory takes what it has";
    } else {
      found->state = WindowState::kLeftOver;
    }
  }

  bool MayGo(WindowState state) const {
    switch (state) {
      case WindowState::kInUse:
      case WindowState::kNamed:
        return false;
      case WindowState::kLeftOver:
      case WindowState::kOtherBoot:
        return true;
      case WindowState::kNoDirectory:
      case WindowState::kRefused:
      case WindowState::kUnreadable:
        return force_;
    }
    return false;
  }

  void Remove(const WindowHeader& header, File* file, FoundWindow* found) {
    const Status locked = LockWindowFile(file, found->path, header);
    if (!locked.ok()) {
      if (locked.code() == Code::kLocked) found->state = WindowState::kInUse;
      found->reason = std::string(locked.message());
      return;
    }
    // A writer that made it may have named it and ended since the head record was read.
    if (found->state == WindowState::kLeftOver) Judge(header, found);
    if (!MayGo(found->state)) return;
    if (dry_run_) return;
    const Status removed = fs_->Remove(found->path);
    found->removed = removed.ok();
    found->reason = std::string(removed.message());
  }

  FileSystem* const fs_;
  const BootId& boot_;
  const bool force_;
  const bool dry_run_;
};

}  // namespace

const char* WindowStateName(WindowState state) {
  switch (state) {
    case WindowState::kInUse:
      return "in-use";
    case WindowState::kNamed:
      return "needed";
    case WindowState::kLeftOver:
      return "left-over";
    case WindowState::kOtherBoot:
      return "other-boot";
    case WindowState::kNoDirectory:
      return "no-directory";
    case WindowState::kRefused:
      return "refused";
    case WindowState::kUnreadable:
      return "unreadable";
  }
  return "unreadable";
}

Status CleanWindows(const Environment& environment, const std::string& given, bool force,
                    bool dry_run, std::vector<FoundWindow>* windows) {
  windows->clear();
  FileSystem* fs = environment.file_system;
  const std::string directory = given.empty() ? fs->MemoryDirectory() : given;
  if (directory.empty()) {
    return Status(Code::kInvalidArgument,
                  "this system has no directory in memory of its own; name the one that "
                  "windowDirectory names");
  }
  BootId boot;
  PINNACLE_RETURN_IF_ERROR(fs->ReadBootId(&boot));
  std::vector<std::string> names;
  PINNACLE_RETURN_IF_ERROR(fs->List(directory, &names));
  Cleaner cleaner(fs, boot, force, dry_run);
  const std::string refused = RefusedName("");
  for (const std::string& name : names) {
    const bool is_refused =
        name.ends_with(refused) && IsWindowName(name.substr(0, name.size() - refused.size()));
    if (!is_refused && !IsWindowName(name)) continue;
    FoundWindow found;
    if (cleaner.Look(directory + "/" + name, is_refused, &found)) {
      windows->push_back(std::move(found));
    }
  }
  return Status();
}

}  // namespace pinnacle
