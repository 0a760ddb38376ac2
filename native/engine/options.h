// What an engine is opened with, and the report of what opening found.
#ifndef PINNACLE_ENGINE_OPTIONS_H_
#define PINNACLE_ENGINE_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/window_finding.h"
#include "journal/journal.h"
#include "journal/scan.h"
#include "platform/thread_affinity.h"
#include "state/book_set.h"

namespace pinnacle {

// When entries become durable without being asked to.
enum class Durability : uint8_t {
  kAppended,  // never: they survive the process; durable() makes them survive power loss
  kInterval,  // within sync_interval_ns
  kDurable,   // before the call that appends them returns
};

// What to do with a journal that is corrupt. A torn tail is cut under every policy.
enum class RecoveryPolicy : uint8_t {
  kStrict,       // refuse to open
  kPointInTime,  // keep the entries before the damage; the rest goes to quarantine
  kSalvage,      // keep every entry that verifies and fits; holes mark what is lost
};

struct EngineOptions {
  std::string data_directory;
  bool create = true;  // make the directory's last component if it is missing
  JournalOptions journal;
  Durability durability = Durability::kInterval;
  uint64_t sync_interval_ns = 10'000'000;
  RecoveryPolicy policy = RecoveryPolicy::kStrict;
  // The open restores a state machine: it needs a snapshot with its state, or every entry from 1
  // on. A repair that would leave neither is refused.
  bool has_state_machine = false;
  uint64_t keep_snapshots = 3;
  uint64_t compaction_threshold_bytes = 256ull * 1024 * 1024;
  // What compaction keeps for consumers above what recovery needs, at most: bytes of segments, and
  // entries (0: any number of them).
  uint64_t consumer_limit_bytes = 1024ull * 1024 * 1024;
  uint64_t consumer_limit_entries = 0;
  uint64_t expected_orders = 0;  // per book
  // The processors of the background threads: sync, supply, snapshots and compaction. Empty: any.
  // (The threads of recovery have ended before any hot thread starts.)
  CpuList background_cpus;
};

// (phase, done, total); total is 0 if it is not known.
using ProgressFunction = std::function<void(const char* phase, uint64_t done, uint64_t total)>;

struct DamagedSnapshot {
  std::string path;
  std::string reason;
};

// Entries that a repair found lost.
struct Hole {
  uint64_t first_sequence = 0;
  uint64_t last_sequence = 0;
  uint64_t snapshot_sequence = 0;  // what they did up to here is in this snapshot; 0: in none
  uint64_t entries_left_out = 0;   // of them: they verified, but the books refused them
};

struct RecoveryReport {
  bool created = false;
  Tail tail = Tail::kClean;
  uint64_t snapshot_sequence = 0;
  std::string snapshot_path;
  std::vector<DamagedSnapshot> damaged_snapshots;
  uint64_t first_sequence = 0;  // that the journal holds; 0: none
  uint64_t last_sequence = 0;   // recovered
  uint64_t entries_replayed = 0;
  uint64_t segments_read = 0;
  uint64_t bytes_read = 0;
  uint64_t bytes_dropped = 0;
  uint64_t entries_dropped = 0;
  uint64_t entries_salvaged = 0;
  std::vector<Hole> holes;  // that were crossed
  bool has_break = false;
  std::string break_segment;
  uint64_t break_offset = 0;
  uint64_t break_sequence = 0;
  std::string break_reason;
  bool valid_entries_follow = false;
  uint64_t known_durable = 0;
  std::string quarantine_directory;
  bool repair_finished = false;  // one that was interrupted
  WindowFinding window;          // that an earlier writer left
  uint64_t window_bytes = 0;     // of the window that this writer has; 0: segments are mapped
  std::string why_no_window;     // if writePath 'auto' found no room for one
  std::string why_not_locked;    // the window may be swapped out; empty: it is locked in memory
  RecoveryPolicy policy = RecoveryPolicy::kStrict;
  uint64_t lock_ns = 0;
  uint64_t scan_ns = 0;  // reading and applying the journal
  uint64_t snapshot_ns = 0;
  uint64_t start_ns = 0;
  uint64_t duration_ns = 0;
};

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_OPTIONS_H_
