#include "platform/posix_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "platform/never_destroyed.h"
#include "platform/posix_error.h"
#include "platform/posix_identity.h"
#include "platform/system_calls.h"
#include "platform/unique_descriptor.h"

namespace pinnacle {
namespace {

// A reader that checks for a writer holds the lock for microseconds; it must not make a writer
// fail.
constexpr int kPatientRounds = 20;
constexpr std::chrono::milliseconds kPatience{1};

struct HeldFiles {
  std::mutex mutex;
  std::vector<FileIdentity> identities;

  bool Has(const FileIdentity& identity) const {
    return std::find(identities.begin(), identities.end(), identity) != identities.end();
  }
};

HeldFiles& Held() {
  static NeverDestroyed<HeldFiles> held;
  return *held.get();
}

std::string LockPath(const std::string& directory) { return directory + "/LOCK"; }

Status Lost(const std::string& path, const char* what) {
  return Status(Code::kDirectoryLost,
                "'" + path + "' was " + what + " while the data directory is open for writing");
}

// kDirectoryLost unless `path` still refers to `identity`.
Status CheckIdentity(const std::string& path, const FileIdentity& identity) {
  struct stat named;
  const int error = system_calls::Examine(path.c_str(), &named);
  if (error == ENOENT || error == ENOTDIR) return Lost(path, "removed or renamed");
  if (error != 0) return SystemError(error, "examine", path);
  return IdentityOf(named) == identity ? Status() : Lost(path, "replaced");
}

class PosixLock final : public DirectoryLock {
 public:
  PosixLock(std::string directory, UniqueDescriptor directory_descriptor,
            FileIdentity directory_identity, UniqueDescriptor file_descriptor,
            FileIdentity file_identity)
      : directory_(std::move(directory)),
        path_(LockPath(directory_)),
        directory_descriptor_(std::move(directory_descriptor)),
        directory_identity_(directory_identity),
        file_descriptor_(std::move(file_descriptor)),
        file_identity_(file_identity) {}

  ~PosixLock() override {
    HeldFiles& held = Held();
    const std::lock_guard guard(held.mutex);
    std::erase_if(held.identities, [this](const FileIdentity& identity) {
      return identity == directory_identity_ || identity == file_identity_;
    });
    // Best effort: the pid of a free lock is not read.
    [[maybe_unused]] const int truncated = ftruncate(file_descriptor_.get(), 0);
    // Closing alone would leave the locks with a child that was forked meanwhile.
    flock(file_descriptor_.get(), LOCK_UN);
    flock(directory_descriptor_.get(), LOCK_UN);
  }

  Status Check() const override {
    PINNACLE_RETURN_IF_ERROR(CheckIdentity(directory_, directory_identity_));
    return CheckIdentity(path_, file_identity_);
  }

 private:
  const std::string directory_;
  const std::string path_;
  const UniqueDescriptor directory_descriptor_;
  const FileIdentity directory_identity_;
  const UniqueDescriptor file_descriptor_;
  const FileIdentity file_identity_;
};

int OpenRetrying(const std::string& path, int flags) {
  int opened;
  do {
    opened = open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, 0600);
  } while (opened < 0 && errno == EINTR);
  return opened;
}

// `operation` for flock. 0 or the error; a file system that can't lock directories counts as 0.
int FlockDirectory(int descriptor, int operation) {
  while (flock(descriptor, operation) != 0) {
    if (errno == EWOULDBLOCK) return EWOULDBLOCK;
    if (errno != EINTR) return 0;
  }
  return 0;
}

Status RefuseLocked(const std::string& path) {
  const UniqueDescriptor descriptor(OpenRetrying(path, O_RDONLY | O_NOFOLLOW));
  char text[32] = {};
  const ssize_t length =
      descriptor.valid() ? pread(descriptor.get(), text, sizeof(text) - 1, 0) : 0;
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
                                   ": it has one holder at a time; close that one first or "
                                   "use another directory");
}

