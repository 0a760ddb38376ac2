// One run of the simulation: simulation.cc draws the schedule, simulation_faults.cc crashes and
// fails, simulation_checks.cc judges, simulation_damage.cc lies and rots, simulation_files.cc
// damages files, simulation_strict.cc and simulation_repair.cc judge the handling of such a disk,
// simulation_backup.cc makes backups and judges them, simulation_consumer.cc consumes,
// simulation_window.cc judges the handling of a killed writer's window, simulation_transaction.cc
// opens, commits and rolls back transactions.
#ifndef PINNACLE_SIMULATOR_SIMULATION_RUN_H_
#define PINNACLE_SIMULATOR_SIMULATION_RUN_H_

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "consumer/consumer.h"
#include "engine/engine.h"
#include "engine/inspect.h"
#include "simulator/disk_reading.h"
#include "simulator/file_damage.h"
#include "simulator/model_state.h"
#include "simulator/simulated_environment.h"
#include "simulator/simulation.h"
#include "simulator/strict_rules.h"

namespace pinnacle::simulation {

// kContainer: the process is killed, and its memory files go with it.
enum class Crash : uint8_t { kNone, kKill, kPower, kContainer };

// A damaged disk, and what is known of its history.
struct DamagedDisk {
  DiskImage image;
  std::string what;                      // the damage, for messages
  const DiskImage* sound = nullptr;      // the disk before; null: its device lied
  const FileSources* sources = nullptr;  // what its files may be from; null: nothing else
};

// The result of a strict open of a disk.
struct StrictOpen {
  std::unique_ptr<SimulatedEnvironment> world;
  std::unique_ptr<Engine> engine;  // null: it was refused
  Status status;
  RecoveryReport report;
  StrictVerdict verdict;
};

struct RepairBasis;
struct RepairOutcome;
struct KeptEntries;

uint64_t DigestOf(const BookSet& books);

// The current files of a world, synced or not.
DiskImage FilesOf(SimulatedEnvironment& world);
// Removes the backups and consumers from an image: damage is meant for what recovery needs.
void EraseBackups(DiskImage* image);
// Whether the files are those of `image`, except for the lock.
bool IsUnchanged(SimulatedEnvironment& world, const DiskImage& image);

// The run itself examines the disk: no faults occur.
class Quiet {
 public:
  explicit Quiet(bool* flag) : flag_(flag), before_(*flag) { *flag = true; }
  ~Quiet() { *flag_ = before_; }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  bool* flag_;
  bool before_;
};

class Run {
 public:
  Run(uint64_t seed, uint64_t steps, bool keep_trace);
  SimulationResult Execute();

 private:
  // --- schedule (simulation.cc) ---
  void DrawOptions();
  void DrawWindow();
  bool Copy();
  void Step();
  void WorkInBackground();
  void AppendSome();
  void AppendOne();
  void ApplyOperation(const Operation& operation);
  void AppendPayload();
  void DefineInstrument();
  // What the engine had appended and made durable before a call.
  struct Frontier {
    uint64_t appended;
    uint64_t durable;
  };
  Frontier FrontierNow() const;
  void Settle(Code expected, Code code, const Frontier& before, uint64_t sequence,
              ModelEntry entry);
  Operation DrawOperation();
  void Flush();
  void TakeSnapshot();
  void Compact();
  void Restart();
  std::vector<uint8_t> UserBytes(const ModelState& state) const;
  uint64_t NextStamp(bool* given);
  void LearnClock();

