// Which journal a data directory holds, for readers of its snapshots that do not open it: a
// snapshot of another journal must not be used.
#ifndef PINNACLE_JOURNAL_JOURNAL_IDENTITY_H_
#define PINNACLE_JOURNAL_JOURNAL_IDENTITY_H_

#include <optional>
#include <string>

#include "base/status.h"
#include "journal/segment_header.h"
#include "platform/file_system.h"

namespace pinnacle {

// The id that the head record names, or that the segments have; empty if there is neither.
Status FindJournalId(FileSystem* file_system, const std::string& data_directory,
                     std::optional<JournalId>* id);

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_JOURNAL_IDENTITY_H_
