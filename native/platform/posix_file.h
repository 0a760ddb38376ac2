// A regular file through a descriptor; the real FileSystem::Open returns it.
#ifndef PINNACLE_PLATFORM_POSIX_FILE_H_
#define PINNACLE_PLATFORM_POSIX_FILE_H_

#include <memory>
#include <string>

#include "platform/file_system.h"

namespace pinnacle {

Status OpenPosixFile(const std::string& path, OpenMode mode, std::unique_ptr<File>* file);

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_POSIX_FILE_H_