  // --- transactions (simulation_transaction.cc) ---
  struct Staged {
    ModelState state;  // including the staged entries
    std::vector<ModelEntry> entries;
    uint64_t bytes = 0;
    bool aborted = false;
  };
  void AppendTransaction();
  void StageOne(Staged* staged, bool refused);
  bool DrawOperationFor(const ModelState& state, bool refused, Operation* operation);
  void StageOperation(Staged* staged, const Operation& operation);
  void StagePayload(Staged* staged);
  void Stage(Staged* staged, Code expected, Code code, uint64_t sequence, ModelEntry entry);
  void WorkInside();
  void CommitStaged(Staged* staged);
  void SettleCommit(Staged* staged, Code code, const Frontier& before, uint64_t sequence);
  void TakeBack(const Staged& staged);
  // Judges a kill while the lines of the newest transaction are being stored.
  void JudgeKilledInside(const DiskImage& before, uint64_t first);
  void CheckFrontiers();
  // Whether no transaction continues after the entry.
  bool IsEnd(uint64_t sequence) const;
  // The first entry of the entry's transaction, or the entry itself.
  uint64_t FirstOf(uint64_t sequence) const;

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

  // --- windows (simulation_window.cc) ---
  void CheckWindow(const RecoveryReport& report, uint64_t last, bool clean);
  void JudgeWindowBeside();  // a killed writer's files, copied, restored or damaged
  std::unique_ptr<SimulatedEnvironment> SameMachine(const DiskImage& image);
  void JudgeCopy(const DiskImage& files, const DiskImage& memory);
  void JudgeOtherFiles(const std::string& what, const DiskImage& other, const DiskImage& memory);
  void JudgeDamagedWindow(const DiskImage& files, const DiskImage& memory);

  // --- judging (simulation_checks.cc) ---
  bool Holds(bool condition, const std::string& what);
  void CheckRecovered(SimulatedEnvironment& world, const Engine& engine,
                      const RecoveryReport& report, uint64_t least, bool clean);
  void CheckJournal(SimulatedEnvironment& world, const Engine& engine);
  void CheckSnapshots(SimulatedEnvironment& world, const Engine& engine);
  void CheckRotation(size_t usable);
  void CheckBooks();
  // How an engine that was opened with this report differs from the model; "" if it does not.
  std::string DifferenceOf(SimulatedEnvironment& world, const Engine& engine,
                           const RecoveryReport& report);
  // Segments with entries that need a feature must name it.
  void CheckFeatures(const DiskImage& image);
  void CheckSideImage(const DiskImage& image, uint64_t least, bool torn);
  ModelState StateAt(uint64_t sequence);
  void Accept(ModelEntry entry);
  void Truncate(uint64_t sequence);

  // --- backups (simulation_backup.cc) ---
  void TakeBackup();
  void WriteBeside();
  uint64_t CheckBackups(const DiskImage& image, uint64_t most);
  void ForgetBackups(size_t keep);
  void ForgetAllBackups();

  // --- a named consumer (simulation_consumer.cc) ---
  void Consume();
  bool ReadAsConsumer(Consumer* consumer, bool was_lost, uint64_t* last);
  void ReadFailed(Consumer* consumer, bool was_lost, const Status& status);
  void LoseConsumed(uint64_t sequence);
  // What a consumer has consumed at a position.
  struct Consumed {
    uint64_t kept = UINT64_MAX;  // entries after this were lost since
    ModelEntry entry;            // at the position
  };
  Consumed ConsumedAt(uint64_t sequence) const;
  bool WasLost(uint64_t sequence, const Consumed& consumed) const;
  void ForgetConsumer();

  // --- damage (simulation_damage.cc, simulation_files.cc) ---
  std::set<uint64_t> SoundSnapshots();  // those listed that never rotted
  void RotSnapshot();                   // while the engine runs
  void LieAndCut();
  void Rot();
  DiskImage CutSoundImage(uint64_t* last);
  void FlipOne(const DiskImage& sound, const DiskReading& reading, uint64_t sound_last);
  void LoseSome(const DiskImage& sound, const DiskReading& reading);
  // One flipped bit.
  struct Flip {
    std::string path;
    uint64_t offset = 0;
    const DiskSegment* segment = nullptr;  // null: of another file
    const DiskEntry* entry = nullptr;      // null: of no entry
  };
  void JudgePlace(const DamagedDisk& disk, const DiskReading& reading, const Flip& flip,
                  const StrictOpen& open, uint64_t sound_last);
  void Remember();
  DiskImage WriteFork(const DiskImage& copy);
  void DamageAndJudge();