// `*held_here`: this process holds it, so waiting is useless.
Status TryLock(const std::string& directory, std::unique_ptr<DirectoryLock>* lock,
               bool* held_here) {
  const std::string path = LockPath(directory);
  *held_here = false;
  HeldFiles& held = Held();
  const std::lock_guard guard(held.mutex);
  UniqueDescriptor directory_descriptor(OpenRetrying(directory, O_RDONLY | O_DIRECTORY));
  struct stat ours;
  if (!directory_descriptor.valid() || fstat(directory_descriptor.get(), &ours) != 0) {
    return SystemError(errno, "open the directory", directory);
  }
  const FileIdentity directory_identity = IdentityOf(ours);
  *held_here = held.Has(directory_identity);
  // Taken before the lock file is touched: a writer that lost its own must not find another's
  // there.
  if (*held_here || FlockDirectory(directory_descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
    return RefuseLocked(path);
  }
  // The file may be removed between opening and locking it; then the lock is worthless and the next
  // round takes the new file. Losing several rounds in a row means that something keeps removing
  // it.
  for (int round = 0; round < 16; ++round) {
    UniqueDescriptor descriptor(OpenRetrying(path, O_RDWR | O_CREAT | O_NOFOLLOW));
    if (!descriptor.valid()) return SystemError(errno, "open the lock file", path);
    if (fstat(descriptor.get(), &ours) != 0) return SystemError(errno, "examine", path);
    const FileIdentity identity = IdentityOf(ours);
    *held_here = held.Has(identity);
    if (*held_here) return RefuseLocked(path);
    while (flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return RefuseLocked(path);
      if (errno != EINTR) return SystemError(errno, "lock", path);
    }
    if (!CheckIdentity(path, identity).ok()) continue;
    // For the message that a second opener gets. The lock holds without it, so a disk too full for
    // these few bytes does not refuse the lock.
    const std::string pid = std::to_string(getpid()) + "\n";
    if (ftruncate(descriptor.get(), 0) == 0) {
      [[maybe_unused]] const ssize_t put = pwrite(descriptor.get(), pid.data(), pid.size(), 0);
    }
    *lock = std::make_unique<PosixLock>(directory, std::move(directory_descriptor),
                                        directory_identity, std::move(descriptor), identity);
    held.identities.push_back(directory_identity);
    held.identities.push_back(identity);
    return Status();
  }
  return Status(Code::kBusy, "cannot lock '" + path +
                                 "': the lock file keeps being removed; stop whatever removes it");
}

}  // namespace

Status LockPosixDirectory(const std::string& directory, std::unique_ptr<DirectoryLock>* lock) {
  for (int round = 0;; ++round) {
    bool held_here = false;
    Status status = TryLock(directory, lock, &held_here);
    if (status.code() != Code::kLocked || held_here || round == kPatientRounds) return status;
    std::this_thread::sleep_for(kPatience);
  }
}

Status IsPosixDirectoryLocked(const std::string& directory, bool* is_locked) {
  *is_locked = false;
  HeldFiles& held = Held();
  const std::lock_guard guard(held.mutex);
  const std::string path = LockPath(directory);
  for (const bool is_file : {false, true}) {
    const std::string& name = is_file ? path : directory;
    const UniqueDescriptor descriptor(OpenRetrying(name, O_RDONLY));
    // Without the file, or the right to read it, the directory's own lock decides.
    if (!descriptor.valid() && is_file) return Status();
    struct stat information;
    if (!descriptor.valid() || fstat(descriptor.get(), &information) != 0) {
      return SystemError(errno, "open", name);
    }
    if (held.Has(IdentityOf(information)) ||
        FlockDirectory(descriptor.get(), LOCK_SH | LOCK_NB) != 0) {
      *is_locked = true;
      return Status();
    }
    flock(descriptor.get(), LOCK_UN);
  }
  return Status();
}

}  // namespace pinnacle
