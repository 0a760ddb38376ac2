// Reads snapshots back. Every section is verified before any of its content is used, and every
// length is checked against the file: hostile bytes end in a Status.
#ifndef PINNACLE_SNAPSHOT_SNAPSHOT_READER_H_
#define PINNACLE_SNAPSHOT_SNAPSHOT_READER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "platform/file_system.h"
#include "snapshot/snapshot_info.h"
#include "state/book_set.h"

namespace pinnacle {

// Restores the whole state. kSnapshotCorrupt (with section and offset), kNotOurFile, kNewerVersion,
// kUnknownFeature, or the I/O error; `books` and `user_state` are of no use then. A file that has
// the name of another sequence's snapshot, or that belongs to another journal than `journal_id`
// (null: any), is kSnapshotCorrupt too.
Status ReadSnapshot(FileSystem* file_system, const std::string& path, BookSet* books,
                    std::vector<uint8_t>* user_state, SnapshotInfo* info,
                    const JournalId* journal_id = nullptr);

// The same checks, restoring nothing that outlives the call; of all books one is in memory at a
// time.
Status VerifySnapshot(FileSystem* file_system, const std::string& path, SnapshotInfo* info,
                      const JournalId* journal_id = nullptr);

// The same for the bytes that the device has: the page cache, which may hide that they rotted or
// never got there, is dropped first (on Linux; elsewhere it stays).
Status VerifySnapshotOnDevice(FileSystem* file_system, const std::string& path, SnapshotInfo* info,
                              const JournalId* journal_id);

// The header and the name alone.
Status ReadSnapshotInfo(FileSystem* file_system, const std::string& path, SnapshotInfo* info);

}  // namespace pinnacle

#endif  // PINNACLE_SNAPSHOT_SNAPSHOT_READER_H_
