#include "secret/advisory_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace pinnacle {

Status AdvisoryLock::Acquire(const std::string& path, std::unique_ptr<AdvisoryLock>* lock) {
  int descriptor;
  do {
    descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) {
    const int error = errno;
    if (error == ELOOP) {
      return Status(Code::kPermission,
                    path + " is a symbolic link; remove it: a lock file is a file", error);
    }
    return Status::FromErrno(error, "can't open the lock file " + path);
  }
  std::unique_ptr<AdvisoryLock> taken(new AdvisoryLock(descriptor));
  int result;
  do {
    result = flock(descriptor, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result != 0) {
    const int error = errno;
    if (error == EWOULDBLOCK) {
      return Status(Code::kLocked, path + " is held by another process; retry when it is done",
                    error);
    }
    return Status::FromErrno(error, "can't lock " + path);
  }
  *lock = std::move(taken);
  return Status();
}

// Closing drops the lock. The file stays: if it were removed, two holders could lock two different
// files.
AdvisoryLock::~AdvisoryLock() { close(descriptor_); }

}  // namespace pinnacle
