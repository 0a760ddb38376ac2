// What opening found of the window that an earlier writer left.
#ifndef PINNACLE_ENGINE_WINDOW_FINDING_H_
#define PINNACLE_ENGINE_WINDOW_FINDING_H_

#include <cstdint>
#include <string>

namespace pinnacle {

enum class WindowFate : uint8_t {
  kNone,       // the head record names none: the writer closed, or had none
  kUsed,       // it is the directory's; `entries` of it were in no file
  kOtherBoot,  // it was of an earlier boot, so memory holds nothing of it
  kGone,       // the file is not there: what was not in the files is lost
  kRefused,    // it is there and can't be used
};

struct WindowFinding {
  WindowFate fate = WindowFate::kNone;
  std::string path;
  std::string reason;    // kGone, kRefused; kUsed: what is wrong after its last entry, if anything
  uint64_t entries = 0;  // that only the window has
  uint64_t last_sequence = 0;  // the last of them
  // kRefused: it is another directory's, or in use; nothing of it may be touched.
  bool is_others = false;
};

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_WINDOW_FINDING_H_
