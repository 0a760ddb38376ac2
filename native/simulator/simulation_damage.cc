// Disks that lie and rot: the result must be reported with the right place, or be harmless.
#include <algorithm>

#include "simulator/simulation_run.h"
#include "snapshot/snapshot_directory.h"

namespace pinnacle::simulation {
namespace {

void Zero(FileImage* file, uint64_t begin, uint64_t end) {
  std::vector<uint8_t> bytes = file->Bytes();
  end = std::min<uint64_t>(end, bytes.size());
  if (begin >= end) return;
  std::fill(bytes.begin() + static_cast<ptrdiff_t>(begin),
            bytes.begin() + static_cast<ptrdiff_t>(end), uint8_t{0});
  file->Assign(bytes);
}

std::vector<std::string> SoundSnapshotsOf(const DiskReading& reading) {
  std::vector<std::string> paths;
  for (const DiskSnapshot& snapshot : reading.snapshots) {
    if (snapshot.sound) paths.push_back(snapshot.path);
  }
  return paths;
}

// What docs/recovery.md lists as rot that reads as a torn tail: one bit of an entry of several
// sectors, one of which is all zeros, or whose checksum is zero.
bool MayReadAsTorn(const DiskSegment& segment, const DiskEntry& entry) {
  if (entry.bytes <= kSectorBytes) return false;
  if (entry.checksum == 0) return true;
  const uint64_t end = entry.offset + entry.bytes;
  uint64_t sector = (entry.offset + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
  for (; sector + kSectorBytes <= end; sector += kSectorBytes) {
    const auto begin = segment.bytes.begin() + static_cast<ptrdiff_t>(sector);
    if (std::all_of(begin, begin + static_cast<ptrdiff_t>(kSectorBytes),
                    [](uint8_t byte) { return byte == 0; })) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::set<uint64_t> Run::SoundSnapshots() {
  Quiet quiet(&quiet_);
  std::vector<SnapshotFile> files;
  const Status listed = ListSnapshots(world_->environment().file_system, "/d/snapshots", &files);
  std::set<uint64_t> sound;
  if (!Holds(listed.ok(), "snapshots can't be listed: " + listed.ToString())) return sound;
  for (const SnapshotFile& file : files) {
    if (!rotten_snapshots_.contains(file.sequence)) sound.insert(file.sequence);
  }
  return sound;
}

// One snapshot may rot if another makes up for it: two reported as taken exist.
void Run::RotSnapshot() {
  std::set<uint64_t> candidates = SoundSnapshots();
  std::erase_if(candidates,
                [&](uint64_t sequence) { return !acknowledged_snapshots_.contains(sequence); });
  if (candidates.size() < 2) return;
  const uint64_t victim =
      *std::next(candidates.begin(), static_cast<int64_t>(random_.Below(candidates.size())));
  const std::string path = SnapshotPath(victim);
  Quiet quiet(&quiet_);
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
    if (lies_ == 0) {
      ++result_.counts.power_cuts;
      CheckSideImage(image, acknowledged_, torn_);
      continue;
    }
    const DamagedDisk disk{image, "a disk that lied: ", nullptr, nullptr};
    StrictOpen open;
    JudgeStrict(disk, &open);
    if (ok() && !open.status.ok() && random_.Chance(0.5)) JudgeRepair(disk);
  }
}

// The disk after a power cut now, judged like every such disk.
DiskImage Run::CutSoundImage(uint64_t* last) {
  Quiet quiet(&quiet_);
  if (random_.Chance(0.5)) {
    const Status status = engine_->SyncNow();
    if (!status.ok() && !engine_->journal()->failed()) Holds(false, status.ToString());
  }
  acknowledged_ = std::max(acknowledged_, engine_->durable());
  const DiskImage sound = world_->file_system().PowerCut(random_);
  ++result_.counts.power_cuts;
  StrictOpen open;
  OpenStrictly(sound, "a power cut: ", &open);
  if (!ok() || !Holds(open.status.ok(),
                      "a power cut left what can't be opened: " + open.status.ToString())) {
    return sound;
  }
  CheckRecovered(*open.world, *open.engine, open.report, acknowledged_, false);
  *last = open.engine->appended();
  return sound;
}

void Run::Rot() {
  uint64_t sound_last = 0;
  const DiskImage sound = CutSoundImage(&sound_last);
  const DiskReading reading = ReadDisk(sound);
  const uint64_t rounds = 2 + random_.Below(5);
  for (uint64_t i = 0; i < rounds && ok(); ++i) {
    random_.Chance(0.7) ? FlipOne(sound, reading, sound_last) : LoseSome(sound, reading);
  }
}

// A write that was reported durable but is missing, long after it was made.
void Run::LoseSome(const DiskImage& sound, const DiskReading& reading) {
  std::vector<std::pair<const DiskSegment*, const DiskEntry*>> entries;
  for (const DiskSegment& segment : reading.segments) {
    for (const DiskEntry& entry : segment.entries) entries.emplace_back(&segment, &entry);
  }
  if (entries.empty()) return;
  const size_t back = random_.Chance(0.5) ? std::min<size_t>(60, entries.size()) : entries.size();
  const auto [segment, entry] = entries[entries.size() - 1 - random_.Below(back)];
  DamagedDisk disk{sound, "", &sound, nullptr};
  FileImage* file = &disk.image.files[segment->path];
  uint64_t begin = entry->offset;
  uint64_t end = begin + entry->bytes;
  const uint64_t unit = random_.Below(4);
  if (unit == 0) {
    begin = begin / kSectorBytes * kSectorBytes;
    end = begin + kSectorBytes;
  } else if (unit == 1) {
    begin = begin / kPageBytes * kPageBytes;
    end = begin + kPageBytes;
  } else if (unit == 2) {
    end = file->size();
  }
  Zero(file, begin, end);
  // Often only the entries that follow show that it was durable.
  const bool marks = random_.Chance(0.6);
  if (marks) Zero(file, 2048, 3072);
  disk.what = "bytes " + std::to_string(begin) + ".." + std::to_string(end) + " of " +
              segment->path + " lost (entry " + std::to_string(entry->sequence) +
              (marks ? ", and the marks): " : "): ");
  Trace(disk.what);
  StrictOpen open;
  JudgeStrict(disk, &open);
  if (ok() && !open.status.ok() && random_.Chance(0.5)) JudgeRepair(disk);
}

void Run::FlipOne(const DiskImage& sound, const DiskReading& reading, uint64_t sound_last) {
  std::vector<std::pair<const DiskSegment*, const DiskEntry*>> entries;
  for (const DiskSegment& segment : reading.segments) {
    for (const DiskEntry& entry : segment.entries) entries.emplace_back(&segment, &entry);
  }
  const std::vector<std::string> sound_snapshots = SoundSnapshotsOf(reading);
  DamagedDisk disk{sound, "", &sound, nullptr};
  Flip flip;
  const uint64_t choice = random_.Below(20);
  if (choice < 11 && !entries.empty()) {
    // No later entry vouches for the newest ones.
    const size_t newest = entries.size() - 1;
    const size_t pick = random_.Chance(0.3)
                            ? newest - random_.Below(std::min<size_t>(4, newest + 1))
                            : random_.Below(entries.size());
    flip.segment = entries[pick].first;
    flip.entry = entries[pick].second;
    flip.path = flip.segment->path;
    flip.offset = flip.entry->offset + random_.Below(flip.entry->bytes);
  } else if (choice < 15 && !sound_snapshots.empty()) {
    flip.path = sound_snapshots[random_.Below(sound_snapshots.size())];
    flip.offset = random_.Below(disk.image.files[flip.path].size());
  } else if (choice < 17) {
    flip.path = kHeadPath;
    flip.offset = random_.Below(2) * 4096 + random_.Below(256);
  } else if (!reading.segments.empty()) {
    flip.segment = &reading.segments[random_.Below(reading.segments.size())];
    flip.path = flip.segment->path;
    flip.offset = random_.Chance(0.6) ? random_.Below(128) : random_.Below(4096);
  } else {
    return;
  }
  const unsigned bit = static_cast<unsigned>(random_.Below(8));
  if (!disk.image.files[flip.path].FlipBit(flip.offset, bit)) return;
  disk.what =
      "bit " + std::to_string(bit) + " of byte " + std::to_string(flip.offset) + " of " +
      flip.path + " flipped" +
      (flip.entry != nullptr ? " (entry " + std::to_string(flip.entry->sequence) + "): " : ": ");
  Trace(disk.what);
  StrictOpen open;
  JudgeStrict(disk, &open);
  if (!ok()) return;
  JudgePlace(disk, reading, flip, open, sound_last);
  if (ok() && !open.status.ok() && random_.Chance(0.5)) JudgeRepair(disk);
}

// One flipped bit is reported at its place, or is harmless.
void Run::JudgePlace(const DamagedDisk& disk, const DiskReading& reading, const Flip& flip,
                     const StrictOpen& open, uint64_t sound_last) {
  const RecoveryReport& report = open.report;
  const uint64_t broken = flip.entry != nullptr ? flip.entry->sequence : 0;
  const uint64_t first = broken <= sound_last ? FirstOf(broken) : broken;
  if (open.status.ok()) {
    const uint64_t last = open.engine->appended();
    Holds(last <= sound_last, disk.what + "phantom entries");
    if (flip.entry == nullptr) {
      Holds(last == sound_last, disk.what + "it cost entries");
      Holds(report.snapshot_path != flip.path, disk.what + "a damaged snapshot was used");
    } else if (broken <= sound_last && broken > report.snapshot_sequence) {
      Holds(last < first, disk.what + "the damaged entry was taken for good");
    }
    Holds(last >= acknowledged_ ||
              (flip.entry != nullptr && MayReadAsTorn(*flip.segment, *flip.entry)),
          disk.what + "durable entries were cut silently after " + std::to_string(last));
    return;
  }
  if (flip.segment == nullptr) {
    if (flip.path == kHeadPath) return;  // one of two slots: the other may name too little
    uint64_t oldest = ~uint64_t{0};
    for (const DiskSegment& segment : reading.segments) {
      for (const DiskEntry& entry : segment.entries) oldest = std::min(oldest, entry.sequence);
    }
    Holds(SoundSnapshotsOf(reading).size() == 1 && oldest > 1,
          disk.what + "another way to recover was there: " + open.status.ToString());
    return;
  }
  // After the end of the recovered entries a report is allowed but not required.
  if (broken > sound_last) return;
  Holds(report.break_segment == flip.path,
        disk.what + "reported in " + report.break_segment + ": " + open.status.ToString());
  if (flip.entry == nullptr) return;
  // If the snapshot covers the entry and nothing in its segment follows it, the only place that can
  // be reported is the one after the snapshot.
  const bool covered = flip.segment->entries.back().sequence <= broken &&
                       broken <= report.snapshot_sequence &&
                       report.break_sequence == report.snapshot_sequence + 1;
  Holds(report.break_sequence == first || covered,
        disk.what + "reported at entry " + std::to_string(report.break_sequence));
}

}  // namespace pinnacle::simulation
