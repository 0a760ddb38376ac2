// Writes a snapshot so that it is there whole or not at all.
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

// Writes `<directory>/<sequence>.snapshot`: to a temporary name first, synced, renamed, the
// directory synced. The books are streamed through a buffer of a megabyte. On an error no snapshot
// of this sequence is left that was not there before.
Status WriteSnapshot(FileSystem* file_system, const std::string& directory,
                     const SnapshotMeta& meta, const BookSet& books,
                     std::span<const uint8_t> user_state, SnapshotInfo* info);

}  // namespace pinnacle

#endif  // PINNACLE_SNAPSHOT_SNAPSHOT_WRITER_H_
