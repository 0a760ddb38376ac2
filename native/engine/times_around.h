// Whether the times of an instrument's entries are in order around a point in time. If they are not
// (given by callers, or by a clock that stepped), "the state at that time" has more than one
// meaning, and the caller learns of it.
#ifndef PINNACLE_ENGINE_TIMES_AROUND_H_
#define PINNACLE_ENGINE_TIMES_AROUND_H_

#include <cstdint>
#include <string>

#include "platform/file_system.h"

namespace pinnacle {

// How many of the journal's entries are looked at on either side of the point.
inline constexpr uint64_t kTimesAroundEntries = 65'536;

struct TimesAround {
  // The instrument has no entry that is younger than the point, and none of just that time.
  bool beyond_last_entry = false;
  uint64_t last_timestamp_ns = 0;  // of the entries in the books; 0: there is none
  // An entry whose time is before that of one ahead of it: the first that lies across the point
  // (one before the point is younger, or one after it is not), else the first. 0: none.
  uint64_t out_of_order_sequence = 0;
  uint64_t out_of_order_ns = 0;
  uint64_t ahead_ns = 0;  // the latest time ahead of it
  bool across_point = false;
};

// Fills in the entry that is out of order, from the entries of `instrument` (index) on either side
// of the entry `last_sequence`. What can't be read (compacted away, damaged) is not looked at: the
// books are right without it.
void FindOutOfOrder(FileSystem* file_system, const std::string& data_directory, uint16_t instrument,
                    uint64_t timestamp_ns, uint64_t last_sequence, TimesAround* times);

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_TIMES_AROUND_H_
