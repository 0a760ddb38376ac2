// What keeps a directory small and its recovery short: snapshots and compaction.
#include <mutex>
#include <new>
#include <string>

#include "base/guarded.h"
#include "engine/consumer_lag.h"
#include "engine/engine.h"
#include "engine/time_travel.h"
#include "snapshot/snapshot_directory.h"
#include "snapshot/snapshot_writer.h"

namespace pinnacle {

SnapshotPoint Engine::FixSnapshotPoint() {
  SnapshotPoint point;
  point.sequence = journal_->appended();
  point.timestamp_ns = ClockNs();
  point.entry_checksum = journal_->last_checksum();
  return point;
}

Status Engine::BuildSnapshot(const SnapshotPoint& point, std::span<const uint8_t> user_state,
                             SnapshotInfo* info, RotationReport* rotation) {
  std::unique_lock lock(snapshot_mutex_, std::try_to_lock);
  if (!lock.owns_lock()) {
    return Status(Code::kBusy, "a snapshot is being taken already; wait for it");
  }
  RotationReport ignored;
  const Status status = Guarded([&] {
    return BuildSnapshotLocked(point, user_state, info, rotation == nullptr ? &ignored : rotation);
  });
  (status.ok() ? snapshots_ : snapshot_failures_).fetch_add(1, std::memory_order_relaxed);
  return status;
}

Status Engine::BuildSnapshotLocked(const SnapshotPoint& point, std::span<const uint8_t> user_state,
                                   SnapshotInfo* info, RotationReport* rotation) {
  *rotation = RotationReport();
  if (lock_ == nullptr) return Closed();
  if (point.sequence == 0) {
    return Status(Code::kInvalidOperation,
                  "nothing was journaled yet, so there is nothing to take a snapshot of");
  }
  FileSystem* fs = environment_.file_system;
  PINNACLE_RETURN_IF_ERROR(journal_->CopyStep());
  BookSet shadow;
  uint32_t entry_checksum = 0;
  PINNACLE_RETURN_IF_ERROR(
      BuildBooks(fs, options_.data_directory, point.sequence, &shadow, &entry_checksum));
  // What is not known (nothing was appended since the directory was opened) is taken from the
  // journal.
  if (point.entry_checksum != 0 && entry_checksum != 0 && entry_checksum != point.entry_checksum) {
    return Status(Code::kCorrupt, "entry " + std::to_string(point.sequence) +
                                      " reads back differently from how it was written");
  }
  // A snapshot must never be ahead of the durable journal: recovery would find a hole between them.
  PINNACLE_RETURN_IF_ERROR(SyncNow());
  // A sync with nothing to do looks at no name, and a snapshot must not go into another directory.
  PINNACLE_RETURN_IF_ERROR(journal_->CheckNames());
  SnapshotMeta meta;
  meta.journal_id = journal_->id();
  meta.sequence = point.sequence;
  meta.timestamp_ns = point.timestamp_ns;
  meta.entry_checksum = entry_checksum;
  const std::string directory = SnapshotDirectory(options_.data_directory);
  PINNACLE_RETURN_IF_ERROR(WriteTemporarySnapshot(fs, directory, meta, shadow, user_state, info));
  shadow = BookSet();  // its memory is for the books that reading back builds
  PINNACLE_RETURN_IF_ERROR(PublishSnapshot(fs, directory, *info));
  std::vector<SnapshotFile> files;
  PINNACLE_RETURN_IF_ERROR(ListSnapshots(fs, directory, &files));
  // Nothing would be removed, so the older ones need not be read.
  if (files.size() <= options_.keep_snapshots) return Status();
  return pinnacle::RotateSnapshots(fs, directory, options_.keep_snapshots, journal_->id(), info,
                                   rotation);
}

Status Engine::RotateSnapshots(uint64_t keep, RotationReport* report) {
  *report = RotationReport();
  std::lock_guard lock(snapshot_mutex_);
  if (lock_ == nullptr) return Closed();
  return pinnacle::RotateSnapshots(environment_.file_system,
                                   SnapshotDirectory(options_.data_directory), keep, journal_->id(),
                                   nullptr, report);
}

Status Engine::FindKept(bool force, CompactionReport* report, uint64_t* keep_from) {
  *keep_from = 0;
  FileSystem* fs = environment_.file_system;
  const std::string directory = SnapshotDirectory(options_.data_directory);
  std::vector<SnapshotFile> snapshots;
  PINNACLE_RETURN_IF_ERROR(ListSnapshots(fs, directory, &snapshots));
  if (snapshots.empty()) {
    report->reason = "there is no snapshot yet, so recovery needs the whole journal";
    return Status();
  }
  if (!force && journal_->disk_bytes() <= options_.compaction_threshold_bytes) {
    report->reason = "the journal is not above its threshold";
    return Status();
  }
  constexpr char kAllNeeded[] = "the kept snapshots need all of the journal's segments";
  // Even the newest, were it the only one, would free nothing: no reason to read any.
  if (journal_->ReleasableBytes(snapshots.back().sequence + 1) == 0) {
    report->reason = kAllNeeded;
    return Status();
  }
  SnapshotInfo oldest;
  bool found = false;
  PINNACLE_RETURN_IF_ERROR(
      FindOldestSound(fs, snapshots, journal_->id(), &oldest, &found, &report->damaged_snapshots));
  if (!found) {
    report->reason =
        "none of the " + std::to_string(snapshots.size()) +
        " snapshots verifies, so recovery needs the whole journal; take a new one, and see "
        "`pinnacle verify " +
        options_.data_directory + "`";
    return Status();
  }
  // Entries from here on are needed: by the oldest sound snapshot, should the newer ones rot.
  if (journal_->ReleasableBytes(oldest.meta.sequence + 1) == 0) {
    report->reason = kAllNeeded;
    return Status();
  }
  // A snapshot whose last sync failed has its name in the cache only: the journal before it must
  // not go before the name is durable.
  PINNACLE_RETURN_IF_ERROR(fs->SyncDirectory(directory));
  *keep_from = oldest.meta.sequence + 1;
  return Status();
}

Status Engine::Compact(bool force, CompactionReport* report) {
  *report = CompactionReport();
  std::unique_lock lock(compaction_mutex_, std::try_to_lock);
  if (!lock.owns_lock()) {
    return Status(Code::kBusy, "the journal is being compacted already; wait for it");
  }
  if (lock_ == nullptr) return Closed();
  report->oldest_sequence = journal_->oldest_sequence();
  uint64_t keep_from = 0;
  PINNACLE_RETURN_IF_ERROR(FindKept(force, report, &keep_from));
  if (keep_from == 0) return Status();
  FileSystem* fs = environment_.file_system;
  ConsumerLag lag;
  PINNACLE_RETURN_IF_ERROR(
      ReadConsumerLag(fs, options_.data_directory, journal_->id(), report->oldest_sequence, &lag));
  const uint64_t keep_for_consumers =
      WithinLimits(lag, keep_from, options_.consumer_limit_entries,
                   journal_->FirstWithin(keep_from, options_.consumer_limit_bytes));
  report->bytes_kept_for_consumers =
      journal_->ReleasableBytes(keep_from) - journal_->ReleasableBytes(keep_for_consumers);
  if (report->bytes_kept_for_consumers > 0) report->slowest_consumer = lag.slowest().name;
  if (journal_->ReleasableBytes(keep_for_consumers) == 0) {
    report->reason = "consumer \"" + report->slowest_consumer + "\" has consumed up to entry " +
                     std::to_string(lag.slowest().consumed) +
                     " only, and its limits still cover all that compaction could free";
    return Status();
  }
  ReleaseReport released;
  Status status = journal_->Release(keep_for_consumers, &released);
  report->removed = released.removed;
  report->recycled = released.recycled;
  report->bytes_freed = released.bytes_freed;
  report->oldest_sequence = journal_->oldest_sequence();
  for (const ConsumerNeed& need : lag.needs) {
    if (need.needs < report->oldest_sequence) {
      report->overtaken.push_back({need.name, need.consumed});
    }
  }
  if (released.removed + released.recycled > 0)
    compactions_.fetch_add(1, std::memory_order_relaxed);
  return status;
}

}  // namespace pinnacle
