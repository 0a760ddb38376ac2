// The lock of a data directory: flock on the directory and on the lock file in it.
//
// It takes both: the file has been the lock since the first version and names the holder, but if it
// is removed a second writer would lock a new one. A removed directory takes its lock along, which
// DirectoryLock::Check notices.
//
// flock and not fcntl: it belongs to the open file, so a second lock in the same process is
// refused, and closing another descriptor of the file does not release it. (On NFS, Linux emulates
// it with fcntl locks, which belong to the process and can't lock directories; a list of the files
// that this process holds makes up for the former, the lock file for the latter.)
#ifndef PINNACLE_PLATFORM_POSIX_LOCK_H_
#define PINNACLE_PLATFORM_POSIX_LOCK_H_

#include <memory>
#include <string>

#include "platform/file_system.h"

namespace pinnacle {

Status LockPosixDirectory(const std::string& directory, std::unique_ptr<DirectoryLock>* lock);
Status IsPosixDirectoryLocked(const std::string& directory, bool* is_locked);

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_POSIX_LOCK_H_
