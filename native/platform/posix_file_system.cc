// FileSystem::Real: names and directories. Files, mappings and locks have files of their own.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "platform/file_system.h"
#include "platform/never_destroyed.h"
#include "platform/posix_error.h"
#include "platform/posix_file.h"
#include "platform/posix_identity.h"
#include "platform/posix_lock.h"
#include "platform/system_calls.h"
#include "platform/unique_descriptor.h"

namespace pinnacle {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

class PosixFileSystem final : public FileSystem {
 public:
  Status Open(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) override {
    return OpenPosixFile(path, mode, file);
  }

  Status List(const std::string& directory, std::vector<std::string>* names) override {
    names->clear();
    const std::unique_ptr<DIR, CloseDirectory> stream(opendir(directory.c_str()));
    if (!stream) return SystemError(errno, "list the directory", directory);
    for (;;) {
      errno = 0;  // the only way to tell the end from an error
      const dirent* entry = readdir(stream.get());
      if (entry == nullptr) break;
      if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0) {
        names->emplace_back(entry->d_name);
      }
    }
    if (errno != 0) return SystemError(errno, "list the directory", directory);
    std::sort(names->begin(), names->end());
    return Status();
  }

  Status CreateDirectory(const std::string& path) override {
    if (mkdir(path.c_str(), 0700) == 0) return Status();
    if (errno != EEXIST) return SystemError(errno, "create the directory", path);
    struct stat information;
    if (stat(path.c_str(), &information) != 0) return SystemError(errno, "examine", path);
    if (!S_ISDIR(information.st_mode)) return SystemError(ENOTDIR, "use as a directory", path);
    return Status();
  }

  Status Exists(const std::string& path, bool* exists) override {
    struct stat information;
    const int error = system_calls::Examine(path.c_str(), &information);
    *exists = error == 0;
    return error == 0 || error == ENOENT ? Status() : SystemError(error, "examine", path);
  }

  Status Identify(const std::string& path, FileIdentity* identity) override {
    struct stat information;
    const int error = system_calls::Examine(path.c_str(), &information);
    if (error != 0) return SystemError(error, "examine", path);
    *identity = IdentityOf(information);
    return Status();
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (rename(from.c_str(), to.c_str()) == 0) return Status();
    return SystemError(errno, "rename", from + "' to '" + to);
  }

  Status Remove(const std::string& path) override {
    return unlink(path.c_str()) == 0 ? Status() : SystemError(errno, "remove", path);
  }

  Status RemoveDirectory(const std::string& path) override {
    return rmdir(path.c_str()) == 0 ? Status() : SystemError(errno, "remove the directory", path);
  }

  Status Link(const std::string& from, const std::string& to, bool* done) override {
    // (A file system without links answers EPERM, and so does one that refuses them to this owner.)
    *done = link(from.c_str(), to.c_str()) == 0;
    if (*done || errno == EPERM || errno == EXDEV || errno == EMLINK || errno == EOPNOTSUPP ||
        errno == ENOSYS || errno == EACCES) {
      return Status();
    }
    return SystemError(errno, "link", from + "' as '" + to);
  }

  Status SyncDirectory(const std::string& path) override {
    int opened;
    do {
      opened = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } while (opened < 0 && errno == EINTR);
    if (opened < 0) return SystemError(errno, "open the directory", path);
    const UniqueDescriptor descriptor(opened);
    const int error = system_calls::SyncDirectory(descriptor.get());
    return error == 0 ? Status() : SystemError(error, "sync the directory", path);
  }

  Status Lock(const std::string& directory, std::unique_ptr<DirectoryLock>* lock) override {
    return LockPosixDirectory(directory, lock);
  }

  Status IsLocked(const std::string& directory, bool* is_locked) override {
    return IsPosixDirectoryLocked(directory, is_locked);
  }

  std::string MemoryDirectory() const override { return system_calls::MemoryDirectory(); }

  Status ExamineMemory(const std::string& directory, MemoryRoom* room) override {
    const int error =
        system_calls::ExamineMemory(directory.c_str(), &room->is_memory, &room->free_bytes);
    return error == 0 ? Status() : SystemError(error, "examine the file system of", directory);
  }

  Status ReadBootId(BootId* id) override {
    *id = BootId();
    char text[64];
    const int error = system_calls::ReadBootIdText(text, sizeof(text));
    if (error != 0) return SystemError(error, "read", "the machine's boot id");
    size_t digits = 0;
    for (const char* letter = text; *letter != '\0' && digits < 2 * id->size(); ++letter) {
      const char* const hex = std::strchr(kHexDigits, std::tolower(*letter));
      if (hex == nullptr) continue;
      uint8_t& byte = (*id)[digits / 2];
      byte = static_cast<uint8_t>(byte << 4 | (hex - kHexDigits));
      ++digits;
    }
    return Status();
  }
};

}  // namespace

FileSystem* FileSystem::Real() {
  static NeverDestroyed<PosixFileSystem> file_system;
  return file_system.get();
}

}  // namespace pinnacle
