// Where exceptions end. The library throws none of its own but for memory that is not there; what
// the standard library throws for want of memory or threads is a Status behind the next Guarded.
//
// Every place where exceptions must not pass has one: each thread's body, each call out of
// JavaScript. In between, objects undo what was half done as they do for any other return; what a
// call had already changed for others to see is written beside the call (see Journal::Roll,
// OrderBook::MakeRoom). Any other exception is a defect, and ends the process.
#ifndef PINNACLE_BASE_GUARDED_H_
#define PINNACLE_BASE_GUARDED_H_

#include <cstdint>
#include <new>
#include <stdexcept>
#include <system_error>

#include "base/status.h"

namespace pinnacle {

// Thrown for a large piece of memory that is known not to be there.
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

// What was thrown, as a status: to be called in a catch block. Throws on what is a defect.
Status CaughtStatus();

// The status of `work`, or of what it threw.
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
