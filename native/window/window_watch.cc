#include "window/window_watch.h"

#include <utility>

#include "platform/shared_wait.h"
#include "window/window_files.h"

namespace pinnacle {

namespace {

constexpr uint64_t kHurryNs = 1'000'000'000;
// A request outlives the wait: the next one comes soon, and a needless wake costs the writer only 4
// us.
constexpr uint64_t kWishNs = 1'000'000'000;

}  // namespace

Status WindowWatch::Open(const Environment& environment, const std::string& path,
                         std::unique_ptr<WindowWatch>* watch) {
  std::unique_ptr<WindowWatch> opened(new WindowWatch(environment.clock));
  PINNACLE_RETURN_IF_ERROR(environment.file_system->Open(path, OpenMode::kNoLink, &opened->file_));
  WindowHeader header;
  std::string reason;
  PINNACLE_RETURN_IF_ERROR(ReadWindowHeader(*opened->file_, &header, &reason));
  if (!reason.empty()) return Status(Code::kNotOurFile, "'" + path + "': " + reason);
  PINNACLE_RETURN_IF_ERROR(opened->file_->Map(&opened->mapping_));
  *watch = std::move(opened);
  return Status();
}

Status WindowWatch::Read(WakeLine* line) const {
  size_t got = 0;
  PINNACLE_RETURN_IF_ERROR(
      file_->Read(kWakeOffset, {reinterpret_cast<uint8_t*>(line), sizeof(*line)}, &got));
  return got == sizeof(*line) ? Status() : Status(Code::kNotOurFile, "the window was cut short");
}

void WindowWatch::Store(size_t offset, uint64_t value) {
  (void)file_->Write(kWakeOffset + offset, {reinterpret_cast<const uint8_t*>(&value), 8});
}

void WindowWatch::Wait(uint32_t seen, uint64_t timeout_ns) {
  Store(offsetof(WakeLine, waiting_until_ns), clock_->MonotonicNs() + timeout_ns + kWishNs);
  WaitOnWord(reinterpret_cast<const uint32_t*>(mapping_->data() + kWakeOffset), seen, timeout_ns);
}

void WindowWatch::Interrupt() {
  WakeWaiters(reinterpret_cast<const uint32_t*>(mapping_->data() + kWakeOffset));
}

void WindowWatch::HurryWriter() {
  Store(offsetof(WakeLine, spinning_until_ns), clock_->MonotonicNs() + kHurryNs);
}

}  // namespace pinnacle
