// Copying and reading back single files, in pieces: each piece counts as progress, and after each
// the work can be aborted.
//
// With a live writer, copies are synced a few megabytes at a time: a long sync would make the
// writer's short ones wait. Otherwise one sync at the end is twice as fast.
#ifndef PINNACLE_BACKUP_COPYING_H_
#define PINNACLE_BACKUP_COPYING_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/options.h"
#include "platform/file_system.h"

namespace pinnacle {

// How the caller of a backup or restore watches it and aborts it.
struct WorkControl {
  ProgressFunction progress;                        // may be null
  const std::atomic<bool>* given_up = nullptr;      // true: end with kAborted; may be null
  std::function<void(uint64_t bytes)> after_piece;  // for tests; may be null
  uint64_t piece_bytes = 4 * 1024 * 1024;

  Status Check() const;
};

// Counts bytes of one phase over several files.
class PhaseProgress {
 public:
  PhaseProgress(const WorkControl& control, const char* phase, uint64_t total)
      : control_(control), phase_(phase), total_(total) {}

  // kAborted if the work was given up.
  Status Add(uint64_t bytes);
  uint64_t piece_bytes() const { return control_.piece_bytes; }

 private:
  const WorkControl& control_;
  const char* const phase_;
  const uint64_t total_;
  uint64_t done_ = 0;
};

// Copies files through one buffer.
class Copier {
 public:
  // The most that is written between two syncs with a live writer. (With 1 MiB the writer waits for
  // the file system's commits, with 32 MiB for the device.)
  static constexpr uint64_t kPoliteSyncBytes = 8 * 1024 * 1024;

  Copier(FileSystem* file_system, PhaseProgress* progress, uint64_t sync_bytes = UINT64_MAX)
      : file_system_(file_system), progress_(progress), sync_bytes_(sync_bytes) {}

  // Appends [begin, end) of `from` to `to`, which ends at `begin`, and continues `*checksum` (a
  // CRC32C register: start with ~0). Copies less if `from` ends earlier; `*copied` is the number of
  // bytes. `to` is synced.
  Status Copy(const File& from, uint64_t begin, uint64_t end, File* to, uint32_t* checksum,
              uint64_t* copied);

  // The checksum of [0, end) of a file, or of a shorter file's content (`*bytes`). Counts as
  // progress.
  Status Checksum(const File& file, uint64_t end, uint32_t* checksum, uint64_t* bytes);

  // The same for a whole file as the device has it: the page cache is dropped first (on Linux;
  // elsewhere it stays).
  Status ChecksumOnDevice(const std::string& path, uint32_t* checksum, uint64_t* bytes);

 private:
  FileSystem* const file_system_;
  PhaseProgress* const progress_;
  const uint64_t sync_bytes_;
  std::vector<uint8_t> buffer_;
};

}  // namespace pinnacle

#endif  // PINNACLE_BACKUP_COPYING_H_
