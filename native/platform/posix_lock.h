// The lock of a data directory: flock on a lock file.
//
// flock and not fcntl: it belongs to the open file, so a second lock in the same process is
// refused, and closing another descriptor of the file does not release it. (On NFS Linux emulates
// it by fcntl locks, which belong to the process; a list of the files that this process holds
// makes up for that.)
#ifndef PINNACLE_PLATFORM_POSIX_LOCK_H_
#define PINNACLE_PLATFORM_POSIX_LOCK_H_

#include <memory>
#include <string>

#include "platform/file_system.h"

namespace pinnacle {

Status LockPosixFile(const std::string& path, std::unique_ptr<FileLock>* lock);

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_POSIX_LOCK_H_
