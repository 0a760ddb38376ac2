// The handling of a writer's window: after a crash of each kind, and if the directory was copied or
// restored next to it, or the window itself was damaged.
#include <algorithm>
#include <cstring>

#include "checksum/crc32c.h"
#include "simulator/disk_reading.h"
#include "simulator/simulation_run.h"
#include "window/window_format.h"

namespace pinnacle::simulation {
namespace {

constexpr char kCopy[] = "/copy";

// The files of the directory under another name.
DiskImage Moved(const DiskImage& files) {
  DiskImage moved;
  const std::string prefix = std::string(kDirectory) + "/";
  moved.directories.insert(kCopy);
  const auto name = [](const std::string& path) {
    return kCopy + path.substr(sizeof(kDirectory) - 1);
  };
  for (const std::string& path : files.directories) {
    if (path.starts_with(prefix)) moved.directories.insert(name(path));
  }
  for (const auto& [path, content] : files.files) {
    if (path.starts_with(prefix)) moved.files[name(path)] = content;
  }
  return moved;
}

DiskImage With(DiskImage files, const DiskImage& memory) {
  files.files.insert(memory.files.begin(), memory.files.end());
  return files;
}

// The files with another valid entry in place of the last one: as in a copy of the directory that
// was appended to elsewhere.
DiskImage WithOtherEnd(DiskImage files, DeterministicRandom& random) {
  const DiskReading reading = ReadDisk(files);
  const DiskSegment* segment = nullptr;
  for (const DiskSegment& candidate : reading.segments) {
    if (!candidate.entries.empty()) segment = &candidate;
  }
  if (segment == nullptr || segment->entries.back().is_hole()) return files;
  const DiskEntry& last = segment->entries.back();
  std::vector<uint8_t> bytes = files.files.at(segment->path).Bytes();
  uint8_t* entry = bytes.data() + last.offset;
  // Changes the user's payload, or the time.
  const bool changes_payload = entry[6] >= 0x80 && entry[0] > 0;
  entry[changes_payload ? 24 : 16] ^= static_cast<uint8_t>(1 + random.Below(255));
  const uint64_t covered = last.bytes - sizeof(uint32_t);
  const uint32_t checksum = Crc32cExtend(static_cast<uint32_t>(segment->id), entry, covered);
  std::memcpy(entry + covered, &checksum, sizeof(checksum));
  files.files.at(segment->path).Assign(bytes);
  return files;
}

bool BeginsSegment(const DiskImage& files, uint64_t sequence) {
  const DiskReading reading = ReadDisk(files);
  return std::any_of(
      reading.segments.begin(), reading.segments.end(), [&](const DiskSegment& segment) {
        return !segment.entries.empty() && segment.entries.front().sequence == sequence;
      });
}

}  // namespace

// What a successful open reports about the window, compared with its real fate.
void Run::CheckWindow(const RecoveryReport& report, uint64_t last, bool clean) {
  const WindowFinding& window = report.window;
  result_.counts.windows_used += window.entries > 0;
  result_.counts.entries_adopted += window.entries;
  Holds(window.fate != WindowFate::kRefused, "a sound window was refused: " + window.reason);
  Holds(window.fate != WindowFate::kGone || container_killed_,
        "a window is said to be gone: " + window.reason);
  Holds(!power_was_cut_ || window.entries == 0, "entries of an earlier boot were taken");
  Holds(!clean || window.fate == WindowFate::kNone, "a clean end left a window");
  Holds(last == entries_.size() || power_was_cut_ || loss_told_,
        "entries after " + std::to_string(last) + " went with the window, and nothing says so");
  Holds(window.fate == WindowFate::kUsed || window.entries == 0, "entries of no window were taken");
}

// The machine of the run in its current state, but with these files.
std::unique_ptr<SimulatedEnvironment> Run::SameMachine(const DiskImage& image) {
  auto world = std::make_unique<SimulatedEnvironment>(random_.Next(), image);
  BootId boot;
  (void)world_->environment().file_system->ReadBootId(&boot);
  world->file_system().set_boot_id(boot);
  world->clock().SetWallNs(world_->environment().clock->NowNs());
  return world;
}

void Run::JudgeWindowBeside() {
  // After a failed sync an image of the files lacks what only the page cache has.
  if (cause_) return;
  Quiet quiet(&quiet_);
  const DiskImage memory = world_->file_system().MemoryFiles();
  if (memory.files.empty()) return;
  const DiskImage files = FilesOf(*world_);
  ++result_.counts.windows_judged;
  switch (random_.Below(4)) {
    case 0:
      return JudgeCopy(files, memory);
    case 1:
      if (history_.empty()) return;
      return JudgeOtherFiles("older files", history_[random_.Below(history_.size())], memory);
    case 2:
      return JudgeOtherFiles("a fork", WithOtherEnd(files, random_), memory);
    default:
      return JudgeDamagedWindow(files, memory);
  }
}

// A copy of the directory on the same machine: the window belongs to the original.
void Run::JudgeCopy(const DiskImage& files, const DiskImage& memory) {
  const std::unique_ptr<SimulatedEnvironment> world = SameMachine(With(Moved(files), memory));
  EngineOptions options = options_;
  options.data_directory = kCopy;
  std::unique_ptr<Engine> engine;
  RecoveryReport report;
  const Status status = Engine::Open(world->environment(), options, nullptr, &engine, &report);
  Trace("a copy of the directory: " + status.ToString() + ", last " +
        std::to_string(report.last_sequence) + " " + report.window.reason);
  if (!Holds(status.ok(), "a copy can't be opened: " + status.ToString())) return;
  const uint64_t last = engine->appended();
  Holds(last >= in_files_ && last <= entries_.size() && report.window.entries == 0,
        "a copy has entries up to " + std::to_string(last) + " of " +
            std::to_string(entries_.size()));
  Holds(last == entries_.size() || !report.window.reason.empty(),
        "what is not in a copy is not told");
  if (!ok()) return;
  const std::string difference = StateAt(last).Difference(engine->books());
  Holds(difference.empty(), "a copy has other books: " + difference);
  uint64_t sequence = 0;
  (void)engine->AppendPayload(0, 0, 0, nullptr, 0, &sequence);
  (void)engine->Close();
  const DiskImage left = world->file_system().MemoryFiles();
  for (const auto& [path, content] : memory.files) {
    const auto found = left.files.find(path);
    Holds(found != left.files.end() && found->second == content,
          "opening a copy changed the original's window");
  }
}

// Older files, or files appended to elsewhere, were put next to the window.
void Run::JudgeOtherFiles(const std::string& what, const DiskImage& other,
                          const DiskImage& memory) {
  std::string alone;
  uint64_t last_alone = 0;
  {
    SimulatedEnvironment world(random_.Next(), other);
    std::unique_ptr<Engine> engine;
    RecoveryReport report;
    const Status status = Engine::Open(world.environment(), options_, nullptr, &engine, &report);
    // (A snapshot taken at the entry that now differs contradicts it.)
    if (status.code() == Code::kCorrupt) return;
    if (!Holds(status.ok(), what + " can't be opened: " + status.ToString())) return;
    last_alone = engine->appended();
    alone = std::to_string(DigestOf(engine->books()));
  }
  const std::unique_ptr<SimulatedEnvironment> world = SameMachine(With(other, memory));
  std::unique_ptr<Engine> engine;
  RecoveryReport report;
  const Status status = Engine::Open(world->environment(), options_, nullptr, &engine, &report);
  Trace(what + " beside the window: " + status.ToString() + ", last " +
        std::to_string(report.last_sequence) + " instead of " + std::to_string(last_alone) + " " +
        report.window.reason);
  if (!status.ok()) {
    Holds(status.code() == Code::kCorrupt,
          what + " beside a window, told as something else: " + status.ToString());
    return;
  }
  if (engine->appended() == last_alone && std::to_string(DigestOf(engine->books())) == alone) {
    return;
  }
  // Links show whether a whole segment belongs to this directory, and a hand-made fork keeps them.
  if (BeginsSegment(FilesOf(*world), last_alone + 1)) return;
  const std::string difference = DifferenceOf(*world, *engine, report);
  Holds(difference.empty(), what + " and the window were mixed: " + difference);
}

// The window itself was damaged after its writer ended.
void Run::JudgeDamagedWindow(const DiskImage& files, const DiskImage& memory) {
  DiskImage damaged = With(files, memory);
  const auto victim =
      std::next(memory.files.begin(), static_cast<int64_t>(random_.Below(memory.files.size())));
  FileImage* window = &damaged.files[victim->first];
  const uint64_t choice = random_.Below(10);
  bool in_ring = false;
  if (choice < 2) {
    window->Resize(random_.Chance(0.5) ? random_.Below(window->size())
                                       : window->size() - kPageBytes);
    Trace("the window is cut short to " + std::to_string(window->size()) + " bytes");
  } else if (choice < 4) {
    damaged.files["/shm/another-name"] = FileImage();
    Trace("the window gets a second name");
  } else if (choice < 6) {
    const uint64_t offset = random_.Below(sizeof(WindowHeader));
    window->FlipBit(offset, static_cast<unsigned>(random_.Below(8)));
    Trace("a bit of byte " + std::to_string(offset) + " of the window's header is flipped");
  } else {
    in_ring = true;
    const uint64_t bits = 1 + random_.Below(3);
    for (uint64_t i = 0; i < bits; ++i) {
      // Picks a nonzero byte.
      uint64_t offset = 0;
      const std::vector<uint8_t> bytes = window->Bytes();
      for (int tries = 0; tries < 50 && (offset == 0 || bytes[offset] == 0); ++tries) {
        offset = kWindowHeaderBytes + random_.Below(window->size() - kWindowHeaderBytes);
      }
      window->FlipBit(offset, static_cast<unsigned>(random_.Below(8)));
      Trace("a bit of byte " + std::to_string(offset) + " of the window is flipped");
    }
  }
  const std::unique_ptr<SimulatedEnvironment> world = SameMachine(damaged);
  if (choice >= 2 && choice < 4) {
    bool done = false;
    FileSystem* fs = world->environment().file_system;
    (void)fs->Remove("/shm/another-name");
    (void)fs->Link(victim->first, "/shm/another-name", &done);
  }
  std::unique_ptr<Engine> engine;
  RecoveryReport report;
  const Status status = Engine::Open(world->environment(), options_, nullptr, &engine, &report);
  Trace("opened: " + status.ToString() + ", last " + std::to_string(report.last_sequence) + " of " +
        std::to_string(entries_.size()) + ", " + std::to_string(in_files_) + " written, " +
        report.window.reason);
  if (!status.ok()) {
    // The first entry that only the window has is damaged: this looks the same as files that have
    // lost it.
    Holds(in_ring && status.code() == Code::kCorrupt,
          "a damaged window can't be opened beside: " + status.ToString());
    return;
  }
  const uint64_t last = engine->appended();
  if (!Holds(last >= in_files_, "a damaged window cost entries that were written")) return;
  // A damaged entry with nothing after it may be one that was being stored when the writer ended.
  Holds(last == entries_.size() || !report.window.reason.empty() ||
            (in_ring && last + 1 == FirstOf(entries_.size())),
        "entries after " + std::to_string(last) + " were lost, and nothing says so");
  const std::string difference = DifferenceOf(*world, *engine, report);
  Holds(difference.empty(), "a damaged window: " + difference);
}

}  // namespace pinnacle::simulation