  // --- judging a damaged disk ---
  // simulation_strict.cc: opens it strictly and compares that with Inspect, with the rules, and
  // with the model.
  void OpenAndInspect(const DiskImage& image, const std::string& what, StrictOpen* open);
  void OpenStrictly(const DiskImage& image, const std::string& what, StrictOpen* open);
  void JudgeStrict(const DamagedDisk& disk, StrictOpen* open);
  bool CountUnseen(const DamagedDisk& disk, const StrictOpen& open);
  // simulation_repair.cc
  void JudgeRepair(const DamagedDisk& disk);
  void JudgeRepaired(const DamagedDisk& disk, const RepairOutcome& outcome);
  void JudgeKept(const DamagedDisk& disk, const RepairOutcome& outcome, const RepairBasis& basis,
                 const DiskReading& after, const std::vector<RunEntry>& kept, ModelState* state,
                 bool* invented);
  bool JudgeGroup(const RepairOutcome& outcome, const RepairBasis& basis,
                  std::span<const RunEntry> group, KeptEntries* judged);
  bool ApplyAll(std::span<const RunEntry> group, uint64_t snapshot, ModelState* state) const;
  void JudgeInterrupted(const DamagedDisk& disk, const RepairOutcome& whole, uint64_t seed,
                        uint64_t calls);
  bool HasNoRoom(const RepairBasis& basis, const RunEntry& found, const RunEntry* before) const;
  bool IsOwn(const DiskSegment& segment, const DiskEntry& entry) const;
  bool IsOwnSnapshot(const DiskImage& image, uint64_t sequence);
  void GoOn(const DamagedDisk& disk, const RepairOutcome& outcome,
            const std::vector<RunEntry>& kept, const ModelState* state);
  void WriteOnAfter(const std::string& who, StrictOpen* open, UserState user);

  bool ok() const { return result_.violation.empty(); }
  void Trace(const std::string& line);
  void TraceDisk(const DiskImage& image);
  DeterministicRandom& random() { return random_; }

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
  uint64_t committing_ = 0;                    // entries of the transaction that is being committed
  bool takes_snapshot_ = false;                // one at a time
  uint64_t calls_ = 0;                         // of the engine on the file system
  uint64_t acknowledged_ = 0;                  // the highest durable() that could have been seen
  std::set<uint64_t> acknowledged_snapshots_;  // reported taken; the newest must still exist
  std::set<uint64_t> rotten_snapshots_;
  bool has_state_machine_ = true;
  uint64_t last_clock_ns_ = 0;
  uint64_t in_files_ = 0;  // entries that the files have even without the window
  // Since the last open that completed.
  bool container_killed_ = false;
  bool power_was_cut_ = false;
  bool loss_told_ = false;

  // What the hook does at which call.
  bool quiet_ = false;  // the run itself examines the disk
  bool dead_ = false;   // the simulated process is gone: every call fails until it is unwound
  Crash crash_ = Crash::kNone;
  uint64_t crash_countdown_ = 0;  // 0: not armed
  uint64_t fault_countdown_ = 0;
  bool fault_repeats_ = false;
  uint64_t fault_kinds_ = 0;  // a bit for each CallKind
  Fault fault_;
  bool cause_ = false;  // since the last open something failed on purpose
  // The possible positions (empty: unknown).
  std::map<uint64_t, Consumed> consumer_positions_;
  bool consumer_overtaken_ = false;  // compaction may have gone past it
  double lying_probability_ = 0;
  uint64_t lies_ = 0;
  bool backup_lies_ = false;  // the device lies about what a backup syncs
  bool backup_lied_ = false;
  std::vector<DiskImage> history_;  // the directory's files at some moments
  std::vector<DiskImage> images_;
  bool torn_ = false;  // a sector of images_ may be torn
};

}  // namespace pinnacle::simulation

#endif  // PINNACLE_SIMULATOR_SIMULATION_RUN_H_
