// Disks that lie and rot: what they leave must be reported with the right place, or not matter.
#include <algorithm>
#include <cstring>
#include <utility>

#include "checksum/crc32c.h"
#include "simulator/simulation_run.h"
#include "snapshot/snapshot_directory.h"
#include "snapshot/snapshot_reader.h"

namespace pinnacle::simulation {
namespace {

constexpr char kJournalPrefix[] = "/d/journal/";
constexpr char kSnapshotPrefix[] = "/d/snapshots/";

template <typename T>
T Load(const uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

bool IsNamed(const std::string& path, const std::string& prefix, const std::string& suffix) {
  return path.starts_with(prefix) && path.ends_with(suffix);
}

// What open may say of a damaged directory.
bool IsReport(Code code) {
  return code == Code::kCorrupt || code == Code::kJournalGap || code == Code::kSnapshotCorrupt;
}

uint64_t NewestSoundSnapshot(const DiskImage& image, size_t* sound) {
  SimulatedEnvironment world(1, image);
  FileSystem* fs = world.environment().file_system;
  std::vector<SnapshotFile> files;
  uint64_t newest = 0;
  *sound = 0;
  if (!ListSnapshots(fs, "/d/snapshots", &files).ok()) return 0;
  for (const SnapshotFile& file : files) {
    SnapshotInfo info;
    if (!VerifySnapshot(fs, file.path, &info).ok()) continue;
    newest = file.sequence;
    ++*sound;
  }
  return newest;
}

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

}  // namespace

RawScan WalkImage(const DiskImage& image) {
  RawScan scan;
  for (const auto& [path, content] : image.files) {
    if (!IsNamed(path, kJournalPrefix, ".segment")) continue;
    std::vector<uint8_t> bytes = content.Bytes();
    if (bytes.size() < 4096 || std::memcmp(bytes.data(), "PINNSEG\n", 8) != 0) continue;
    std::vector<uint8_t> header(bytes.begin(), bytes.begin() + 128);
    std::fill(header.begin() + 12, header.begin() + 16, uint8_t{0});
    if (Load<uint32_t>(bytes.data() + 12) != Crc32c(header)) continue;
    if (std::to_string(Load<uint64_t>(bytes.data() + 48)) !=
        std::to_string(std::stoull(path.substr(sizeof(kJournalPrefix) - 1, 20)))) {
      continue;
    }
    const uint32_t seed = Load<uint32_t>(bytes.data() + 56);
    for (const size_t slot : {size_t{2048}, size_t{2560}}) {
      const uint8_t* mark = bytes.data() + slot;
      if (Load<uint64_t>(mark + 8) != 0 &&
          Crc32cExtend(seed, mark, 28) == Load<uint32_t>(mark + 28)) {
        scan.witnessed_durable = std::max(scan.witnessed_durable, Load<uint64_t>(mark));
      }
    }
    for (size_t at = 4096; at + 64 <= bytes.size();) {
      const uint8_t* entry = bytes.data() + at;
      const uint64_t length = (uint64_t{Load<uint32_t>(entry)} + 32 + 63) / 64 * 64;
      const bool whole =
          (entry[7] & 0x80) != 0 && length <= bytes.size() - at &&
          Crc32cExtend(seed, entry, length - 4) == Load<uint32_t>(entry + length - 4);
      if (!whole) {
        at += 64;
        continue;
      }
      const uint64_t sequence = Load<uint64_t>(entry + 8);
      const uint64_t lag = Load<uint32_t>(entry + length - 8);
      scan.entries.push_back({path, at, length, sequence});
      if (lag < sequence) {
        scan.witnessed_durable = std::max(scan.witnessed_durable, sequence - 1 - lag);
      }
      at += length;
    }
  }
  return scan;
}

std::set<uint64_t> Run::SoundSnapshots() {
  const bool quiet_before = std::exchange(quiet_, true);
  std::vector<SnapshotFile> files;
  const Status listed = ListSnapshots(world_->environment().file_system, "/d/snapshots", &files);
  quiet_ = quiet_before;
  std::set<uint64_t> sound;
  if (!Holds(listed.ok(), "snapshots can't be listed: " + listed.ToString())) return sound;
  for (const SnapshotFile& file : files) {
    if (!rotten_snapshots_.contains(file.sequence)) sound.insert(file.sequence);
  }
  return sound;
}

// One whose loss another one makes good: two that were reported taken are there.
void Run::RotSnapshot() {
  std::set<uint64_t> candidates = SoundSnapshots();
  std::erase_if(candidates,
                [&](uint64_t sequence) { return !acknowledged_snapshots_.contains(sequence); });
  if (candidates.size() < 2) return;
  const uint64_t victim =
      *std::next(candidates.begin(), static_cast<int64_t>(random_.Below(candidates.size())));
  const std::string path = kSnapshotPrefix + SnapshotName(victim);
  const bool quiet_before = std::exchange(quiet_, true);
  std::unique_ptr<File> file;
  uint64_t bytes = 0;
  Status status = world_->environment().file_system->Open(path, OpenMode::kRead, &file);
  if (status.ok()) status = file->Size(&bytes);
  if (Holds(status.ok(), "a snapshot can't be opened: " + status.ToString()) &&
      world_->file_system().FlipBit(path, random_.Below(bytes),
                                    static_cast<unsigned>(random_.Below(8)))) {
    file->DropCache();
    rotten_snapshots_.insert(victim);
    acknowledged_snapshots_ = candidates;
    acknowledged_snapshots_.erase(victim);
    Trace("snapshot " + std::to_string(victim) + " rots");
  }
  quiet_ = quiet_before;
}

void Run::LieAndCut() {
  lying_probability_ = 0.02 + 0.02 * static_cast<double>(random_.Below(12));
  const uint64_t steps = 3 + random_.Below(15);
  for (uint64_t i = 0; i < steps && ok(); ++i) {
    const uint64_t choice = random_.Below(10);
    if (choice < 4) {
      AppendSome();
    } else if (choice < 8) {
      Flush();
    } else if (choice < 9) {
      TakeSnapshot();
    } else {
      Compact();
    }
  }
  lying_probability_ = 0;
  if (!ok()) return;
  acknowledged_ = std::max(acknowledged_, engine_->durable());
  CutImages(&images_);
  for (const DiskImage& image : images_) {
    if (!ok()) return;
    if (torn_) {
      JudgeLie(image);
    } else if (lies_ == 0) {
      ++result_.counts.power_cuts;
      CheckSideImage(image, acknowledged_, false);
    } else {
      JudgeLie(image);
    }
  }
}

void Run::JudgeLie(const DiskImage& image) {
  quiet_ = true;
  size_t sound = 0;
  const uint64_t witnessed =
      std::max(WalkImage(image).witnessed_durable, NewestSoundSnapshot(image, &sound));
  SimulatedEnvironment world(random_.Next(), image);
  RecoveryReport report;
  std::unique_ptr<Engine> engine;
  const Status status = Engine::Open(world.environment(), options_, nullptr, &engine, &report);
  Trace("open what the liar left: " + status.ToString() + ", last " +
        std::to_string(report.last_sequence) + ", witnessed " + std::to_string(witnessed));
  ++result_.counts.damaged_images;
  if (status.ok()) {
    const uint64_t last = engine->appended();
    if (!Holds(last <= entries_.size(), "phantom entries after a lost write")) return;
    if (last < acknowledged_) {
      Holds(last >= witnessed, "entries up to " + std::to_string(witnessed) +
                                   " are witnessed durable on the disk, yet the journal was cut "
                                   "silently behind " +
                                   std::to_string(last));
    }
    const std::string difference = StateAt(last).Difference(engine->books());
    Holds(difference.empty(), "wrong books after a lost write: " + difference);
  } else {
    ++result_.counts.damage_reported;
    Holds(IsReport(status.code()) || status.code() == Code::kNotOurFile,
          "a lying disk is told as something else: " + status.ToString());
  }
  quiet_ = false;
}

void Run::Rot() {
  quiet_ = true;
  if (random_.Chance(0.5)) {
    const Status status = engine_->SyncNow();
    if (!status.ok() && !engine_->journal()->failed()) Holds(false, status.ToString());
  }
  acknowledged_ = std::max(acknowledged_, engine_->durable());
  const DiskImage sound = world_->file_system().PowerCut(random_);
  SimulatedEnvironment world(random_.Next(), sound);
  RecoveryReport report;
  std::unique_ptr<Engine> engine;
  const Status status = Engine::Open(world.environment(), options_, nullptr, &engine, &report);
  ++result_.counts.power_cuts;
  if (!Holds(status.ok(), "a power cut left what can't be opened: " + status.ToString())) return;
  CheckRecovered(world, *engine, report, acknowledged_, false);
  const uint64_t sound_last = engine->appended();
  const RawScan raw = WalkImage(sound);
  const uint64_t rounds = 2 + random_.Below(5);
  for (uint64_t i = 0; i < rounds && ok(); ++i) JudgeRot(sound, raw, sound_last);
  quiet_ = false;
}

void Run::JudgeRot(const DiskImage& sound, const RawScan& raw, uint64_t sound_last) {
  DiskImage image = sound;
  std::vector<std::string> segments;
  std::vector<std::string> snapshots;  // that are sound so far
  for (const auto& [path, content] : image.files) {
    if (IsNamed(path, kJournalPrefix, ".segment")) segments.push_back(path);
    if (!IsNamed(path, kSnapshotPrefix, ".snapshot")) continue;
    uint64_t sequence = 0;
    ParseSnapshotName(path.substr(sizeof(kSnapshotPrefix) - 1), &sequence);
    if (!rotten_snapshots_.contains(sequence)) snapshots.push_back(path);
  }
  std::string path;
  uint64_t offset = 0;
  uint64_t broken = 0;  // the sequence of the entry that was hit
  const uint64_t choice = random_.Below(10);
  if (choice < 6 && !raw.entries.empty()) {
    // The newest entries are the ones that nothing behind them vouches for.
    const size_t newest = raw.entries.size() - 1;
    const size_t pick = random_.Chance(0.3)
                            ? newest - random_.Below(std::min<size_t>(4, newest + 1))
                            : random_.Below(raw.entries.size());
    path = raw.entries[pick].path;
    offset = raw.entries[pick].offset + random_.Below(raw.entries[pick].bytes);
    broken = raw.entries[pick].sequence;
  } else if (choice < 8 && !snapshots.empty()) {
    path = snapshots[random_.Below(snapshots.size())];
    offset = random_.Below(image.files[path].size());
  } else if (!segments.empty()) {
    path = segments[random_.Below(segments.size())];
    offset = random_.Chance(0.6) ? random_.Below(128) : random_.Below(4096);
  } else {
    return;
  }
  const unsigned bit = static_cast<unsigned>(random_.Below(8));
  image.files[path].FlipBit(offset, bit);
  const std::string what = "bit " + std::to_string(bit) + " of byte " + std::to_string(offset) +
                           " of " + path + " flipped (entry " + std::to_string(broken) + "): ";
  Trace(what);
  if (random_.Chance(0.35)) {
    JudgeRepaired(image,
                  random_.Chance(0.5) ? RecoveryPolicy::kPointInTime : RecoveryPolicy::kSalvage,
                  broken <= sound_last ? broken : 0);
    return;
  }
  SimulatedEnvironment world(random_.Next(), image);
  RecoveryReport report;
  std::unique_ptr<Engine> engine;
  const Status status = Engine::Open(world.environment(), options_, nullptr, &engine, &report);
  Trace("open: " + status.ToString());
  ++result_.counts.damaged_images;
  const bool in_snapshot = !IsNamed(path, kJournalPrefix, ".segment");
  if (status.ok()) {
    const uint64_t last = engine->appended();
    Holds(last >= acknowledged_,
          what + "durable entries were cut silently behind " + std::to_string(last));
    Holds(last <= sound_last, what + "phantom entries");
    if (in_snapshot) {
      Holds(last == sound_last, what + "a damaged snapshot cost entries");
      Holds(report.snapshot_path != path, what + "a damaged snapshot was used");
    }
    if (broken != 0 && broken <= sound_last && broken > report.snapshot_sequence) {
      Holds(last < broken, what + "the damaged entry was taken for good");
    }
    if (!ok()) return;
    const std::string difference = StateAt(last).Difference(engine->books());
    Holds(difference.empty(), what + "wrong books: " + difference);
    return;
  }
  ++result_.counts.damage_reported;
  if (!Holds(IsReport(status.code()), what + "told as " + status.ToString())) return;
  if (in_snapshot) {
    const bool only_one = snapshots.size() == 1;
    uint64_t oldest = ~uint64_t{0};
    for (const RawEntry& entry : raw.entries) oldest = std::min(oldest, entry.sequence);
    Holds(only_one && oldest > 1, what + "another way to recover was there: " + status.ToString());
    return;
  }
  if (broken > sound_last) {
    // Behind the end of what is recovered: a report is welcome but not owed.
    return;
  }
  Holds(report.break_segment == path,
        what + "reported in " + report.break_segment + ": " + status.ToString());
  if (broken == 0) return;
  // Where the snapshot covers the entry and nothing in its segment stands behind it, the place can
  // only be told as the one behind the snapshot.
  bool last_of_segment = true;
  for (const RawEntry& entry : raw.entries) {
    if (entry.path == path && entry.sequence > broken) last_of_segment = false;
  }
  const bool covered = last_of_segment && broken <= report.snapshot_sequence &&
                       report.break_sequence == report.snapshot_sequence + 1;
  Holds(report.break_sequence == broken || covered,
        what + "reported at entry " + std::to_string(report.break_sequence));
}

// Under a policy that goes on behind damage: what it promises, and a journal that works again.
void Run::JudgeRepaired(const DiskImage& image, RecoveryPolicy policy, uint64_t broken) {
  EngineOptions options = options_;
  options.policy = policy;
  const bool salvage = policy == RecoveryPolicy::kSalvage;
  const std::string who = salvage ? "salvage: " : "point-in-time: ";
  SimulatedEnvironment world(random_.Next(), image);
  RecoveryReport report;
  std::unique_ptr<Engine> engine;
  Status status = Engine::Open(world.environment(), options, nullptr, &engine, &report);
  Trace(who + status.ToString() + ", last " + std::to_string(report.last_sequence));
  ++result_.counts.damaged_images;
  if (!status.ok()) {
    ++result_.counts.damage_reported;
    Holds(status.code() == Code::kJournalGap, who + "refused: " + status.ToString());
    return;
  }
  const uint64_t last = engine->appended();
  Holds(last <= entries_.size(), who + "phantom entries");
  if (!ok()) return;
  if (report.tail == Tail::kCorrupt) {
    ++result_.counts.damage_reported;
    bool copied = false;
    const Status looked =
        world.environment().file_system->Exists(report.quarantine_directory, &copied);
    Holds(looked.ok() && copied && !report.quarantine_directory.empty(), who + "no copy was kept");
  }
  if (!salvage) {
    const std::string difference = StateAt(last).Difference(engine->books());
    Holds(difference.empty(), who + "wrong books: " + difference);
    if (broken > report.snapshot_sequence && report.tail == Tail::kCorrupt) {
      Holds(last == broken - 1, who + "kept up to " + std::to_string(last) + ", the damage is at " +
                                    std::to_string(broken));
    }
  }
  const uint8_t payload[40] = {1};
  uint64_t sequence = 0;
  for (int i = 0; i < 3 && ok(); ++i) {
    const Code code = engine->AppendPayload(0, 0, 0, payload, sizeof(payload), &sequence);
    Holds(code == Code::kOk, who + "the journal can't be written: " + CodeName(code));
  }
  status = engine->SyncNow();
  if (!Holds(status.ok() && sequence == last + 3, who + "can't sync: " + status.ToString())) return;
  const uint64_t digest = DigestOf(engine->books());
  PowerCutOptions nothing;
  nothing.unsynced = PowerCutOptions::Unsynced::kNothing;
  SimulatedEnvironment later(random_.Next(), world.file_system().PowerCut(random_, nothing));
  engine.reset();
  status = Engine::Open(later.environment(), options_, nullptr, &engine, &report);
  if (!Holds(status.ok(), who + "what it wrote can't be opened: " + status.ToString())) return;
  Holds(DigestOf(engine->books()) == digest, who + "what it wrote reads back differently");
}

}  // namespace pinnacle::simulation
