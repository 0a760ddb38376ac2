#include "base/guarded.h"

#include <cerrno>
#include <string>

namespace pinnacle {

namespace {

std::string MebibytesText(uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

Status ShortageStatus(const MemoryShortage& shortage) {
  try {
    return Status(Code::kOutOfMemory,
                  "it needs " + MebibytesText(shortage.wanted_bytes()) +
                      " of memory at once, and this process can have " +
                      MebibytesText(shortage.available_bytes()) +
                      " more (the machine's free memory, the container's memory limit); ask for "
                      "less (a smaller expectedOrders) or raise the limit",
                  ENOMEM);
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory();
  }
}

Status SystemStatus(const std::system_error& error) {
  try {
    if (error.code() == std::errc::resource_unavailable_try_again) {
      return Status(Code::kTooManyThreads,
                    "the system starts no more threads for this process: raise the limit (ulimit "
                    "-u, the container's pids limit) or end other threads, and try again",
                    EAGAIN);
    }
    return Status::FromErrno(error.code().value(), "the system refused");
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory();
  }
}

}  // namespace

Status CaughtStatus() {
  try {
    throw;
  } catch (const MemoryShortage& shortage) {
    return ShortageStatus(shortage);
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory();
  } catch (const std::length_error&) {  // a container larger than the address space
    return Status::OutOfMemory();
  } catch (const std::system_error& error) {
    return SystemStatus(error);
  }
}

}  // namespace pinnacle
