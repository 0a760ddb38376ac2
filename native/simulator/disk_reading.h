// A disk read by docs/format.md alone, to check the engine's reading of it. Shares only the
// checksum with the engine. Version 2 only: a simulated directory never has another.
#ifndef PINNACLE_SIMULATOR_DISK_READING_H_
#define PINNACLE_SIMULATOR_DISK_READING_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "simulator/disk_image.h"

namespace pinnacle::simulation {

inline constexpr char kDirectory[] = "/d";
inline constexpr char kHeadPath[] = "/d/HEAD";
inline constexpr char kJournalPrefix[] = "/d/journal/";
inline constexpr char kSnapshotPrefix[] = "/d/snapshots/";
inline constexpr char kQuarantinePrefix[] = "/d/quarantine/";

inline constexpr uint64_t kLine = 64;

// The value that is stored at `bytes`.
template <typename T>
T Load(const uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// What an entry with `payload` bytes takes: with its header, in whole lines.
inline uint64_t EntryBytes(uint64_t payload) { return (payload + 32 + kLine - 1) / kLine * kLine; }

using DiskJournalId = std::pair<uint64_t, uint64_t>;  // low, high

// An entry that verifies, at any place in its segment.
struct DiskEntry {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint64_t sequence = 0;
  uint64_t first_sequence = 0;  // of a hole: the first lost one; otherwise the sequence
  uint64_t durable_claim = 0;   // the durable frontier when it was written
  uint32_t checksum = 0;
  uint8_t type = 0;
  bool continues = false;     // a transaction
  bool more_follows = false;  // of it
  uint64_t hole_snapshot = 0;
  uint64_t hole_left_out = 0;

  bool is_hole() const { return type == 0x05; }
  bool is_of_transaction() const { return continues || more_follows; }
};

struct DiskSegment {
  std::string path;
  uint64_t index = 0;          // of the name
  std::vector<uint8_t> bytes;  // as long as the header says; a short file ends in zeros
  bool header_valid = false;   // it verifies and has the index of the name
  bool may_have_transactions = false;
  DiskJournalId journal_id;
  uint64_t features = 0;  // mandatory
  uint64_t id = 0;
  uint64_t predecessor_link = 0;
  uint64_t link = 0;
  bool link_damaged = false;  // a link slot holds bytes that do not verify
  uint64_t marked = 0;        // highest durable sequence of the frontier marks
  std::vector<DiskEntry> entries;

  bool first_line_used() const;
  // The entry at the offset of the first one; nullptr if none verifies there.
  const DiskEntry* first() const;
  // The number of entries from entries[at] on that make one whole transaction; 0: they do not.
  size_t TransactionAt(size_t at) const;
  // Nothing but zeros from `offset` on.
  bool IsZeroFrom(uint64_t offset) const;
};

struct DiskHead {
  bool exists = false;
  bool valid = false;
  DiskJournalId journal_id;
  uint64_t counter = 0;
  uint64_t oldest_index = 0;
  uint64_t oldest_id = 0;
  uint64_t newest_index = 0;
  uint64_t newest_id = 0;
  uint64_t newest_link = 0;
  uint64_t newest_link_before = 0;
  uint64_t ready_index = 0;
  uint64_t ready_id = 0;
  uint64_t durable = 0;

  uint64_t last_index() const { return ready_index != 0 ? ready_index : newest_index; }
  friend bool operator==(const DiskHead&, const DiskHead&) = default;
};

struct DiskSnapshot {
  std::string path;
  uint64_t sequence = 0;  // of the name
  bool sound = false;     // it verifies and has the sequence of the name
  DiskJournalId journal_id;
  uint32_t entry_checksum = 0;
};

struct DiskReading {
  DiskHead head;
  std::vector<DiskSegment> segments;    // of the journal, by index; gaps are possible
  std::vector<DiskSegment> leftovers;   // before the oldest that the head record names
  std::vector<DiskSnapshot> snapshots;  // by sequence

  const DiskSegment* Segment(uint64_t index) const;
};

DiskReading ReadDisk(const DiskImage& image);

// The number in the name of a file `prefix` + 20 digits + `suffix`; 0 for any other name.
uint64_t NumberOf(const std::string& path, const std::string& prefix, const std::string& suffix);
std::string SegmentPath(uint64_t index);
std::string SnapshotPath(uint64_t sequence);

}  // namespace pinnacle::simulation

#endif  // PINNACLE_SIMULATOR_DISK_READING_H_
