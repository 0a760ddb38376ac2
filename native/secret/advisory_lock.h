// A lock among processes on one small file, for files that several `pinnacle` commands and a
// running trading process change. The kernel drops it when its holder dies, however it dies. It
// also excludes threads of one process from each other, since each holder has its own open file
// description.
#ifndef PINNACLE_SECRET_ADVISORY_LOCK_H_
#define PINNACLE_SECRET_ADVISORY_LOCK_H_

#include <memory>
#include <string>

#include "base/status.h"

namespace pinnacle {

class AdvisoryLock {
 public:
  // Takes the lock without waiting; creates the file (mode 0600) if it is missing. kLocked if
  // another holder has it. A symbolic link is refused (kPermission).
  static Status Acquire(const std::string& path, std::unique_ptr<AdvisoryLock>* lock);

  ~AdvisoryLock();
  AdvisoryLock(const AdvisoryLock&) = delete;
  AdvisoryLock& operator=(const AdvisoryLock&) = delete;

 private:
  explicit AdvisoryLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace pinnacle

#endif  // PINNACLE_SECRET_ADVISORY_LOCK_H_
