// Tells one file from another.
#ifndef PINNACLE_PLATFORM_POSIX_IDENTITY_H_
#define PINNACLE_PLATFORM_POSIX_IDENTITY_H_

#include <sys/stat.h>

#include "platform/file_system.h"

namespace pinnacle {

inline FileIdentity IdentityOf(const struct stat& information) {
  return {static_cast<uint64_t>(information.st_dev), static_cast<uint64_t>(information.st_ino)};
}

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_POSIX_IDENTITY_H_
