// A shared mapping through mmap; what the real File::Map gives out.
#ifndef PINNACLE_PLATFORM_POSIX_MAPPING_H_
#define PINNACLE_PLATFORM_POSIX_MAPPING_H_

#include <memory>
#include <string>

#include "platform/file_system.h"

namespace pinnacle {

// Maps all of `descriptor`'s file, which stays the caller's. `path` is for messages.
Status MapWholeFile(int descriptor, const std::string& path, std::unique_ptr<Mapping>* mapping);

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_POSIX_MAPPING_H_
