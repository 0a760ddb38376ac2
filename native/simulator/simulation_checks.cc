// What must hold after a recovery, and while running.
#include <algorithm>
#include <cstring>

#include "engine/time_travel.h"
#include "simulator/disk_reading.h"
#include "simulator/journal_following.h"
#include "simulator/simulation_run.h"
#include "snapshot/snapshot_directory.h"
#include "snapshot/snapshot_reader.h"

namespace pinnacle::simulation {
namespace {

constexpr uint64_t kCheckpointEvery = 64;

}  // namespace

uint64_t DigestOf(const BookSet& books) {
  uint64_t digest = books.last_sequence();
  for (uint32_t i = 1; i <= books.instrument_count(); ++i) {
    const uint16_t index = static_cast<uint16_t>(i);
    digest = digest * 31 + books.book(index).Digest();
    digest = digest * 31 + books.facts(index).last_sequence;
    digest = digest * 31 + books.facts(index).traded_quantity;
  }
  return digest;
}

DiskImage FilesOf(SimulatedEnvironment& world) {
  DeterministicRandom unused(1);
  PowerCutOptions everything;
  everything.unsynced = PowerCutOptions::Unsynced::kEverything;
  return world.file_system().PowerCut(unused, everything);
}

bool IsUnchanged(SimulatedEnvironment& world, const DiskImage& image) {
  static constexpr char kLockPath[] = "/d/LOCK";
  DiskImage now = FilesOf(world);
  if (!image.files.contains(kLockPath)) now.files.erase(kLockPath);
  DiskImage before = image;
  std::erase_if(before.files, [](const auto& file) { return IsInMemory(file.first); });
  return now == before;
}

bool Run::Holds(bool condition, const std::string& what) {
  if (condition || !ok()) return condition;
  result_.violation = what;
  Trace("VIOLATION: " + what);
  return false;
}

void Run::Accept(ModelEntry entry) {
  const uint64_t sequence = entries_.size() + 1;
  live_.Apply(entry, sequence);
  entries_.push_back(std::move(entry));
  ++result_.counts.entries;
  if (sequence % kCheckpointEvery == 0) checkpoints_[sequence] = live_;
}

ModelState Run::StateAt(uint64_t sequence) {
  if (sequence == entries_.size()) return live_;
  ModelState state;
  const auto behind = checkpoints_.upper_bound(sequence);
  if (behind != checkpoints_.begin()) state = std::prev(behind)->second;
  for (uint64_t next = state.last_sequence() + 1; next <= sequence; ++next) {
    state.Apply(entries_[next - 1], next);
  }
  return state;
}

void Run::Truncate(uint64_t sequence) {
  if (sequence == entries_.size()) return;
  LoseConsumed(sequence);
  live_ = StateAt(sequence);
  entries_.resize(sequence);
  checkpoints_.erase(checkpoints_.upper_bound(sequence), checkpoints_.end());
}

void Run::CheckBooks() {
  const std::string difference = live_.Difference(engine_->books());
  Holds(difference.empty(), "the live books are not the model's: " + difference);
}

std::string Run::DifferenceOf(SimulatedEnvironment& world, const Engine& engine,
                              const RecoveryReport& report) {
  Quiet quiet(&quiet_);
  const uint64_t last = engine.appended();
  if (last > entries_.size()) return "phantom entries";
  if (!IsEnd(last)) return "it ends inside a transaction";
  const ModelState state = StateAt(last);
  const std::string difference = state.Difference(engine.books());
  if (!difference.empty()) return "the books are not the model's: " + difference;
  const uint64_t snapshot = report.snapshot_sequence;
  const std::vector<uint8_t> restored =
      snapshot == 0 ? std::vector<uint8_t>() : UserBytes(StateAt(snapshot));
  if (engine.recovered_user_state() != restored) {
    return "the user's state in snapshot " + std::to_string(snapshot) + " is not the model's";
  }
  if (!has_state_machine_) return "";
  UserState user;
  const Status status =
      ReplayUserState(world.environment().file_system, restored, snapshot, last, &user);
  if (!status.ok()) return "the user's state can't be replayed: " + status.ToString();
  return user == state.user_state() ? "" : "the user's state is not the model's";
}

void Run::CheckRecovered(SimulatedEnvironment& world, const Engine& engine,
                         const RecoveryReport& report, uint64_t least, bool clean) {
  Quiet quiet(&quiet_);
  const uint64_t last = engine.appended();
  const std::string where = "recovered up to " + std::to_string(last) + ": ";
  if (!Holds(last >= least, where + "entries up to " + std::to_string(least) + " were promised") ||
      !Holds(last <= entries_.size(),
             where + "only " + std::to_string(entries_.size()) + " were ever accepted") ||
      !Holds(report.last_sequence == last,
             where + "the report says " + std::to_string(report.last_sequence)) ||
      !Holds(engine.durable() == last, where + "open left entries that are not durable") ||
      !Holds(report.tail != Tail::kCorrupt, where + "sound data were told as corrupt") ||
      !Holds(report.damaged_snapshots.size() <= rotten_snapshots_.size(),
             where + "a sound snapshot was told as damaged") ||
      !Holds(!clean || report.tail == Tail::kClean,
             where + "a clean end was told as torn: " + report.break_reason)) {
    return;
  }
  const std::string difference = DifferenceOf(world, engine, report);
  if (!Holds(difference.empty(), where + difference)) return;
  CheckSnapshots(world, engine);
  CheckJournal(world, engine);
  // The books at any point that the snapshots and the journal cover.
  if (!ok() || last == 0 || !random_.Chance(0.2)) return;
  const uint64_t oldest = engine.journal()->oldest_sequence();
  const uint64_t point = 1 + random_.Below(last);
  BookSet books;
  uint32_t checksum = 0;
  const Status status =
      BuildBooks(world.environment().file_system, kDirectory, point, &books, &checksum);
  if (status.ok()) {
    const std::string then = StateAt(point).Difference(books);
    Holds(IsEnd(point), "books were shown inside a transaction, at " + std::to_string(point));
    Holds(then.empty(), "the books at " + std::to_string(point) + " are not the model's: " + then);
  } else {
    Holds((status.code() == Code::kOutOfReach && oldest > 1) ||
              (status.code() == Code::kInsideTransaction && !IsEnd(point)),
          "books within reach were refused: " + status.ToString());
  }
}

// Every entry that the journal holds, byte for byte.
void Run::CheckJournal(SimulatedEnvironment& world, const Engine& engine) {
  if (!ok()) return;
  Quiet quiet(&quiet_);
  const uint64_t last = engine.appended();
  uint64_t next = engine.journal()->oldest_sequence();
  if (!Holds(next >= 1 && next <= last + 1,
             "the oldest entry is said to be " + std::to_string(next))) {
    return;
  }
  const Status status = FollowJournal(
      world.environment().file_system, next, [&](const uint8_t* entry, uint64_t length) {
        const std::string who = "entry " + std::to_string(next) + " in the journal: ";
        const bool right =
            Holds(next <= last, who + "nobody appended it") &&
            Holds(Load<uint64_t>(entry + 8) == next, who + "wrong sequence") &&
            Holds(entries_[next - 1].IsStoredAs(entry, length, next), who + "not as appended");
        ++next;
        return right;
      });
  if (!Holds(status.ok(), "the journal can't be read: " + status.ToString()) || !ok()) return;
  Holds(next == last + 1,
        "the journal ends at " + std::to_string(next - 1) + " instead of " + std::to_string(last));
}

// Every sound snapshot is the model at its point, the journal reaches back to the oldest of them,
// and the rotten ones still exist.
void Run::CheckSnapshots(SimulatedEnvironment& world, const Engine& engine) {
  if (!ok()) return;
  Quiet quiet(&quiet_);
  FileSystem* fs = world.environment().file_system;
  std::vector<SnapshotFile> files;
  const Status listed = ListSnapshots(fs, std::string(kDirectory) + "/snapshots", &files);
  if (!Holds(listed.ok(), "snapshots can't be listed: " + listed.ToString())) return;
  for (const uint64_t rotten : rotten_snapshots_) {
    const bool there = std::any_of(files.begin(), files.end(), [&](const SnapshotFile& file) {
      return file.sequence == rotten;
    });
    Holds(there, "snapshot " + std::to_string(rotten) + ", which is rotten, was removed");
  }
  std::erase_if(
      files, [&](const SnapshotFile& file) { return rotten_snapshots_.contains(file.sequence); });
  const uint64_t newest = files.empty() ? 0 : files.back().sequence;
  const uint64_t newest_wanted =
      acknowledged_snapshots_.empty() ? 0 : *acknowledged_snapshots_.rbegin();
  if (!Holds(newest >= newest_wanted, "snapshot " + std::to_string(newest_wanted) +
                                          " was reported taken; the newest is " +
                                          std::to_string(newest))) {
    return;
  }
  const uint64_t oldest_entry = engine.journal()->oldest_sequence();
  const uint64_t needed = files.empty() ? 1 : files.front().sequence + 1;
  Holds(oldest_entry <= needed, "the journal begins at " + std::to_string(oldest_entry) +
                                    " but the oldest snapshot needs " + std::to_string(needed));
  for (const SnapshotFile& file : files) {
    if (!ok()) return;
    BookSet books;
    std::vector<uint8_t> user_state;
    SnapshotInfo info;
    const Status status = ReadSnapshot(fs, file.path, &books, &user_state, &info);
    if (!Holds(status.ok(), "a snapshot does not verify: " + status.ToString())) return;
    if (!Holds(file.sequence <= engine.appended(), "a snapshot is ahead of the journal") ||
        !Holds(IsEnd(file.sequence), "a snapshot stands inside a transaction")) {
      return;
    }
    const std::string difference = StateAt(file.sequence).Difference(books);
    Holds(difference.empty(),
          "snapshot " + std::to_string(file.sequence) + " is not the model: " + difference);
  }
}

// Of the `usable` ones, including the new one, rotation kept as many as it has to, however many of
// the others are rotten.
void Run::CheckRotation(size_t usable) {
  const size_t left = SoundSnapshots().size();
  Holds(left >= std::min<uint64_t>(options_.keep_snapshots, usable),
        "rotation left " + std::to_string(left) + " of " + std::to_string(usable) +
            " usable snapshots");
}

void Run::CheckFeatures(const DiskImage& image) {
  uint64_t first = 1;
  while (first <= entries_.size() && !entries_[first - 1].definition.signed_prices) ++first;
  if (first > entries_.size()) return;
  for (const DiskSegment& segment : ReadDisk(image).segments) {
    const bool needs = std::any_of(segment.entries.begin(), segment.entries.end(),
                                   [&](const DiskEntry& entry) { return entry.sequence >= first; });
    if (!needs || !segment.header_valid) continue;
    ++result_.counts.features_checked;
    Holds((segment.features & 4) != 0,
          segment.path + " holds signed prices, and its header does not say so");
  }
}

// Another disk that the same power cut may have left.
void Run::CheckSideImage(const DiskImage& image, uint64_t least, bool torn) {
  Quiet quiet(&quiet_);
  if (!torn) CheckFeatures(image);
  SimulatedEnvironment world(random_.Next(), image);
  RecoveryReport report;
  std::unique_ptr<Engine> engine;
  const Status status = Engine::Open(world.environment(), options_, nullptr, &engine, &report);
  if (!status.ok()) {
    // A device that tears sectors breaks an assumption of the format: a torn entry may then look
    // like a damaged one. It is reported, and only if it is not durable.
    Holds(torn && status.code() == Code::kCorrupt && report.break_sequence > least,
          "a power cut left what can't be opened: " + status.ToString());
    return;
  }
  Holds(report.window.fate == WindowFate::kNone || report.window.fate == WindowFate::kOtherBoot,
        "a window of an earlier boot was not told from one of this: " + report.window.reason);
  CheckRecovered(world, *engine, report, least, false);
  if (ok()) CheckBackups(image, engine->appended());
}

}  // namespace pinnacle::simulation
