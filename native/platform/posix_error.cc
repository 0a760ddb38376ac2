#include "platform/posix_error.h"

#include <cerrno>

namespace pinnacle {
namespace {

const char* WhatToDo(int system_error) {
  switch (system_error) {
    case ENOENT:
    case ENOTDIR:
      return "check the path";
    case EEXIST:
      return "something of that name is already there";
    case EACCES:
    case EPERM:
      return "give this process's user read and write permission, or choose another directory";
    case EROFS:
      return "choose a directory on a writable file system";
    case ENOSPC:
    case EDQUOT:
      return "free some space or raise the quota";
    case EFBIG:
      return "raise the limit on file size (ulimit -f) or choose smaller segments";
    case EMFILE:
    case ENFILE:
      return "raise the limit on open files (ulimit -n)";
    case ELOOP:
      return "symbolic links are not followed here; use the real path";
    case ENOMEM:
      return "raise the limit on memory or mappings (ulimit -v, vm.max_map_count)";
    case ENOTSUP:
    case EINVAL:
      return "this file system lacks what durability needs; use a local disk";
    default:
      return "check the device and the system log";
  }
}

}  // namespace

Status SystemError(int system_error, const char* action, const std::string& path) {
  return Status::FromErrno(system_error, std::string("cannot ") + action + " '" + path + "' (" +
                                             WhatToDo(system_error) + ")");
}

}  // namespace pinnacle
