#include "engine/consumer_lag.h"

#include <algorithm>
#include <tuple>

#include "consumer/consumer.h"

namespace pinnacle {

Status ReadConsumerLag(FileSystem* fs, const std::string& data_directory, JournalId id,
                       uint64_t oldest_sequence, ConsumerLag* lag) {
  lag->needs.clear();
  std::vector<ConsumerFinding> consumers;
  PINNACLE_RETURN_IF_ERROR(ListConsumers(fs, data_directory, &consumers));
  for (const ConsumerFinding& consumer : consumers) {
    if (consumer.status.ok() && consumer.journal_id != id) continue;
    const ConsumerPosition& position = consumer.position;
    // The entry at the position as well: it tells the consumer whether the journal lost entries.
    uint64_t needs = position.sequence + (position.entry_checksum == 0 ? 1 : 0);
    if (!consumer.status.ok()) needs = oldest_sequence;
    if (needs >= oldest_sequence) lag->needs.push_back({consumer.name, position.sequence, needs});
  }
  std::sort(lag->needs.begin(), lag->needs.end(),
            [](const ConsumerNeed& left, const ConsumerNeed& right) {
              return std::tie(left.needs, left.name) < std::tie(right.needs, right.name);
            });
  return Status();
}

uint64_t WithinLimits(const ConsumerLag& lag, uint64_t keep_from, uint64_t limit_entries,
                      uint64_t first_within_bytes) {
  if (lag.needs.empty()) return keep_from;
  uint64_t first = std::max(lag.slowest().needs, first_within_bytes);
  if (limit_entries != 0 && keep_from > limit_entries) {
    first = std::max(first, keep_from - limit_entries);
  }
  return std::min(first, keep_from);
}

}  // namespace pinnacle
