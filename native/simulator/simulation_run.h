// One run of the simulation: simulation.cc draws the schedule, simulation_faults.cc crashes and
// fails, simulation_checks.cc judges, simulation_damage.cc lies and rots.
#ifndef PINNACLE_SIMULATOR_SIMULATION_RUN_H_
#define PINNACLE_SIMULATOR_SIMULATION_RUN_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "simulator/model_state.h"
#include "simulator/simulated_environment.h"
#include "simulator/simulation.h"

namespace pinnacle::simulation {

inline constexpr char kDirectory[] = "/d";

enum class Crash : uint8_t { kNone, kKill, kPower };

// An entry found by looking at the bytes of a disk alone.
struct RawEntry {
  std::string path;
  uint64_t offset;
  uint64_t bytes;
  uint64_t sequence;
};

struct RawScan {
  std::vector<RawEntry> entries;
  uint64_t witnessed_durable = 0;  // the highest frontier that any entry or mark names
};

// Shares nothing with the engine but the checksum: walks every line of every segment.
RawScan WalkImage(const DiskImage& image);

class Run {
 public:
  Run(uint64_t seed, uint64_t steps, bool keep_trace);
  SimulationResult Execute();

 private:
  // --- schedule (simulation.cc) ---
  void DrawOptions();
  void Step();
  void AppendSome();
  void AppendOne();
  void ApplyOperation(const Operation& operation);
  void AppendPayload();
  void DefineInstrument();
  void Settle(Code expected, Code code, uint64_t before, uint64_t sequence, ModelEntry entry);
  Operation DrawOperation();
  void Flush();
  void TakeSnapshot();
  void Compact();
  void Restart();
  uint64_t NextStamp(bool* given);
  void LearnClock();

  // --- crashes and faults (simulation_faults.cc) ---
  Fault OnCall(CallKind kind, const std::string& path);
  void Install(SimulatedEnvironment& world);
  void ArmCrash(uint64_t most_calls);
  void ArmFault(uint64_t most_calls);
  void Disarm();
  void CrashNow();          // at this very call or between two
  void RecoverFromCrash();  // what CrashNow left
  void Open(uint64_t least, bool clean);
  void CutImages(std::vector<DiskImage>* images);

  // --- judging (simulation_checks.cc) ---
  bool Holds(bool condition, const std::string& what);
  void CheckRecovered(SimulatedEnvironment& world, const Engine& engine,
                      const RecoveryReport& report, uint64_t least, bool clean);
  void CheckJournal(SimulatedEnvironment& world, const Engine& engine);
  void CheckSnapshots(SimulatedEnvironment& world, const Engine& engine);
  void CheckRotation(size_t usable);
  void CheckBooks();
  void CheckSideImage(const DiskImage& image, uint64_t least, bool torn);
  ModelState StateAt(uint64_t sequence);
  void Accept(ModelEntry entry);
  void Truncate(uint64_t sequence);

  // --- damage (simulation_damage.cc) ---
  std::set<uint64_t> SoundSnapshots();  // those listed that never rotted
  void RotSnapshot();                   // while the engine runs
  void LieAndCut();
  void Rot();
  void JudgeLie(const DiskImage& image);
  void JudgeRot(const DiskImage& sound, const RawScan& raw, uint64_t sound_last);
  void JudgeRepaired(const DiskImage& image, RecoveryPolicy policy, uint64_t broken);

  bool ok() const { return result_.violation.empty(); }
  void Trace(const std::string& line);
  DeterministicRandom& random() { return random_; }

  const uint64_t seed_;
  const uint64_t steps_;
  const bool keep_trace_;
  SimulationResult result_;
  DeterministicRandom random_;
  EngineOptions options_;
  std::unique_ptr<SimulatedEnvironment> world_;
  std::unique_ptr<Engine> engine_;

  // The model.
  std::vector<ModelEntry> entries_;  // entries_[i] has sequence i + 1
  ModelState live_;
  std::map<uint64_t, ModelState> checkpoints_;
  uint64_t acknowledged_ = 0;                  // the highest durable() that anybody could have seen
  std::set<uint64_t> acknowledged_snapshots_;  // reported taken; the newest must still be there
  std::set<uint64_t> rotten_snapshots_;
  std::map<uint64_t, std::vector<std::vector<uint8_t>>> user_states_;  // tried, by sequence
  uint64_t last_clock_ns_ = 0;
  uint64_t next_order_ = 1;

  // What the hook does at which call.
  bool quiet_ = false;  // the run itself looks at the disk
  bool dead_ = false;   // the simulated process is gone: every call fails until it is unwound
  Crash crash_ = Crash::kNone;
  uint64_t crash_countdown_ = 0;  // 0: not armed
  uint64_t fault_countdown_ = 0;
  bool fault_repeats_ = false;
  uint64_t fault_kinds_ = 0;  // a bit for each CallKind
  Fault fault_;
  bool cause_ = false;  // since the last open something failed on purpose
  double lying_probability_ = 0;
  uint64_t lies_ = 0;
  std::vector<DiskImage> images_;
  bool torn_ = false;  // a sector of images_ may be torn
};

}  // namespace pinnacle::simulation

#endif  // PINNACLE_SIMULATOR_SIMULATION_RUN_H_
