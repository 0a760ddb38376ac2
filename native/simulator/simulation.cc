#include "simulator/simulation.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "simulator/simulation_run.h"

namespace pinnacle {

void SimulationCounts::Add(const SimulationCounts& other) {
  runs += other.runs;
  power_cuts += other.power_cuts;
  process_kills += other.process_kills;
  container_kills += other.container_kills;
  windows_used += other.windows_used;
  entries_adopted += other.entries_adopted;
  windows_judged += other.windows_judged;
  mid_call += other.mid_call;
  clean_restarts += other.clean_restarts;
  failed_calls += other.failed_calls;
  damaged_images += other.damaged_images;
  damage_reported += other.damage_reported;
  repairs += other.repairs;
  repairs_refused += other.repairs_refused;
  repair_crashes += other.repair_crashes;
  holes += other.holes;
  unseen_tails += other.unseen_tails;
  unseen_copies += other.unseen_copies;
  unseen_empty += other.unseen_empty;
  copies_kept += other.copies_kept;
  entries += other.entries;
  transactions += other.transactions;
  taken_back += other.taken_back;
  killed_inside += other.killed_inside;
  snapshots += other.snapshots;
  segments_released += other.segments_released;
  backups += other.backups;
  features_checked += other.features_checked;
  commits += other.commits;
  restores += other.restores;
}

SimulationResult Simulate(uint64_t seed, uint64_t steps, bool keep_trace) {
  return simulation::Run(seed, steps, keep_trace).Execute();
}

namespace simulation {

Run::Run(uint64_t seed, uint64_t steps, bool keep_trace)
    : steps_(steps), keep_trace_(keep_trace), random_(seed * 2 + 1) {}

void Run::Trace(const std::string& line) {
  if (keep_trace_) result_.trace.push_back(line);
}

void Run::DrawOptions() {
  options_.data_directory = kDirectory;
  options_.journal.segment_bytes = kMinSegmentBytes
                                   << (random_.Chance(0.2) ? 1 + random_.Below(2) : 0);
  options_.journal.max_spares = random_.Below(3);
  options_.durability = random_.Chance(0.15) ? Durability::kDurable : Durability::kAppended;
  options_.keep_snapshots = 1 + random_.Below(3);
  options_.compaction_threshold_bytes = random_.Below(4) * kMinSegmentBytes;
  if (random_.Chance(0.3)) options_.consumer_limit_bytes = random_.Below(3) * kMinSegmentBytes;
  if (random_.Chance(0.2)) options_.consumer_limit_entries = 1 + random_.Below(200);
  options_.expected_orders = random_.Below(2) * 16;
  has_state_machine_ = random_.Chance(0.85);
  DrawWindow();
  Trace("segments of " + std::to_string(options_.journal.segment_bytes) + " bytes, " +
        std::to_string(options_.journal.max_spares) + " spares, " +
        std::to_string(options_.keep_snapshots) + " snapshots kept" +
        (options_.durability == Durability::kDurable ? ", every append durable" : "") +
        (has_state_machine_ ? "" : ", no state machine"));
}

// How entries get into the files, which may change with each open.
void Run::DrawWindow() {
  static constexpr WritePath kPaths[] = {WritePath::kWindow, WritePath::kWindow, WritePath::kAuto,
                                         WritePath::kMapped};
  static constexpr const char* kNames[] = {"a window", "a window", "auto", "mapped"};
  const uint64_t path = random_.Below(4);
  options_.journal.window.path = kPaths[path];
  options_.journal.window.bytes = kMinWindowBytes << random_.Below(3);
  Trace("write path: " + std::string(kNames[path]) + " of " +
        std::to_string(options_.journal.window.bytes) + " bytes");
}

SimulationResult Run::Execute() {
  result_.counts.runs = 1;
  DrawOptions();
  world_ = std::make_unique<SimulatedEnvironment>(random_.Next());
  if (random_.Chance(0.3)) world_->file_system().set_background_writeback(0.02);
  Install(*world_);
  Open(0, false);
  const uint64_t instruments = 1 + random_.Below(5);
  for (uint64_t i = 0; i < instruments && ok(); ++i) DefineInstrument();
  const uint64_t steps = steps_ / 2 + random_.Below(steps_ + 1);
  for (uint64_t i = 0; i < steps && ok(); ++i) Step();
  if (ok()) ForgetAllBackups();
  if (ok()) ForgetConsumer();
  const uint64_t end = random_.Below(10);
  if (ok() && end < 3) LieAndCut();
  if (ok() && end >= 3 && end < 6) Rot();
  if (ok() && end >= 6) DamageAndJudge();
  quiet_ = true;
  engine_.reset();
  return std::move(result_);
}

Run::Frontier Run::FrontierNow() const { return {engine_->appended(), engine_->durable()}; }

// Without a state machine, a run's snapshots hold no user state.
std::vector<uint8_t> Run::UserBytes(const ModelState& state) const {
  return has_state_machine_ ? state.user_state().Bytes() : std::vector<uint8_t>();
}

// Usually something is appended; a crash or a fault may be waiting for one of the calls.
void Run::Step() {
  world_->clock().Advance(random_.Chance(0.1) ? 1'000'000'000 : random_.Below(1000));
  if (random_.Chance(0.04)) {
    // Sets the clock back, or far ahead.
    const uint64_t now = world_->environment().clock->NowNs();
    world_->clock().SetWallNs(random_.Chance(0.7) ? now - random_.Below(1'000'000) : now + 5000);
  }
  if (random_.Chance(0.12)) ArmCrash(12);
  if (random_.Chance(0.10)) ArmFault(6);
  const uint64_t choice = random_.Below(114);
  if (choice < 40) {
    AppendSome();
  } else if (choice < 54) {
    Flush();
  } else if (choice < 60) {
    WorkInBackground();
  } else if (choice < 65) {
    world_->file_system().BackgroundWriteback();
    Trace("the kernel writes back");
  } else if (choice < 75) {
    TakeSnapshot();
  } else if (choice < 84) {
    Compact();
  } else if (choice < 87) {
    Restart();
  } else if (choice < 91) {
    if (crash_countdown_ == 0) crash_ = random_.Chance(0.3) ? Crash::kContainer : Crash::kKill;
    CrashNow();
  } else if (choice < 97) {
    if (crash_countdown_ == 0) crash_ = Crash::kPower;
    CrashNow();
  } else if (choice < 100) {
    DefineInstrument();
  } else if (choice < 106) {
    TakeBackup();
  } else {
    Consume();
  }
  if (!ok()) return;
  if (dead_) {
    RecoverFromCrash();
  } else if (engine_) {
    acknowledged_ = std::max(acknowledged_, engine_->durable());
    const Journal* journal = engine_->journal();
    Holds(journal->durable() <= journal->written() && journal->written() <= journal->appended(),
          "the frontiers are out of order");
    const bool was_failed = engine_->journal()->failed();
    Disarm();
    if (was_failed) {
      AppendOne();  // it must refuse
      if (ok() && random_.Chance(0.5)) Restart();
      if (ok() && dead_) RecoverFromCrash();
    }
    if (ok() && random_.Chance(0.2)) CheckBooks();
    if (ok() && random_.Chance(0.08)) Remember();
  }
}

// What the journal's own threads do.
void Run::WorkInBackground() {
  (void)engine_->journal()->PrepareStep();
  (void)engine_->journal()->TouchStep(random_.Below(65536));
  const bool failed_before = engine_->journal()->failed();
  const uint64_t work = random_.Below(5);
  const Status status = work < 2   ? engine_->journal()->CopyStep(1 + random_.Below(20'000))
                        : work < 3 ? engine_->journal()->MarkStep()
                                   : engine_->journal()->FillStep();
  Trace(std::string(work < 2   ? "copy: "
                    : work < 3 ? "mark: "
                               : "prepare, fill ahead: ") +
        status.ToString());
  if (!dead_ && !status.ok() && !failed_before) {
    Holds(cause_, "copying or filling failed without a cause: " + status.ToString());
    Holds(engine_->journal()->failed(), "failed writing left the journal usable");
  }
}

void Run::AppendSome() {
  if (engine_->in_transaction()) return;
  const uint64_t count = 1 + random_.Below(random_.Chance(0.2) ? 150 : 20);
  const bool full_disk = random_.Chance(0.04);
  if (full_disk) {
    world_->file_system().set_capacity(0);
    cause_ = true;
  }
  const uint64_t before = engine_->appended();
  if (random_.Chance(0.35)) AppendTransaction();
  for (uint64_t i = 0; i < count && ok() && !dead_; ++i) AppendOne();
  if (ok() && !dead_ && random_.Chance(0.15)) AppendTransaction();
  if (full_disk) world_->file_system().set_capacity(~uint64_t{0});
  Trace("append " + std::to_string(before + 1) + ".." + std::to_string(entries_.size()) +
        (full_disk ? " on a full disk" : ""));
}

void Run::AppendOne() {
  if (random_.Chance(0.2)) {
    AppendPayload();
  } else {
    ApplyOperation(DrawOperation());
  }
}

void Run::DefineInstrument() {
  if (!engine_) return;
  Instrument instrument;
  const uint64_t number = random_.Below(8);
  instrument.name = "INSTRUMENT-" + std::to_string(number);
  instrument.price_scale = static_cast<uint32_t>(number % 3);
  instrument.quantity_scale = random_.Chance(0.1) ? 1 : 0;
  instrument.kind = number % 3 == 2 ? InstrumentKind::kLevels : InstrumentKind::kOrders;
  instrument.signed_prices = number == 3 || number == 5;
  if (random_.Chance(0.05)) instrument.price_scale = 16;
  Code expected = instrument.price_scale > 15 ? Code::kInvalidInstrument : Code::kOk;
  bool present = false;
  for (const ModelInstrument& known : live_.instruments()) {
    if (expected != Code::kOk || known.definition.name != instrument.name) continue;
    present = known.definition == instrument;
    if (!present) expected = Code::kInstrumentMismatch;
  }
  const Frontier before = FrontierNow();
  if (expected == Code::kOk && !present) {
    last_clock_ns_ = std::max(last_clock_ns_, world_->environment().clock->NowNs());
  }
  uint16_t index = 0;
  const Status status = engine_->DefineInstrument(instrument, &index);
  Trace("define " + instrument.name + ": " + status.ToString());
  if (present && expected == Code::kOk) {
    Holds(status.ok() && engine_->appended() == before.appended,
          "a known definition made an entry");
    return;
  }
  const uint16_t next = static_cast<uint16_t>(live_.instruments().size() + 1);
  if (status.ok()) Holds(index == next, "a new instrument has the wrong index");
  Settle(expected, status.code(), before, engine_->appended(),
         EntryOfInstrument(instrument, next, last_clock_ns_));
}

void Run::Flush() {
  const uint64_t durable_before = engine_->durable();
  const bool failed_before = engine_->journal()->failed();
  const Status status = engine_->SyncNow();
  Trace("sync: " + status.ToString());
  if (dead_) return;
  if (status.ok()) {
    Holds(!failed_before, "a failed journal synced again");
    Holds(engine_->durable() >= engine_->appended(), "a sync left entries that are not durable");
    return;
  }
  Holds(cause_, "a sync failed without a cause: " + status.ToString());
  Holds(engine_->journal()->failed(), "a failed sync left the journal usable");
  // (All that was synced, if only the mark that says so could not be written.)
  Holds(engine_->durable() == durable_before || engine_->durable() == engine_->appended(),
        "a failed sync moved the durable frontier");
}

// Others read what is in the files: false if the journal can't get it there.
bool Run::Copy() {
  const bool failed_before = engine_->journal()->failed();
  const Status status = engine_->journal()->CopyStep();
  if (dead_) return false;
  if (status.ok()) {
    return Holds(engine_->journal()->written() == engine_->appended(),
                 "copying left entries that are not written");
  }
  Holds(cause_ || failed_before, "copying failed without a cause: " + status.ToString());
  Holds(engine_->journal()->failed(), "failed copying left the journal usable");
  return false;
}

void Run::TakeSnapshot() {
  const SnapshotPoint point = engine_->FixSnapshotPoint();
  last_clock_ns_ = std::max(last_clock_ns_, world_->environment().clock->NowNs());
  const std::vector<uint8_t> user_state = UserBytes(live_);
  takes_snapshot_ = true;
  if (random_.Chance(0.3)) AppendSome();
  takes_snapshot_ = false;
  if (!ok() || dead_) return;
  if (lying_probability_ == 0 && random_.Chance(0.2)) RotSnapshot();
  // After a crash in between it is unknown whether a rotten one was replaced.
  if (rotten_snapshots_.contains(point.sequence)) return;
  std::set<uint64_t> usable = SoundSnapshots();
  usable.insert(point.sequence);
  SnapshotInfo info;
  const Status status = engine_->BuildSnapshot(point, user_state, &info);
  Trace("snapshot at " + std::to_string(point.sequence) + ": " + status.ToString());
  if (dead_) return;
  if (point.sequence == 0) {
    Holds(status.code() == Code::kInvalidOperation, "a snapshot of nothing was taken");
  } else if (status.ok()) {
    ++result_.counts.snapshots;
    acknowledged_snapshots_.insert(point.sequence);
    Holds(engine_->durable() >= point.sequence, "a snapshot is ahead of the durable journal");
    CheckRotation(usable.size());
  } else {
    // Reading back the snapshot, or the files it is built from, reveals a lying device.
    Holds(cause_ || lies_ > 0, "a snapshot failed without a cause: " + status.ToString());
  }
}

void Run::Compact() {
  CompactionReport report;
  const bool has_limit = options_.consumer_limit_bytes < EngineOptions().consumer_limit_bytes ||
                         options_.consumer_limit_entries > 0;
  const Status status = engine_->Compact(random_.Chance(0.6), &report);
  // (A crash midway loses the report.)
  if (has_limit && (dead_ || !status.ok() || !report.overtaken.empty())) {
    consumer_overtaken_ = true;
  }
  // A commit whose sync failed is visible until a power cut reverts it.
  if (consumer_positions_.size() > 1) consumer_overtaken_ = true;
  result_.counts.segments_released += report.removed + report.recycled;
  Trace("compact: " + status.ToString() + ", released " +
        std::to_string(report.removed + report.recycled) + " " + report.reason);
  if (dead_) return;
  if (!status.ok()) Holds(cause_, "compaction failed without a cause: " + status.ToString());
  if (random_.Chance(0.5) && lies_ == 0) CheckSnapshots(*world_, *engine_);
}

void Run::Restart() {
  const bool failed = engine_->journal()->failed();
  const Status status = engine_->Close();
  Trace("close: " + status.ToString());
  if (dead_) return;
  acknowledged_ = std::max(acknowledged_, engine_->durable());
  if (status.ok()) Holds(!failed, "a failed journal closed as if all were well");
  if (!status.ok()) Holds(cause_, "closing failed without a cause: " + status.ToString());
  engine_.reset();
  Disarm();
  ++result_.counts.clean_restarts;
  Open(entries_.size(), status.ok());
}

// The time of an entry is never lower than that of the one before, even across a restart with a
// clock that was set back. One entry shows the time that the engine continues from.
void Run::LearnClock() {
  uint64_t floor = 0;
  for (const ModelEntry& entry : entries_) {
    if ((entry.flags & 0x02) == 0) floor = std::max(floor, entry.timestamp_ns);
  }
  last_clock_ns_ = floor;
  const uint64_t now = world_->environment().clock->NowNs();
  if (live_.instruments().empty()) {
    world_->clock().SetWallNs(std::max(now, floor) + 10'000'000);
    return;
  }
  Operation trade;
  trade.type = EntryType::kTrade;
  trade.instrument = 1;
  trade.price = 1;
  trade.quantity = 1;
  uint64_t sequence = 0;
  const Frontier before = FrontierNow();
  const Code code = engine_->Apply(trade, 0, &sequence);
  if (code == Code::kOk) {
    last_clock_ns_ = engine_->books().facts(1).last_timestamp_ns;
    Holds(last_clock_ns_ >= std::max(floor, now), "time went back across a restart");
  }
  Settle(Code::kOk, code, before, sequence, EntryOfOperation(trade, last_clock_ns_, false));
}

}  // namespace simulation
}  // namespace pinnacle
