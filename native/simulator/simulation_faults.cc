// Crashes and failing calls. A crash in the middle of a step happens inside one of its calls on the
// file system: what a kill or a power cut leaves is fixed then, and afterwards every call of the
// dead process fails until the engine is unwound.
#include <algorithm>
#include <cerrno>

#include "simulator/simulation_run.h"

namespace pinnacle::simulation {
namespace {

constexpr uint64_t Bit(CallKind kind) { return uint64_t{1} << static_cast<unsigned>(kind); }

constexpr uint64_t kSyncs = Bit(CallKind::kSync) | Bit(CallKind::kMapSync);

struct FaultChoice {
  uint64_t kinds;
  int system_error;
};

constexpr FaultChoice kFaults[] = {
    {kSyncs, EIO},
    {kSyncs, EIO},
    {Bit(CallKind::kMapSync), ENOSPC},
    {Bit(CallKind::kSyncDirectory), EIO},
    {Bit(CallKind::kSyncDirectory), EIO},
    {Bit(CallKind::kWrite), EIO},
    {Bit(CallKind::kWrite), ENOSPC},
    {Bit(CallKind::kPreallocate), ENOSPC},
    {Bit(CallKind::kZeroBlocks), ENOSPC},
    {Bit(CallKind::kCreate), EMFILE},
    {Bit(CallKind::kOpen), EMFILE},
    {Bit(CallKind::kRead), EIO},
    {Bit(CallKind::kMap), EMFILE},
    {Bit(CallKind::kRename), EIO},
    {Bit(CallKind::kRemove), EIO},
    {Bit(CallKind::kList), EMFILE},
    {Bit(CallKind::kSize), EIO},
    {Bit(CallKind::kExists), EIO},
    {Bit(CallKind::kLock), EMFILE},
    {Bit(CallKind::kLink), EIO},
    {~uint64_t{0}, EIO},
};

// Errors of a call, as opposed to findings about what was read.
bool TellsOfACall(Code code) {
  switch (code) {
    case Code::kIo:
    case Code::kNoSpace:
    case Code::kTooManyFiles:
    case Code::kNotFound:
    case Code::kPermission:
    case Code::kReadOnly:
    case Code::kJournalFailed:
      return true;
    default:
      return false;
  }
}

const char* NameOf(Crash crash) {
  switch (crash) {
    case Crash::kKill:
      return "killed";
    case Crash::kContainer:
      return "container killed";
    default:
      return "power cut";
  }
}

}  // namespace

void Run::Install(SimulatedEnvironment& world) {
  world.file_system().faults().SetHook(
      [this](CallKind kind, const std::string& path) { return OnCall(kind, path); });
}

Fault Run::OnCall(CallKind kind, const std::string& path) {
  if (quiet_ || kind == CallKind::kMark) return {};
  if (dead_) return {.system_error = EIO, .bytes = 0, .never_made = true};
  ++calls_;
  CheckFrontiers();
  if (crash_countdown_ > 0 && --crash_countdown_ == 0) {
    Trace(std::string(NameOf(crash_)) + " at " + CallKindName(kind) + " " + path);
    ++result_.counts.mid_call;
    CrashNow();
    return {.system_error = EIO, .bytes = 0, .never_made = true};
  }
  if (fault_countdown_ > 0 && (fault_kinds_ & Bit(kind)) != 0 &&
      (fault_repeats_ ? fault_countdown_ == 1 || --fault_countdown_ == 1
                      : --fault_countdown_ == 0)) {
    Trace(std::string("fails: ") + CallKindName(kind) + " " + path);
    cause_ = true;
    ++result_.counts.failed_calls;
    return fault_;
  }
  if (backup_lies_ && kind == CallKind::kSync && path.starts_with("/b/") && random_.Chance(0.1)) {
    Trace("the device lies: " + path);
    backup_lied_ = true;
    return Fault::Lying(random_.Chance(0.5) ? Fault::Device::kLosePage
                                            : Fault::Device::kLoseSector);
  }
  if (lying_probability_ > 0 && (Bit(kind) & kSyncs) != 0 && random_.Chance(lying_probability_)) {
    static constexpr Fault::Device kLies[] = {Fault::Device::kLosePage, Fault::Device::kLoseSector,
                                              Fault::Device::kMisdirectSector};
    const uint64_t lie = random_.Below(3);
    Trace("the device lies (" + std::to_string(lie) + "): " + CallKindName(kind) + " " + path);
    ++lies_;
    return Fault::Lying(kLies[lie]);
  }
  return {};
}

void Run::ArmCrash(uint64_t most_calls) {
  crash_ = random_.Chance(0.5)   ? Crash::kPower
           : random_.Chance(0.3) ? Crash::kContainer
                                 : Crash::kKill;
  // Making a segment takes one call for each of its pages: let some crashes come after them.
  crash_countdown_ = 1 + random_.Below(random_.Chance(0.4) ? most_calls * 6 : most_calls);
}

void Run::ArmFault(uint64_t most_calls) {
  const FaultChoice& choice = kFaults[random_.Below(std::size(kFaults))];
  fault_kinds_ = choice.kinds;
  fault_countdown_ = 1 + random_.Below(most_calls);
  fault_repeats_ = random_.Chance(0.2);
  fault_ = Fault::Error(choice.system_error);
  if ((fault_kinds_ & Bit(CallKind::kWrite)) != 0 && random_.Chance(0.5)) {
    // In whole sectors: a file system stores the data of a sector wholly or not at all.
    fault_ = Fault::ErrorAfter(choice.system_error, random_.Below(9) * kSectorBytes);
  }
  if (fault_kinds_ == Bit(CallKind::kRead) && random_.Chance(0.4)) {
    fault_ = Fault::ShortRead(1 + random_.Below(8191));
  }
}

void Run::Disarm() {
  crash_countdown_ = 0;
  fault_countdown_ = 0;
  crash_ = Crash::kNone;
}

void Run::CutImages(std::vector<DiskImage>* images) {
  images->clear();
  PowerCutOptions options;
  const uint64_t kind = random_.Below(10);
  if (kind == 0) options.unsynced = PowerCutOptions::Unsynced::kNothing;
  if (kind == 1) options.unsynced = PowerCutOptions::Unsynced::kEverything;
  torn_ = random_.Chance(0.1);
  options.torn_sector_probability = torn_ ? 0.5 : 0;
  const uint64_t count = kind < 2 ? 1 : 1 + random_.Below(5);
  for (uint64_t i = 0; i < count; ++i) {
    images->push_back(world_->file_system().PowerCut(random_, options));
    // The directory of windows may be one that outlives a reboot.
    if (random_.Chance(0.3)) images->back().files.merge(world_->file_system().MemoryFiles().files);
  }
}

void Run::CrashNow() {
  // The frontier may have been read just now and passed on.
  if (engine_) {
    acknowledged_ = std::max(acknowledged_, engine_->durable());
    in_files_ = std::max(acknowledged_, engine_->journal()->written());
  }
  if (crash_ == Crash::kPower) {
    CutImages(&images_);
    in_files_ = acknowledged_;
    power_was_cut_ = true;
  } else if (crash_ == Crash::kContainer) {
    world_->file_system().ContainerKill();
    container_killed_ = true;
  } else {
    world_->file_system().ProcessKill();
  }
  dead_ = true;
}

void Run::RecoverFromCrash() {
  const Crash crash = crash_;
  engine_.reset();
  dead_ = false;
  Disarm();
  uint64_t least = entries_.size();
  if (crash == Crash::kPower) {
    least = acknowledged_;
    result_.counts.power_cuts += images_.size();
    Trace("power is cut, " + std::to_string(images_.size()) + " images" +
          (torn_ ? ", sectors torn" : ""));
    for (size_t i = 0; i < images_.size() && ok(); ++i) {
      // The run continues with the last one, which has no torn sector.
      if (i + 1 < images_.size() || torn_) CheckSideImage(images_[i], least, torn_);
    }
    if (!ok()) return;
    if (torn_) {
      PowerCutOptions nothing;
      nothing.unsynced = PowerCutOptions::Unsynced::kNothing;
      images_.push_back(world_->file_system().PowerCut(random_, nothing));
      ++result_.counts.power_cuts;
      torn_ = false;
    }
    const uint64_t now = world_->environment().clock->NowNs();
    DiskImage image = std::move(images_.back());
    images_.clear();
    CheckFeatures(image);
    world_ = std::make_unique<SimulatedEnvironment>(random_.Next(), image);
    world_->clock().SetWallNs(random_.Chance(0.2) ? now - random_.Below(100'000) : now + 1000);
    if (random_.Chance(0.3)) world_->file_system().set_background_writeback(0.02);
    Install(*world_);
  } else if (crash == Crash::kContainer) {
    ++result_.counts.container_kills;
    least = in_files_;
    Trace("container killed, " + std::to_string(least) + " entries were written");
  } else {
    ++result_.counts.process_kills;
    Trace("process killed");
    if (random_.Chance(0.3)) JudgeWindowBeside();
  }
  Open(least, false);
}

// Opens until it succeeds; crashes and failing calls may come in between.
void Run::Open(uint64_t least, bool clean) {
  for (int attempt = 0; ok(); ++attempt) {
    if (random_.Chance(0.1)) DrawWindow();
    if (attempt < 3 && random_.Chance(0.15)) ArmCrash(40);
    if (attempt < 3 && random_.Chance(0.12)) ArmFault(10);
    cause_ = false;
    RecoveryReport report;
    std::unique_ptr<Engine> engine;
    const Status status = Engine::Open(world_->environment(), options_, nullptr, &engine, &report);
    Trace("open: " + status.ToString() + ", " + TailName(report.tail) + ", snapshot " +
          std::to_string(report.snapshot_sequence) + ", last " +
          std::to_string(report.last_sequence) + " " + report.break_reason + ", window " +
          std::to_string(static_cast<int>(report.window.fate)) + " with " +
          std::to_string(report.window.entries) + " " + report.window.reason);
    loss_told_ |= report.window.fate == WindowFate::kGone;
    if (dead_) {
      const Crash crash = crash_;
      engine.reset();
      dead_ = false;
      clean = false;
      if (crash == Crash::kPower) {
        // Entries that were read back may be lost again, but no acknowledged ones.
        least = std::min(least, acknowledged_);
        crash_ = crash;
        crash_countdown_ = 0;
        RecoverFromCrash();
        return;
      }
      ++(crash == Crash::kContainer ? result_.counts.container_kills
                                    : result_.counts.process_kills);
      if (crash == Crash::kContainer) least = std::min(least, in_files_);
      Disarm();
      continue;
    }
    Disarm();
    if (!status.ok()) {
      if (!Holds(cause_, "open refused without a cause: " + status.ToString())) return;
      if (!Holds(TellsOfACall(status.code()),
                 "a failing call is told as something else: " + status.ToString())) {
        return;
      }
      clean = false;
      continue;
    }
    engine_ = std::move(engine);
    CheckRecovered(*world_, *engine_, report, least, clean);
    if (ok()) CheckWindow(report, engine_->appended(), clean);
    if (ok() && !clean && lies_ == 0) CheckBackups(FilesOf(*world_), engine_->appended());
    if (!ok()) return;
    Truncate(engine_->appended());
    acknowledged_ = in_files_ = engine_->durable();
    container_killed_ = power_was_cut_ = loss_told_ = false;
    cause_ = false;
    LearnClock();
    return;
  }
}

}  // namespace pinnacle::simulation
