// The whole engine against a simulated disk and clock: one thread, deterministic from one seed.
//
// A run draws a small configuration and a schedule: operations (including refused ones), syncs,
// segment supply, snapshots, compaction, clean restarts; process kills, container kills and power
// cuts between and in the middle of any of these, in recovery too; failing calls, full disks,
// clocks that go back. Entries go through a window or not, sometimes differently after each open.
// After every recovery a plain model (the list of accepted entries and of what was acknowledged)
// decides whether the result is valid:
//
// - the recovered entries are a prefix of the accepted ones, byte for byte, without a gap or a
//   phantom;
// - they include everything that durable() ever covered (power cut), that written() covered
//   (container kill, which is reported if it cost entries), or everything appended (process kill);
// - books, facts, every snapshot and the user's state are the model's at that point;
// - a snapshot reported as taken exists, and the journal reaches back to the oldest one;
// - a refused or failed call changed nothing, and a failed journal accepts nothing more;
// - a transaction is recovered whole or not at all, whatever came in between, and one that was
//   refused in the middle or rolled back left the books unchanged;
// - a failed call is never reported as corruption, and nothing is refused without a cause.
//
// What a killed process left is also opened as a copy of the directory, with older or other files
// next to the window, and with a damaged window: a window that is not certainly the directory's own
// adds nothing, and what was lost with it is reported.
//
// Backups are made alongside all of this, on a device that lies at times, and interrupted by it:
// each one with its final name restores to exactly the model's state at its sequence, which its
// source has too.
//
// Last, the disk lies (lost and misdirected writes), rots (flipped bits), or files are damaged as
// by operators and restores (file_damage.h). Then every image must either be reported, with the
// right place, or open to exactly the right state. strict_rules.h is a second opinion on what must
// be reported; Inspect must predict for every image what a strict open then does. Damage that
// leaves no trace on the disk may go unseen, and is counted by kind (SimulationCounts).
//
// And each policy must refuse without changing a byte, or repair: everything that verifies and
// belongs is kept, nothing is invented, holes and report describe what is lost, what was taken out
// of use is in quarantine, a crash at any moment changes none of this, and the journal continues.
#ifndef PINNACLE_SIMULATOR_SIMULATION_H_
#define PINNACLE_SIMULATOR_SIMULATION_H_

#include <cstdint>
#include <string>
#include <vector>

namespace pinnacle {

struct SimulationCounts {
  uint64_t runs = 0;
  uint64_t power_cuts = 0;     // images recovered after a power cut
  uint64_t process_kills = 0;  // recovered
  uint64_t container_kills = 0;
  uint64_t windows_used = 0;  // opens that took entries from a window
  uint64_t entries_adopted = 0;
  uint64_t windows_judged = 0;  // copied directories, older files, damaged windows
  uint64_t mid_call = 0;        // of these: in the middle of a step of the engine
  uint64_t clean_restarts = 0;
  uint64_t failed_calls = 0;    // injected errors
  uint64_t damaged_images = 0;  // opened after bit rot or lying writes
  uint64_t damage_reported = 0;
  uint64_t repairs = 0;
  uint64_t repairs_refused = 0;  // nothing led to the journal's beginning
  uint64_t repair_crashes = 0;   // in the middle of one
  uint64_t holes = 0;            // that repairs left
  uint64_t entries = 0;          // accepted
  uint64_t transactions = 0;     // committed
  uint64_t taken_back = 0;
  uint64_t killed_inside = 0;  // while the lines of one were being stored
  uint64_t snapshots = 0;
  uint64_t segments_released = 0;
  uint64_t commits = 0;           // of a consumer
  uint64_t backups = 0;           // finished, alongside the writer
  uint64_t features_checked = 0;  // segments that need a feature, after a power cut
  uint64_t restores = 0;          // of these, and of what crashes left

  // Damage that leaves no trace on the disk, so that a strict open accepts what is left.
  // The newest segment ends earlier, by a lost write, or because it is an older version.
  uint64_t unseen_tails = 0;
  uint64_t unseen_copies = 0;  // the whole directory is an older one, a fork or another journal
  uint64_t unseen_empty = 0;   // nothing is left at all
  // Files of a copy that a repair had to take for the directory's own.
  uint64_t copies_kept = 0;

  uint64_t crashes() const { return power_cuts + process_kills + container_kills; }
  void Add(const SimulationCounts& other);
};

struct SimulationResult {
  std::string violation;  // empty: none
  std::vector<std::string> trace;
  SimulationCounts counts;
};

inline constexpr uint64_t kDefaultSimulationSteps = 60;

// `keep_trace`: also records what happened, one line per step.
SimulationResult Simulate(uint64_t seed, uint64_t steps = kDefaultSimulationSteps,
                          bool keep_trace = false);

}  // namespace pinnacle

#endif  // PINNACLE_SIMULATOR_SIMULATION_H_
