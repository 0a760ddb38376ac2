// The window of a live writer: memory that outlives the process, as a file on a memory file system.
// The writer stores entries into its ring; threads of the journal copy them from there to the
// segment files. window_format.h has the layout.
//
// Threads: the writer stores into the ring; everything else here may run concurrently.
#ifndef PINNACLE_WINDOW_WINDOW_H_
#define PINNACLE_WINDOW_WINDOW_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/check.h"
#include "base/status.h"
#include "platform/environment.h"
#include "window/window_files.h"
#include "window/window_format.h"

namespace pinnacle {

// How entries get into the segment files.
enum class WritePath : uint8_t {
  kAuto,    // through a window if there is room for one, else mapped
  kWindow,  // through a window, or opening is refused
  kMapped,  // stored straight into the mapped segment
};

// The head record stores the directory's name: absolute, with a terminating zero.
inline constexpr size_t kWindowDirectoryBytes = 64;

struct WindowOptions {
  WritePath path = WritePath::kMapped;
  std::string directory;  // absolute, below kWindowDirectoryBytes; "": the system's
  uint64_t bytes = kDefaultWindowBytes;
};

// The journal that a window is made for. All of it goes into the window's header.
struct WindowOwner {
  std::string data_directory;
  uint64_t journal_id_low = 0;
  uint64_t journal_id_high = 0;
  uint64_t epoch = 0;
  uint64_t segment = 0;
  uint64_t segment_bytes = 0;
  uint64_t offset = 0;
  uint64_t sequence = 0;
  uint64_t later_segment_bytes = 0;
};

class Window {
 public:
  // Makes a window: created exclusively, allocated in full, locked. If there is no room for one,
  // kAuto leaves `*window` empty and sets `*why_none`, while kWindow returns the error: kNoSpace,
  // kOutOfMemory, kInvalidArgument (not a directory in memory), or the system's.
  static Status Make(const Environment& environment, const WindowOptions& options,
                     const WindowOwner& owner, std::unique_ptr<Window>* window,
                     std::string* why_none);

  uint64_t ring_bytes() const { return header_.ring_bytes; }
  const WindowHeader& header() const { return header_; }
  WindowId id() const;
  const std::string& directory() const { return directory_; }
  const std::string& path() const { return path_; }

  uint64_t PlaceOf(uint64_t segment, uint64_t offset) const {
    return pinnacle::PlaceOf(header_, segment, offset);
  }
  uint8_t* At(uint64_t place) const { return ring_ + place % header_.ring_bytes; }
  // Bytes from `place` to the ring's end.
  uint64_t ContiguousAt(uint64_t place) const {
    return header_.ring_bytes - place % header_.ring_bytes;
  }
  // Stores bytes that may wrap around the ring's end; the last 8 after all others.
  void Store(uint64_t place, std::span<const uint8_t> bytes) const;

  // Writes into the part before the ring, after the header. Best effort.
  void Publish(uint64_t offset, std::span<const uint8_t> bytes) const {
    PINNACLE_CHECK(offset >= sizeof(WindowHeader) && offset + bytes.size() <= kWindowHeaderBytes);
    (void)file_->Write(offset, bytes);
  }

  // Announces the frontiers to followers. One thread at a time.
  void Announce(uint64_t written, uint64_t durable, uint64_t monotonic_ns) const;
  // A follower spins: it wants entries copied as soon as possible.
  bool IsHurried(uint64_t monotonic_ns) const;

  // Touches up to `bytes` more of the part of the ring that the writer has not reached: the first
  // store to a page costs microseconds even if the page is present. Returns the bytes touched; 0
  // once all are.
  uint64_t TouchStep(uint64_t bytes);
  // kDirectoryLost if the file no longer has its name or its size.
  Status Check() const;
  // The error for a window that Check() found lost.
  Status LossStatus() const;
  // Why the ring could not be locked in memory; empty if it is locked.
  const std::string& lock_refusal() const { return lock_refusal_; }

  // Removes the file. The memory stays until the object is destroyed.
  Status Remove();

 private:
  Window(FileSystem* file_system, std::string directory, std::string path)
      : file_system_(file_system), directory_(std::move(directory)), path_(std::move(path)) {}
  Status Create(const Environment& environment, const WindowHeader& header);

  FileSystem* const file_system_;
  const std::string directory_;
  const std::string path_;
  WindowHeader header_{};
  std::unique_ptr<File> file_;
  std::unique_ptr<Mapping> mapping_;
  uint8_t* ring_ = nullptr;
  std::atomic<uint64_t> touched_bytes_{0};  // of the mapping
  std::string lock_refusal_;
};

}  // namespace pinnacle

#endif  // PINNACLE_WINDOW_WINDOW_H_
