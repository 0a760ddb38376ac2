#include "base/status.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <new>

namespace pinnacle {

namespace {

constexpr const char* kCodeNames[] = {
#define PINNACLE_X(enumerator, name) "ERR_PINNACLE_" name,
    PINNACLE_ERROR_CODES(PINNACLE_X)
#undef PINNACLE_X
};

Code CodeOfErrno(int system_error) {
  switch (system_error) {
    case ENOENT:
      return Code::kNotFound;
    case EEXIST:
      return Code::kAlreadyExists;
    case ENOTDIR:
      return Code::kNotADirectory;
    case EACCES:
    case EPERM:
      return Code::kPermission;
    case EROFS:
      return Code::kReadOnly;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Code::kNoSpace;
    case EMFILE:
    case ENFILE:
      return Code::kTooManyFiles;
    case ENOMEM:
      return Code::kOutOfMemory;
    default:
      return Code::kIo;
  }
}

// Made when the library is loaded: later there may be no memory for it. Never destroyed, because
// threads may outlive main.
const Status& no_memory =
    *std::make_unique<Status>(Code::kOutOfMemory,
                              "there is not enough memory for it: the machine has none left, or "
                              "this process's limit is reached (ulimit -v, the container's memory "
                              "limit); raise the limit or ask for less, and try again",
                              ENOMEM)
         .release();

}  // namespace

const char* CodeName(Code code) {
  if (code == Code::kOk) return "OK";
  return kCodeNames[static_cast<uint16_t>(code)];
}

Status Status::FromErrno(int system_error, std::string what) {
  what += ": ";
  what += std::strerror(system_error);
  return Status(CodeOfErrno(system_error), std::move(what), system_error);
}

Status Status::OutOfMemory() { return no_memory; }

Status Status::WithContext(std::string_view context) && {
  if (detail_ == nullptr) return std::move(*this);
  try {
    return Status(code(), std::string(context) + ": " + detail_->message, system_error());
  } catch (const std::bad_alloc&) {
    return std::move(*this);
  }
}

std::string Status::ToString() const {
  if (ok()) return "OK";
  return std::string(CodeName(code())) + ": " + detail_->message;
}

}  // namespace pinnacle
