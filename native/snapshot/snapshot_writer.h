// Writes a snapshot so that it exists whole and readable, or not at all.
#ifndef PINNACLE_SNAPSHOT_SNAPSHOT_WRITER_H_
#define PINNACLE_SNAPSHOT_SNAPSHOT_WRITER_H_

#include <cstdint>
#include <span>
#include <string>

#include "base/status.h"
#include "platform/file_system.h"
#include "snapshot/snapshot_info.h"
#include "state/book_set.h"

namespace pinnacle {

// Writes `<directory>/<sequence>.snapshot`: to a temporary name first, synced, read back from the
// device, renamed, the directory synced. The books are streamed through a buffer of a megabyte. On
// an error, it leaves no snapshot of this sequence that was not there before. kIo also if the
// device returns other bytes than were written.
Status WriteSnapshot(FileSystem* file_system, const std::string& directory,
                     const SnapshotMeta& meta, const BookSet& books,
                     std::span<const uint8_t> user_state, SnapshotInfo* info);

// The same in two steps: the temporary file, synced; then the rest. Reading back builds books, one
// at a time, so a caller that no longer needs its own drops them in between.
Status WriteTemporarySnapshot(FileSystem* file_system, const std::string& directory,
                              const SnapshotMeta& meta, const BookSet& books,
                              std::span<const uint8_t> user_state, SnapshotInfo* info);
Status PublishSnapshot(FileSystem* file_system, const std::string& directory,
                       const SnapshotInfo& written);

}  // namespace pinnacle

#endif  // PINNACLE_SNAPSHOT_SNAPSHOT_WRITER_H_
