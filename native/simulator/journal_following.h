// The journal as its users read it: through JournalReader, entry by entry.
#ifndef PINNACLE_SIMULATOR_JOURNAL_FOLLOWING_H_
#define PINNACLE_SIMULATOR_JOURNAL_FOLLOWING_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "base/status.h"
#include "platform/file_system.h"
#include "simulator/user_state.h"

namespace pinnacle::simulation {

// Calls `visit(entry, bytes)` for each entry from the sequence `from` on (0: the oldest), until it
// returns false.
Status FollowJournal(FileSystem* file_system, uint64_t from,
                     const std::function<bool(const uint8_t*, uint64_t)>& visit);

// Like lib/engine/state-machine-host.ts: restores from the snapshot of the sequence `snapshot`
// (none: from the first entry on), then applies the user entries after it up to `last`. kJournalGap
// if the journal ends before that.
Status ReplayUserState(FileSystem* file_system, const std::vector<uint8_t>& restored,
                       uint64_t snapshot, uint64_t last, UserState* state);

}  // namespace pinnacle::simulation

#endif  // PINNACLE_SIMULATOR_JOURNAL_FOLLOWING_H_
