// The whole engine against a simulated disk and clock: one thread, deterministic from one seed.
//
// A run draws a small configuration and a schedule: operations (refused ones among them), syncs,
// segment supply, snapshots, compaction, clean restarts; process kills and power cuts between and
// in the middle of any of these, in recovery too; failing calls, full disks, clocks that go back.
// After every recovery a plain model (the list of accepted entries and of what was acknowledged)
// says whether the result may be:
//
// - what was recovered is a prefix of what was accepted, byte for byte, without a gap or a phantom;
// - it has everything that durable() ever covered (power cut), or everything appended (kill);
// - books, facts, every snapshot and the user's state are the model's at that point;
// - a snapshot that was reported taken is there, and the journal reaches back to the oldest one;
// - a refused or failed call left nothing, and a failed journal accepts nothing more;
// - a call that failed is never told as corruption, and nothing is refused without a cause.
//
// Last the disk lies (lost and misdirected writes) or rots (flipped bits). Then every image must
// either be reported, with the right place, or open to exactly the right state. A lost write of the
// newest entries of which nothing on the disk bears witness any more is the one exception, and the
// run looks for such witnesses on its own.
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
  uint64_t mid_call = 0;       // of these: in the middle of a step of the engine
  uint64_t clean_restarts = 0;
  uint64_t failed_calls = 0;    // injected errors
  uint64_t damaged_images = 0;  // opened after bit rot or lying writes
  uint64_t damage_reported = 0;
  uint64_t entries = 0;  // accepted
  uint64_t snapshots = 0;
  uint64_t segments_released = 0;

  uint64_t crashes() const { return power_cuts + process_kills; }
  void Add(const SimulationCounts& other);
};

struct SimulationResult {
  std::string violation;  // empty: none
  std::vector<std::string> trace;
  SimulationCounts counts;
};

inline constexpr uint64_t kDefaultSimulationSteps = 60;

// `keep_trace`: also what happened, a line a step.
SimulationResult Simulate(uint64_t seed, uint64_t steps = kDefaultSimulationSteps,
                          bool keep_trace = false);

}  // namespace pinnacle

#endif  // PINNACLE_SIMULATOR_SIMULATION_H_
