// The contents of a snapshot's header, and what is wrong with an unusable snapshot.
#ifndef PINNACLE_SNAPSHOT_SNAPSHOT_INFO_H_
#define PINNACLE_SNAPSHOT_SNAPSHOT_INFO_H_

#include <cstdint>
#include <string>

#include "base/status.h"
#include "journal/segment_header.h"

namespace pinnacle {

struct SnapshotMeta {
  JournalId journal_id;
  uint64_t sequence = 0;
  uint64_t timestamp_ns = 0;
  uint32_t entry_checksum = 0;  // of the journal's entry at the sequence; 0: not known
  friend bool operator==(const SnapshotMeta&, const SnapshotMeta&) = default;
};

struct SnapshotInfo {
  std::string path;
  SnapshotMeta meta;
  uint64_t bytes = 0;
  uint64_t orders = 0;
  uint32_t instruments = 0;
  uint64_t user_state_bytes = 0;
};

struct SnapshotFinding {
  SnapshotInfo info;  // path and the sequence in its name are always set
  Status status;      // ok: it verifies
};

}  // namespace pinnacle

#endif  // PINNACLE_SNAPSHOT_SNAPSHOT_INFO_H_
