// The boundary of exceptions. The library itself throws only when memory is short; what the
// standard library throws for lack of memory or threads becomes a Status at the next Guarded.
//
// Exceptions end at each thread's body and at each call out of JavaScript. In between, objects undo
// what is half done as they do on any other return; a change that others can already see is
// documented beside the call (see Journal::Roll, OrderBook::MakeRoom). Any other exception is a
// defect and ends the process.
#ifndef PINNACLE_BASE_GUARDED_H_
#define PINNACLE_BASE_GUARDED_H_

#include <cstdint>
#include <new>
#include <stdexcept>
#include <system_error>

#include "base/status.h"

namespace pinnacle {

// Thrown for a large allocation that is known to exceed the available memory.
class MemoryShortage : public std::bad_alloc {
 public:
  MemoryShortage(uint64_t wanted_bytes, uint64_t available_bytes)
      : wanted_bytes_(wanted_bytes), available_bytes_(available_bytes) {}
  const char* what() const noexcept override { return "not enough memory"; }
  uint64_t wanted_bytes() const { return wanted_bytes_; }
  uint64_t available_bytes() const { return available_bytes_; }

 private:
  uint64_t wanted_bytes_;
  uint64_t available_bytes_;
};

// The exception being handled, as a status. Call it in a catch block. Rethrows if it is a defect.
Status CaughtStatus();

// Runs `work` and returns its status, or the status of what it threw.
template <typename Work>
Status Guarded(Work&& work) {
  try {
    return work();
  } catch (...) {
    return CaughtStatus();
  }
}

}  // namespace pinnacle

#endif  // PINNACLE_BASE_GUARDED_H_
