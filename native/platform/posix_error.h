// The message for a failed system call on a path.
#ifndef PINNACLE_PLATFORM_POSIX_ERROR_H_
#define PINNACLE_PLATFORM_POSIX_ERROR_H_

#include <string>

#include "base/status.h"

namespace pinnacle {

// "cannot <action> '<path>' (<what to do>): <the system's words>".
Status SystemError(int system_error, const char* action, const std::string& path);

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_POSIX_ERROR_H_
