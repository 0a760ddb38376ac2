// What a snapshot says of itself.
#ifndef PINNACLE_SNAPSHOT_SNAPSHOT_INFO_H_
#define PINNACLE_SNAPSHOT_SNAPSHOT_INFO_H_

#include <cstdint>
#include <string>

#include "journal/segment_header.h"

namespace pinnacle {

// 32 hex digits, the high half first.
std::string JournalIdText(const JournalId& id);

struct SnapshotMeta {
  JournalId journal_id;
  uint64_t sequence = 0;
  uint64_t timestamp_ns = 0;
  uint32_t entry_checksum = 0;  // of the journal's entry at the sequence; 0: not known
};

struct SnapshotInfo {
  std::string path;
  SnapshotMeta meta;
  uint64_t bytes = 0;
  uint64_t orders = 0;
  uint32_t instruments = 0;
  uint64_t user_state_bytes = 0;
};

}  // namespace pinnacle

#endif  // PINNACLE_SNAPSHOT_SNAPSHOT_INFO_H_
