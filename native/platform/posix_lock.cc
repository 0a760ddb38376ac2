#include "platform/posix_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <utility>

#include "platform/never_destroyed.h"
#include "platform/posix_error.h"
#include "platform/unique_descriptor.h"

namespace pinnacle {
namespace {

using FileIdentity = std::pair<dev_t, ino_t>;

struct HeldFiles {
  std::mutex mutex;
  std::set<FileIdentity> identities;
};

HeldFiles& Held() {
  static NeverDestroyed<HeldFiles> held;
  return *held.get();
}

class PosixLock final : public FileLock {
 public:
  PosixLock(UniqueDescriptor descriptor, FileIdentity identity)
      : descriptor_(std::move(descriptor)), identity_(identity) {}

  ~PosixLock() override {
    HeldFiles& held = Held();
    const std::lock_guard guard(held.mutex);
    held.identities.erase(identity_);
    // Best effort: nobody reads the pid of a lock that is free.
    [[maybe_unused]] const int truncated = ftruncate(descriptor_.get(), 0);
    // Closing alone would leave the lock to a child that was forked meanwhile.
    flock(descriptor_.get(), LOCK_UN);
  }

 private:
  UniqueDescriptor descriptor_;
  FileIdentity identity_;
};

Status RefuseLocked(int descriptor, const std::string& path) {
  char text[32] = {};
  const ssize_t length = pread(descriptor, text, sizeof(text) - 1, 0);
  std::string holder = "another process";
  if (length > 0) {
    text[std::strcspn(text, "\n")] = '\0';
    if (text == std::to_string(getpid())) {
      holder = std::string("this process (pid ") + text + ")";
    } else {
      holder = std::string("process ") + text;
    }
  }
  return Status(Code::kLocked, "'" + path + "' is held by " + holder +
                                   ": a data directory has one writer; close that one first or "
                                   "use another directory");
}

}  // namespace

Status LockPosixFile(const std::string& path, std::unique_ptr<FileLock>* lock) {
  HeldFiles& held = Held();
  const std::lock_guard guard(held.mutex);
  // The file may be removed between opening and locking it; then the lock is worth nothing and the
  // next round takes the new file. Several rounds lost in a row mean that something is fighting.
  for (int round = 0; round < 16; ++round) {
    int opened;
    do {
      opened = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    } while (opened < 0 && errno == EINTR);
    if (opened < 0) return SystemError(errno, "open the lock file", path);
    UniqueDescriptor descriptor(opened);
    struct stat ours;
    if (fstat(descriptor.get(), &ours) != 0) return SystemError(errno, "examine", path);
    const FileIdentity identity(ours.st_dev, ours.st_ino);
    if (held.identities.contains(identity)) return RefuseLocked(descriptor.get(), path);
    while (flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return RefuseLocked(descriptor.get(), path);
      if (errno != EINTR) return SystemError(errno, "lock", path);
    }
    struct stat named;
    if (stat(path.c_str(), &named) != 0 || named.st_dev != ours.st_dev ||
        named.st_ino != ours.st_ino) {
      continue;
    }
    // For the message that a second opener gets; the lock holds without it, so a disk too full for
    // these few bytes is no reason to refuse.
    const std::string pid = std::to_string(getpid()) + "\n";
    if (ftruncate(descriptor.get(), 0) == 0) {
      [[maybe_unused]] const ssize_t put = pwrite(descriptor.get(), pid.data(), pid.size(), 0);
    }
    auto taken = std::make_unique<PosixLock>(std::move(descriptor), identity);
    held.identities.insert(identity);
    *lock = std::move(taken);
    return Status();
  }
  return Status(Code::kBusy, "cannot lock '" + path +
                                 "': the lock file keeps being removed; stop whatever removes it");
}

}  // namespace pinnacle
