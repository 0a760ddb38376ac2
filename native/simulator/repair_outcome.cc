#include "simulator/repair_outcome.h"

#include <algorithm>
#include <memory>

#include "engine/engine.h"
#include "engine/mending.h"
#include "platform/path_parts.h"
#include "simulator/disk_reading.h"

namespace pinnacle::simulation {
namespace {

bool AreSame(const std::vector<Hole>& one, const std::vector<Hole>& other) {
  return std::equal(
      one.begin(), one.end(), other.begin(), other.end(), [](const Hole& a, const Hole& b) {
        return a.first_sequence == b.first_sequence && a.last_sequence == b.last_sequence &&
               a.snapshot_sequence == b.snapshot_sequence &&
               a.entries_left_out == b.entries_left_out;
      });
}

DiskImage WhatIsDurable(SimulatedEnvironment& world) {
  DeterministicRandom unused(1);
  PowerCutOptions nothing;
  nothing.unsynced = PowerCutOptions::Unsynced::kNothing;
  return world.file_system().PowerCut(unused, nothing);
}

bool LiesInQuarantine(const DiskImage& disk, const std::string& path, const FileImage& content) {
  const std::string name = std::string("/").append(BaseName(path));
  return std::any_of(disk.files.begin(), disk.files.end(), [&](const auto& file) {
    return file.first.starts_with(kQuarantinePrefix) && file.first.ends_with(name) &&
           file.second == content;
  });
}

}  // namespace

void Repair(SimulatedEnvironment& world, EngineOptions options, RepairOutcome* outcome) {
  options.policy = outcome->policy;
  if (outcome->by_itself) {
    MendReport report;
    outcome->status = MendDirectory(world.environment(), options, false, &report);
    outcome->last = report.last_sequence;
    outcome->snapshot = report.snapshot_sequence;
    outcome->holes = report.holes;
    outcome->entries_dropped = report.entries_dropped;
    outcome->entries_after_damage = report.entries_after_damage;
    outcome->quarantine = report.quarantine_directory;
    outcome->disk = WhatIsDurable(world);
    return;
  }
  RecoveryReport report;
  std::unique_ptr<Engine> engine;
  outcome->status = Engine::Open(world.environment(), options, nullptr, &engine, &report);
  outcome->last = report.last_sequence;
  outcome->snapshot = report.snapshot_sequence;
  outcome->holes = report.holes;
  outcome->entries_dropped = report.entries_dropped;
  outcome->entries_after_damage = report.entries_salvaged;
  outcome->quarantine = report.quarantine_directory;
  outcome->disk = WhatIsDurable(world);
}

std::string DifferenceOfDryRun(SimulatedEnvironment& world, EngineOptions options,
                               const RepairOutcome& outcome) {
  options.policy = outcome.policy;
  MendReport report;
  const Status status = MendDirectory(world.environment(), options, true, &report);
  if (status.code() != outcome.status.code()) return "it answers " + status.ToString();
  if (!status.ok()) return "";
  if (report.last_sequence != outcome.last) return "last sequence";
  if (report.snapshot_sequence != outcome.snapshot) return "snapshot";
  if (!AreSame(report.holes, outcome.holes)) return "holes";
  if (report.entries_dropped != outcome.entries_dropped) return "dropped entries";
  if (report.entries_after_damage != outcome.entries_after_damage) return "entries after damage";
  return report.quarantine_directory.empty() ? "" : "quarantine";
}

std::string MissingFromQuarantine(const DiskImage& before, const DiskImage& after, bool moved) {
  for (const auto& [path, content] : before.files) {
    const bool is_segment = NumberOf(path, kJournalPrefix, ".segment") != 0;
    const bool is_snapshot = NumberOf(path, kSnapshotPrefix, ".snapshot") != 0;
    if (!is_segment && !is_snapshot && path != kHeadPath) continue;
    const auto now = after.files.find(path);
    if (now != after.files.end() && now->second == content) continue;
    if (LiesInQuarantine(after, path, content)) continue;
    if (moved || !is_segment) return path;
    // An open continues in the newest segment and removes the empty ones.
    DiskImage then;
    then.files[path] = content;
    const DiskReading old = ReadDisk(then);
    if (now == after.files.end()) {
      if (!old.segments.front().entries.empty()) return path;
      continue;
    }
    then.files[path] = now->second;
    const DiskReading fresh = ReadDisk(then);
    const std::vector<DiskEntry>& had = old.segments.front().entries;
    const std::vector<DiskEntry>& has = fresh.segments.front().entries;
    const bool goes_on =
        had.size() <= has.size() &&
        std::equal(had.begin(), had.end(), has.begin(), [](const DiskEntry& a, const DiskEntry& b) {
          return a.offset == b.offset && a.checksum == b.checksum;
        });
    if (!goes_on) return path;
  }
  return "";
}

}  // namespace pinnacle::simulation
