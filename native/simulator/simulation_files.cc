// Files that are missing, duplicated, renamed, truncated, or of another directory, copy or moment:
// a strict open reports each, or it is harmless; a repair builds on what is left.
#include <algorithm>

#include "simulator/journal_following.h"
#include "simulator/simulation_run.h"

namespace pinnacle::simulation {
namespace {

constexpr size_t kMostMoments = 6;

// Appends user entries of any content, syncs, and usually takes a snapshot and compacts. `user`:
// the state machine's state, or null if there is none.
Status WriteOn(Engine& engine, DeterministicRandom& random, uint64_t entries, uint64_t most_bytes,
               UserState* user) {
  uint64_t sequence = 0;
  std::vector<uint8_t> payload;
  for (uint64_t i = 0; i < entries; ++i) {
    payload.assign(random.Below(most_bytes), static_cast<uint8_t>(random.Next()));
    const uint8_t type = static_cast<uint8_t>(random.Below(8));
    const Code code = engine.AppendPayload(type, 0, 0, payload.data(),
                                           static_cast<uint32_t>(payload.size()), &sequence);
    if (code != Code::kOk) return engine.last_error();
    if (user != nullptr) user->Apply(sequence, static_cast<uint8_t>(0x80 + type), 0, payload);
    if (random.Chance(0.05)) PINNACLE_RETURN_IF_ERROR(engine.SyncNow());
  }
  PINNACLE_RETURN_IF_ERROR(engine.SyncNow());
  if (engine.appended() == 0 || random.Chance(0.3)) return Status();
  SnapshotInfo info;
  const std::vector<uint8_t> state = user != nullptr ? user->Bytes() : std::vector<uint8_t>();
  PINNACLE_RETURN_IF_ERROR(engine.BuildSnapshot(engine.FixSnapshotPoint(), state, &info));
  CompactionReport report;
  return random.Chance(0.3) ? engine.Compact(true, &report) : Status();
}

// The same for every run: its segments and snapshots have names that most runs use too.
const DiskImage& ForeignDirectory() {
  static const DiskImage kDirectoryImage = [] {
    SimulatedEnvironment world(4711);
    DeterministicRandom random(4712);
    EngineOptions options;
    options.data_directory = kDirectory;
    options.journal.segment_bytes = kMinSegmentBytes;
    options.durability = Durability::kAppended;
    std::unique_ptr<Engine> engine;
    RecoveryReport report;
    if (Engine::Open(world.environment(), options, nullptr, &engine, &report).ok()) {
      UserState user;
      for (int i = 0; i < 3; ++i) (void)WriteOn(*engine, random, 60, 3000, &user);
      (void)engine->Close();
    }
    engine.reset();
    return FilesOf(world);
  }();
  return kDirectoryImage;
}

}  // namespace

// Keeps what a copy of the directory would hold now.
void Run::Remember() {
  if (history_.size() == kMostMoments) {
    history_.erase(history_.begin() + static_cast<ptrdiff_t>(random_.Below(kMostMoments)));
  }
  history_.push_back(FilesOf(*world_));
  EraseBackups(&history_.back());
}

// A copy of the directory after another engine has appended to it.
DiskImage Run::WriteFork(const DiskImage& copy) {
  SimulatedEnvironment world(random_.Next(), copy);
  world.clock().SetWallNs(world_->environment().clock->NowNs());
  const uint64_t opens = 1 + random_.Below(2);
  for (uint64_t i = 0; i < opens && ok(); ++i) {
    EngineOptions options = options_;
    options.durability = Durability::kAppended;
    std::unique_ptr<Engine> engine;
    RecoveryReport report;
    Status status = Engine::Open(world.environment(), options, nullptr, &engine, &report);
    if (!Holds(status.ok(), "a copy can't be opened: " + status.ToString())) break;
    UserState user;
    if (has_state_machine_) {
      status = ReplayUserState(world.environment().file_system, engine->recovered_user_state(),
                               report.snapshot_sequence, engine->appended(), &user);
      if (!Holds(status.ok(), "a copy's state can't be replayed: " + status.ToString())) break;
    }
    status = WriteOn(*engine, random_, random_.Below(40), random_.Chance(0.5) ? 100 : 6000,
                     has_state_machine_ ? &user : nullptr);
    if (!Holds(status.ok(), "a copy can't be written: " + status.ToString())) break;
    if (random_.Chance(0.5)) (void)engine->Close();
  }
  return FilesOf(world);
}

void Run::DamageAndJudge() {
  Quiet quiet(&quiet_);
  Remember();
  FileSources sources;
  sources.older = history_;
  sources.foreign = ForeignDirectory();
  sources.fork = WriteFork(history_[random_.Below(history_.size())]);
  // The directory itself is appended to as well.
  const uint64_t steps = random_.Below(5);
  for (uint64_t i = 0; i < steps && ok(); ++i) {
    const uint64_t choice = random_.Below(8);
    if (choice < 4) AppendSome();
    if (choice >= 4 && choice < 6) Flush();
    if (choice == 6) TakeSnapshot();
    if (choice == 7) Compact();
  }
  if (!ok()) return;
  uint64_t sound_last = 0;
  const DiskImage sound = CutSoundImage(&sound_last);
  const uint64_t rounds = 3 + random_.Below(6);
  for (uint64_t i = 0; i < rounds && ok(); ++i) {
    DamagedDisk disk{sound, "", &sound, &sources};
    const uint64_t damages = random_.Chance(0.25) ? 2 : 1;
    for (uint64_t k = 0; k < damages; ++k) {
      const auto damage = static_cast<FileDamage>(random_.Below(kFileDamageCount));
      const std::string done = DamageFiles(damage, sources, random_, &disk.image);
      if (!done.empty()) disk.what += done + "; ";
    }
    if (disk.what.empty()) continue;
    Trace(disk.what);
    StrictOpen open;
    JudgeStrict(disk, &open);
    if (ok() && !open.status.ok() && random_.Chance(0.7)) JudgeRepair(disk);
  }
}

}  // namespace pinnacle::simulation
