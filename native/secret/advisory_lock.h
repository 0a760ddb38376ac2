// A lock among processes on one small file, for files that several `pinnacle` commands and a
// running trading process change. The kernel drops it when its holder dies, however it dies. Among
// threads of one process it excludes too (each holder has an open file description of its own).
#ifndef PINNACLE_SECRET_ADVISORY_LOCK_H_
#define PINNACLE_SECRET_ADVISORY_LOCK_H_

#include <memory>
#include <string>

#include "base/status.h"

namespace pinnacle {

class AdvisoryLock {
 public:
  // Takes the lock without waiting; creates the file (mode 0600) where missing. kLocked where
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
