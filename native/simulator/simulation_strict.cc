// The result of a strict open of a damaged disk: it agrees with Inspect and with the rules, and
// never has less than was promised, unless nothing on the disk shows the loss.
#include <algorithm>

#include "simulator/simulation_run.h"

namespace pinnacle::simulation {
namespace {

// What a strict open may report about a damaged directory.
bool IsReport(Code code) {
  return code == Code::kCorrupt || code == Code::kJournalGap || code == Code::kNotOurFile;
}

bool AreSame(const WindowFinding& inspected, const WindowFinding& opened) {
  return inspected.fate == opened.fate && inspected.reason == opened.reason &&
         inspected.entries == opened.entries && inspected.last_sequence == opened.last_sequence;
}

bool IsSame(const DiskImage& one, const DiskImage& other, const std::string& path) {
  const auto here = one.files.find(path);
  const auto there = other.files.find(path);
  if (here == one.files.end() || there == other.files.end()) {
    return here == one.files.end() && there == other.files.end();
  }
  return here->second == there->second;
}

std::string DifferenceBetween(const RecoveryReport& inspected, const RecoveryReport& opened) {
  if (inspected.tail != opened.tail) return "tail";
  if (inspected.last_sequence != opened.last_sequence) return "last sequence";
  if (inspected.snapshot_sequence != opened.snapshot_sequence) return "snapshot";
  if (inspected.has_break != opened.has_break ||
      inspected.break_sequence != opened.break_sequence ||
      inspected.break_segment != opened.break_segment ||
      inspected.break_offset != opened.break_offset ||
      inspected.break_reason != opened.break_reason) {
    return "break";
  }
  if (inspected.damaged_snapshots.size() != opened.damaged_snapshots.size()) {
    return "damaged snapshots";
  }
  if (inspected.holes.size() != opened.holes.size()) return "holes";
  if (inspected.known_durable != opened.known_durable) return "known durable";
  if (inspected.entries_dropped != opened.entries_dropped) return "dropped entries";
  return "";
}

// Whether the entries that the run recovered are those of `copy` at the same places.
bool IsOf(const DiskReading& reading, const StrictVerdict& verdict, const DiskReading& copy) {
  return std::all_of(verdict.run.begin(), verdict.run.end(), [&](const RunEntry& found) {
    const DiskSegment* theirs = copy.Segment(reading.segments[found.segment].index);
    return theirs != nullptr &&
           std::any_of(theirs->entries.begin(), theirs->entries.end(), [&](const DiskEntry& entry) {
             return entry.offset == found.entry.offset && entry.sequence == found.entry.sequence &&
                    entry.checksum == found.entry.checksum;
           });
  });
}

}  // namespace

void Run::OpenAndInspect(const DiskImage& image, const std::string& what, StrictOpen* open) {
  Quiet quiet(&quiet_);
  InspectReport inspected;
  {
    SimulatedEnvironment world(random_.Next(), image);
    const Status status = Inspect(world.environment(), kDirectory, nullptr, &inspected);
    if (!status.ok()) inspected.recovery_status = status;
    if (!Holds(IsUnchanged(world, image), what + "looking at it changed it")) return;
  }
  open->world = std::make_unique<SimulatedEnvironment>(random_.Next(), image);
  open->status =
      Engine::Open(open->world->environment(), options_, nullptr, &open->engine, &open->report);
  const Status& status = open->status;
  Trace("open: " + status.ToString() + ", last " + std::to_string(open->report.last_sequence));
  const bool is_new = status.ok() && open->report.created;
  const Status& foretold = inspected.recovery_status;
  if (!Holds(status.ok() || IsReport(status.code()),
             what + "told as something else: " + status.ToString()) ||
      !Holds(is_new ? foretold.code() == Code::kNotFound || foretold.ok()
                    : foretold.ToString() == status.ToString(),
             what + "inspect says " + foretold.ToString() + ", open " + status.ToString())) {
    return;
  }
  const std::string difference = DifferenceBetween(inspected.recovery, open->report);
  Holds(is_new || difference.empty() || foretold.code() == Code::kNotOurFile,
        what + "inspect and open differ: " + difference);
  Holds(!status.ok() || is_new || AreSame(inspected.window, open->report.window),
        what + "inspect and open differ in the window: " + inspected.window.reason);
}

void Run::OpenStrictly(const DiskImage& image, const std::string& what, StrictOpen* open) {
  if (keep_trace_) TraceDisk(image);
  OpenAndInspect(image, what, open);
  if (!ok()) return;
  open->verdict = JudgeByTheBook(ReadDisk(image));
  const StrictVerdict& verdict = open->verdict;
  const Status& status = open->status;
  if (!status.ok()) {
    if (!Holds(IsUnchanged(*open->world, image), what + "a refused open changed the disk")) return;
    // The books may refuse entries that are not the directory's own.
    const bool by_the_books =
        status.message().find("can't be applied to the books") != std::string::npos;
    Holds(!verdict.refusal.empty() || !verdict.ends_in_zeros || by_the_books,
          what + "refused without a cause: " + status.ToString());
    return;
  }
  const uint64_t last = open->engine->appended();
  Holds(verdict.refusal.empty(), what + "opened although " + verdict.refusal);
  Holds(last == verdict.end, what + "recovered up to " + std::to_string(last) +
                                 ", which by the book is " + std::to_string(verdict.end));
}

void Run::JudgeStrict(const DamagedDisk& disk, StrictOpen* open) {
  ++result_.counts.damaged_images;
  OpenStrictly(disk.image, disk.what, open);
  if (!ok()) return;
  if (!open->status.ok()) {
    ++result_.counts.damage_reported;
    return;
  }
  const std::string difference = DifferenceOf(*open->world, *open->engine, open->report);
  if (difference.empty() && open->engine->appended() >= acknowledged_) return;
  const std::string lost = difference.empty() ? "durable entries were cut silently after " +
                                                    std::to_string(open->engine->appended())
                                              : difference;
  Holds(CountUnseen(disk, *open), disk.what + lost);
}

// A strict open silently accepted something other than what was promised: checks that nothing on
// the disk could have shown it. (The rules have found no trace.)
bool Run::CountUnseen(const DamagedDisk& disk, const StrictOpen& open) {
  SimulationCounts& counts = result_.counts;
  if (open.verdict.is_new) {
    ++counts.unseen_empty;
    return true;
  }
  // Entries since the last thing on the disk that names a durable sequence.
  const bool ours = DifferenceOf(*open.world, *open.engine, open.report).empty();
  const DiskReading reading = ReadDisk(disk.image);
  const DiskReading sound = disk.sound != nullptr ? ReadDisk(*disk.sound) : reading;
  const bool same_head = reading.head == sound.head;
  if (ours && same_head) {
    ++counts.unseen_tails;
    return true;
  }
  if (disk.sources == nullptr) return false;
  // The newest segment in an older version, with entries that a crash then lost.
  std::string newest;
  for (const DiskSegment& segment : sound.segments) {
    if (segment.first_line_used()) newest = segment.path;
  }
  const bool others_same =
      same_head &&
      std::all_of(open.verdict.run.begin(), open.verdict.run.end(), [&](const RunEntry& found) {
        const DiskSegment& segment = reading.segments[found.segment];
        return segment.path == newest || IsOwn(segment, found.entry);
      });
  const bool own_past =
      std::any_of(disk.sources->older.begin(), disk.sources->older.end(),
                  [&](const DiskImage& older) { return IsSame(disk.image, older, newest); });
  if (others_same && own_past) {
    ++counts.unseen_tails;
    return true;
  }
  // The whole directory is a different one.
  std::vector<const DiskImage*> copies = {&disk.sources->fork, &disk.sources->foreign};
  for (const DiskImage& older : disk.sources->older) copies.push_back(&older);
  for (const DiskImage* copy : copies) {
    // (The record itself may have lost a slot.)
    if (same_head || !IsOf(reading, open.verdict, ReadDisk(*copy))) continue;
    ++counts.unseen_copies;
    return true;
  }
  return false;
}

}  // namespace pinnacle::simulation
