// The windows in a directory in memory: which are needed, and which nothing will ever look for
// again.
//
// A window may have the only copy of entries. It is removed only if it certainly has none: the data
// directory that it was made for is found and no longer names it, or it is of an earlier boot. A
// window without that certainty is kept, and goes only by force. One that is in use, or that the
// next open takes, never goes.
#ifndef PINNACLE_ENGINE_WINDOW_CLEANING_H_
#define PINNACLE_ENGINE_WINDOW_CLEANING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "platform/environment.h"

namespace pinnacle {

enum class WindowState : uint8_t {
  kInUse,        // a writer has it
  kNamed,        // its directory names it: the next open takes what it has
  kLeftOver,     // its directory no longer names it
  kOtherBoot,    // of an earlier boot of the machine
  kNoDirectory,  // its directory is not found: its entries may be the only copy
  kRefused,      // an open could not use it and put it aside
  kUnreadable,   // no header that verifies
};

const char* WindowStateName(WindowState state);

struct FoundWindow {
  std::string path;
  WindowState state = WindowState::kUnreadable;
  std::string data_directory;  // that it was made for; empty if that is not known
  uint64_t bytes = 0;
  uint64_t pid = 0;  // of the writer that made it
  uint64_t created_ns = 0;
  std::string reason;  // why it is kept, or why it could not be removed
  bool removed = false;
};

// Looks at all windows of this user in `directory` (empty: the system's). kInvalidArgument: the
// system has none. `force`: those that may have entries go as well, except those that are needed.
Status CleanWindows(const Environment& environment, const std::string& directory, bool force,
                    bool dry_run, std::vector<FoundWindow>* windows);

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_WINDOW_CLEANING_H_
