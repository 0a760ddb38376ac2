// Status: the result of everything that can fail off the hot path. It carries a code, a sentence
// that says what happened and what to do, and the system's errno if there is one. Each level may
// prefix its own context, so a message reads from the operation down to the cause. The hot path
// returns a bare Code and builds no message.
//
// Copying a Status needs no memory, and neither does OutOfMemory(): running out of memory can still
// be reported.
#ifndef PINNACLE_BASE_STATUS_H_
#define PINNACLE_BASE_STATUS_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/error_codes.h"

namespace pinnacle {

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message, int system_error = 0)
      : detail_(std::make_shared<const Detail>(Detail{code, system_error, std::move(message)})) {}

  // Chooses the code that fits `system_error` (ENOSPC: kNoSpace, EACCES: kPermission, …) and
  // appends the system's own words to `what`.
  static Status FromErrno(int system_error, std::string what);
  // kOutOfMemory with a general message.
  static Status OutOfMemory();

  bool ok() const { return detail_ == nullptr; }
  Code code() const { return detail_ ? detail_->code : Code::kOk; }
  int system_error() const { return detail_ ? detail_->system_error : 0; }
  std::string_view message() const {
    return detail_ ? std::string_view(detail_->message) : std::string_view();
  }

  // "context: message", same code. No effect on an ok status or when there is no memory for it.
  Status WithContext(std::string_view context) &&;

  // "ERR_PINNACLE_IO: message", or "OK".
  std::string ToString() const;

 private:
  struct Detail {
    Code code;
    int system_error;
    std::string message;
  };
  std::shared_ptr<const Detail> detail_;
};

}  // namespace pinnacle

#define PINNACLE_RETURN_IF_ERROR(expression)                                      \
  do {                                                                            \
    if (::pinnacle::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

#endif  // PINNACLE_BASE_STATUS_H_
