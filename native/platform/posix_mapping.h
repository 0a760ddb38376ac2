// A shared mapping through mmap; the real File::Map returns it.
#ifndef PINNACLE_PLATFORM_POSIX_MAPPING_H_
#define PINNACLE_PLATFORM_POSIX_MAPPING_H_

#include <memory>
#include <string>

#include "platform/file_system.h"

namespace pinnacle {

// Maps the whole file of `descriptor`, which the caller keeps. `path` is for messages.
Status MapWholeFile(int descriptor, const std::string& path, std::unique_ptr<Mapping>* mapping);

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_POSIX_MAPPING_H_
