// A follower's view of another process's window, in which it waits for entries to be written or to
// become durable. It reads and writes the file by system calls and touches no mapped byte, so a
// window that disappears meanwhile is an error, not a signal.
#ifndef PINNACLE_WINDOW_WINDOW_WATCH_H_
#define PINNACLE_WINDOW_WINDOW_WATCH_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "platform/environment.h"
#include "window/wake_line.h"

namespace pinnacle {

class WindowWatch {
 public:
  // Opens the window at `path`. kNotFound, kNotOurFile and the like.
  static Status Open(const Environment& environment, const std::string& path,
                     std::unique_ptr<WindowWatch>* watch);

  // Sets *line to the writer's current values.
  Status Read(WakeLine* line) const;
  // Waits until `moves` differs from `seen`, for at most `timeout_ns`.
  void Wait(uint32_t seen, uint64_t timeout_ns);
  // Ends the waits of all followers of the window.
  void Interrupt();
  // Asks the writer's threads to copy as often as they can for the next second.
  void HurryWriter();

 private:
  explicit WindowWatch(Clock* clock) : clock_(clock) {}
  void Store(size_t offset, uint64_t value);

  Clock* const clock_;
  std::unique_ptr<File> file_;
  std::unique_ptr<Mapping> mapping_;
};

}  // namespace pinnacle

#endif  // PINNACLE_WINDOW_WINDOW_WATCH_H_
