// A journal in a simulated world: /d/journal.
#ifndef PINNACLE_TEST_SIMULATED_JOURNAL_H_
#define PINNACLE_TEST_SIMULATED_JOURNAL_H_

#include <memory>

#include "doctest.h"
#include "journal/journal.h"
#include "simulator/simulated_environment.h"

namespace pinnacle {

inline constexpr char kSimulatedJournal[] = "/d/journal";

// Creates both directories, durably.
inline void MakeJournalDirectories(FileSystem* fs) {
  REQUIRE(fs->CreateDirectory("/d").ok());
  REQUIRE(fs->CreateDirectory(kSimulatedJournal).ok());
  REQUIRE(fs->SyncDirectory("/").ok());
  REQUIRE(fs->SyncDirectory("/d").ok());
}

inline void OpenJournal(SimulatedEnvironment* world, const JournalOptions& options,
                        const JournalPosition& position, std::unique_ptr<Journal>* journal) {
  const Status status = Journal::Open(world->environment(), kSimulatedJournal, JournalId{1, 2},
                                      options, position, journal);
  REQUIRE_MESSAGE(status.ok(), status.ToString());
}

// The beginning of a journal without entries.
inline JournalPosition EmptyPosition() {
  JournalPosition position;
  position.head_directory = "/d";
  return position;
}

}  // namespace pinnacle

#endif  // PINNACLE_TEST_SIMULATED_JOURNAL_H_
