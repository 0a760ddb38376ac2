// How far the consumers of a journal lag recovery's needs, and how much of that lag compaction
// keeps for them.
#ifndef PINNACLE_ENGINE_CONSUMER_LAG_H_
#define PINNACLE_ENGINE_CONSUMER_LAG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "journal/segment_header.h"
#include "platform/file_system.h"

namespace pinnacle {

struct ConsumerNeed {
  std::string name;
  uint64_t consumed = 0;  // up to here
  uint64_t needs = 0;     // the journal from this entry on
};

struct ConsumerLag {
  std::vector<ConsumerNeed> needs;  // the slowest first

  const ConsumerNeed& slowest() const { return needs.front(); }
};

// Those of the journal `id` that compaction has not gone past: `oldest_sequence` is the first entry
// that the journal holds. One whose position can't be read needs all of it: it is not known what it
// has.
Status ReadConsumerLag(FileSystem* file_system, const std::string& data_directory, JournalId id,
                       uint64_t oldest_sequence, ConsumerLag* lag);

// The first entry that compaction keeps if recovery needs those from `keep_from` on:
// `limit_entries` (0: any number) bounds how many more, and `first_within_bytes` is the first one
// that the limit in bytes allows.
uint64_t WithinLimits(const ConsumerLag& lag, uint64_t keep_from, uint64_t limit_entries,
                      uint64_t first_within_bytes);

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_CONSUMER_LAG_H_
