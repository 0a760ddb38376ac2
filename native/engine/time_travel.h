// Books as they were: the newest snapshot at or below a point, and the journal from there to the
// point. Reads files only, so it works beside a running writer and on a directory that is not
// open.
#ifndef PINNACLE_ENGINE_TIME_TRAVEL_H_
#define PINNACLE_ENGINE_TIME_TRAVEL_H_

#include <cstdint>
#include <string>

#include "base/status.h"
#include "engine/times_around.h"
#include "platform/file_system.h"
#include "state/book_set.h"

namespace pinnacle {

// All books right after the entry `sequence`. kOutOfReach (the message says what is covered) if the
// snapshots and the journal that are kept do not reach it, or the entry is not written yet.
// `*entry_checksum` is that of the entry, 0 if only a snapshot without a proof covers it.
Status BuildBooks(FileSystem* file_system, const std::string& data_directory, uint64_t sequence,
                  BookSet* books, uint32_t* entry_checksum);

// All books right before the first entry of `instrument` (index) that is younger than
// `timestamp_ns`. Timestamps of one instrument are assumed not to decrease; `*times` says which
// entry decreases, and whether the time lies beyond them.
Status BuildBooksAtTime(FileSystem* file_system, const std::string& data_directory,
                        uint16_t instrument, uint64_t timestamp_ns, BookSet* books,
                        TimesAround* times);

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_TIME_TRAVEL_H_
