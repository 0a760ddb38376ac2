// Reads snapshots back. Every section is verified before its content is used, and every length is
// checked against the file: hostile bytes end in a Status.
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
// kUnknownFeature, or the I/O error; `books` and `user_state` are unusable then. A file named for
// another sequence, or that belongs to a journal other than `journal_id` (null: any), is also
// kSnapshotCorrupt.
Status ReadSnapshot(FileSystem* file_system, const std::string& path, BookSet* books,
                    std::vector<uint8_t>* user_state, SnapshotInfo* info,
                    const JournalId* journal_id = nullptr);

// The same checks without restoring anything; one book at a time is in memory.
Status VerifySnapshot(FileSystem* file_system, const std::string& path, SnapshotInfo* info,
                      const JournalId* journal_id = nullptr);

// The same for the bytes on the device. The page cache may hide that they rotted or never got
// there, so it is dropped first (on Linux; elsewhere it stays).
Status VerifySnapshotOnDevice(FileSystem* file_system, const std::string& path, SnapshotInfo* info,
                              const JournalId* journal_id);

// Reads the header and the name only.
Status ReadSnapshotInfo(FileSystem* file_system, const std::string& path, SnapshotInfo* info);

}  // namespace pinnacle

#endif  // PINNACLE_SNAPSHOT_SNAPSHOT_READER_H_
