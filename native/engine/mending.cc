#include "engine/mending.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/adoption.h"
#include "engine/backup_mark.h"
#include "engine/recovery.h"
#include "journal/layout.h"
#include "journal/two_slots.h"
#include "platform/path_parts.h"
#include "repair/patch.h"
#include "repair/steps.h"
#include "repair/view.h"
#include "repair/walk.h"
#include "snapshot/snapshot_directory.h"

namespace pinnacle {

namespace {

class Mender {
 public:
  Mender(const Environment& environment, const EngineOptions& options, uint64_t known_durable,
         MendReport* report)
      : environment_(environment),
        fs_(environment.file_system),
        options_(options),
        directory_(options.data_directory),
        known_durable_(known_durable),
        report_(report) {}

  Status Plan() {
    PINNACLE_RETURN_IF_ERROR(ReadLayout(fs_, directory_, false, &layout_));
    PINNACLE_RETURN_IF_ERROR(HearSnapshots());
    // A snapshot that the journal contradicts is of another copy; the one before it is tried.
    while (true) {
      PINNACLE_RETURN_IF_ERROR(ReadBase());
      WalkOptions walk;
      walk.past_damage = options_.policy == RecoveryPolicy::kSalvage;
      walk.snapshot = base_.has_snapshot ? base_.snapshot.meta : SnapshotMeta();
      walk.older = older_;
      walk.known_durable = known_durable_;
      walk.segment_bytes = SegmentBytes();
      base_.books.set_growth(Growth::kAtOnce);
      PINNACLE_RETURN_IF_ERROR(WalkJournal(fs_, layout_, walk, &base_.books, &walk_));
      if (!walk_.contradicts_snapshot) break;
      excluded_.push_back(base_.snapshot.path);
      Contradict(base_.snapshot.path);
    }
    for (const uint64_t sequence : walk_.contradicted_older) {
      Contradict(SnapshotDirectory(directory_) + "/" + SnapshotName(sequence));
    }
    AssignLinks(environment_.random, &walk_.segments);
    Report();
    const uint64_t first = walk_.segments.front().first_sequence;
    if (!options_.has_state_machine || !base_.user_state.empty() || first == 1) return Status();
    return Status(Code::kJournalGap,
                  "the state machine can't be restored: " + HowItBegins(first) +
                      ", and the newest snapshot that verifies has none of its state; nothing was "
                      "changed. Restore an older snapshot from a backup, or open without the state "
                      "machine");
  }

  Status Apply() {
    if (!HasWork()) return Status();
    Status prepared = Prepare();
    if (!prepared.ok()) {
      // Best effort: the next open removes what is left.
      bool finished = false;
      (void)FinishRepair(fs_, directory_, &finished);
      return std::move(prepared).WithContext("preparing the repair of " + directory_);
    }
    PINNACLE_RETURN_IF_ERROR(WriteSteps(fs_, directory_, steps_));
    return FinishSteps(fs_, directory_, steps_);
  }

 private:
  // If all segments are of one journal and the head record is of another, the layout took the
  // record for the file that was copied here. A snapshot of the record's journal says that the
  // segments were.
  Status HearSnapshots() {
    HeadFinding& head = layout_.head;
    const JournalId named = JournalIdOf(head.record);
    if (head.valid || head.record.counter == 0 || named == layout_.journal_id) return Status();
    std::vector<SnapshotFile> files;
    PINNACLE_RETURN_IF_ERROR(ListSnapshots(fs_, SnapshotDirectory(directory_), &files));
    for (const SnapshotFile& file : files) {
      SnapshotInfo info;
      const Status status = VerifySnapshot(fs_, file.path, &info, &named);
      if (status.code() == Code::kSnapshotCorrupt) continue;
      PINNACLE_RETURN_IF_ERROR(status);
      head.valid = true;
      layout_.journal_id = named;
      known_durable_ = head.record.durable_sequence;
      return Status();
    }
    return Status();
  }

  Status ReadBase() {
    base_ = RecoveredState();
    base_.journal_id = layout_.journal_id;
    base_.has_journal_id = layout_.has_journal_id;
    RecoveryReport report;
    PINNACLE_RETURN_IF_ERROR(RestoreNewestSnapshot(environment_, SnapshotDirectory(directory_),
                                                   excluded_, options_.expected_orders, &base_,
                                                   &report));
    damaged_ = std::move(report.damaged_snapshots);
    return AddOlderDamage();
  }

  // New segments have the size of the others.
  uint64_t SegmentBytes() const {
    for (const SegmentFacts& segment : layout_.segments) {
      if (segment.belongs()) return segment.header.segment_bytes;
    }
    return options_.journal.segment_bytes;
  }

  void Contradict(const std::string& path) {
    contradicted_.push_back(
        {path, path + ": the journal does not show that it was taken of this copy"});
  }

  // Snapshots below the base that do not verify go to quarantine as well. One that can't be read
  // stays: the repair does not need it, and what it holds is not known.
  Status AddOlderDamage() {
    older_.clear();
    std::vector<SnapshotFile> files;
    PINNACLE_RETURN_IF_ERROR(ListSnapshots(fs_, SnapshotDirectory(directory_), &files));
    for (const SnapshotFile& file : files) {
      if (!base_.has_snapshot || file.sequence >= base_.snapshot.meta.sequence) continue;
      SnapshotInfo info;
      const JournalId* id = base_.has_journal_id ? &base_.journal_id : nullptr;
      const Status status = VerifySnapshot(fs_, file.path, &info, id);
      if (status.code() == Code::kSnapshotCorrupt) {
        damaged_.push_back({file.path, std::string(status.message())});
      } else if (status.ok()) {
        older_.push_back(info.meta);
      }
    }
    return Status();
  }

  void Report() {
    report_->last_sequence = walk_.last_sequence;
    report_->snapshot_sequence = base_.has_snapshot ? base_.snapshot.meta.sequence : 0;
    for (const Filler& loss : walk_.losses) {
      const bool covered = loss.first_sequence <= report_->snapshot_sequence;
      report_->holes.push_back({loss.first_sequence, loss.last_sequence,
                                covered ? report_->snapshot_sequence : 0, loss.entries_left_out});
    }
    report_->lost_tail =
        known_durable_ > walk_.last_sequence ? known_durable_ - walk_.last_sequence : 0;
    report_->entries_after_damage = walk_.entries_after_damage;
    report_->entries_dropped = walk_.entries_dropped;
    for (const SegmentPlan& plan : walk_.segments) {
      if (plan.changes() && !plan.facts.missing) {
        report_->quarantined.push_back(plan.facts.file.path);
      }
    }
    for (const std::string& path : walk_.taken_out) report_->quarantined.push_back(path);
    damaged_.insert(damaged_.end(), contradicted_.begin(), contradicted_.end());
    report_->damaged_snapshots = damaged_;
    for (const DamagedSnapshot& snapshot : damaged_) {
      report_->quarantined.push_back(snapshot.path);
    }
    if (!HasWork()) return;
    // The next open gives up what is below the oldest segment; but the head record that says which
    // one that is may be part of the damage.
    for (const SegmentFacts& facts : layout_.leftovers) {
      const JournalId id{facts.header.journal_id_low, facts.header.journal_id_high};
      if (facts.header_valid && id == layout_.journal_id) {
        report_->quarantined.push_back(facts.file.path);
      }
    }
  }

  bool HasWork() const {
    const bool changes = std::any_of(walk_.segments.begin(), walk_.segments.end(),
                                     [](const SegmentPlan& plan) { return plan.changes(); });
    // If every segment stays as it is and one does not belong, the head record is wrong.
    const bool misfits = std::any_of(layout_.segments.begin(), layout_.segments.end(),
                                     [](const SegmentFacts& facts) { return !facts.belongs(); });
    return changes || misfits || !report_->quarantined.empty() || !layout_.damage.empty();
  }

  Status Prepare() {
    PINNACLE_RETURN_IF_ERROR(MakeQuarantine());
    for (const std::string& path : report_->quarantined) {
      steps_.out.push_back({BelowData(path), quarantine_ + "/" + BaseName(path)});
    }
    for (const SegmentPlan& plan : walk_.segments) {
      if (!plan.changes()) continue;
      const std::string name = "journal/" + SegmentName(plan.facts.file.index);
      PINNACLE_RETURN_IF_ERROR(WriteSegment(environment_, base_.journal_id, plan,
                                            report_->snapshot_sequence,
                                            directory_ + "/" + name + kRepairSuffix));
      steps_.in.push_back({name + kRepairSuffix, name});
    }
    PINNACLE_RETURN_IF_ERROR(PrepareHead());
    // The names of what was prepared, before the list speaks of them.
    PINNACLE_RETURN_IF_ERROR(fs_->SyncDirectory(JournalDirectory(directory_)));
    PINNACLE_RETURN_IF_ERROR(fs_->SyncDirectory(directory_));
    return Rehearse();
  }

  std::string BelowData(const std::string& path) const {
    return path.substr(directory_.size() + 1);
  }

  Status MakeQuarantine() {
    const std::string parent = directory_ + "/quarantine";
    PINNACLE_RETURN_IF_ERROR(fs_->CreateDirectory(parent));
    PINNACLE_RETURN_IF_ERROR(fs_->SyncDirectory(directory_));
    uint64_t name = environment_.clock->NowNs();
    bool exists = true;
    while (exists) {
      quarantine_ = "quarantine/" + std::to_string(name++);
      PINNACLE_RETURN_IF_ERROR(fs_->Exists(directory_ + "/" + quarantine_, &exists));
    }
    report_->quarantine_directory = directory_ + "/" + quarantine_;
    PINNACLE_RETURN_IF_ERROR(fs_->CreateDirectory(report_->quarantine_directory));
    PINNACLE_RETURN_IF_ERROR(fs_->SyncDirectory(report_->quarantine_directory));
    return fs_->SyncDirectory(parent);
  }

  Status PrepareHead() {
    HeadRecord record = layout_.head.valid ? layout_.head.record : HeadRecord{};
    NameNoWindow(&record);
    record.journal_id_low = base_.journal_id.low;
    record.journal_id_high = base_.journal_id.high;
    const SegmentPlan& oldest = walk_.segments.front();
    const SegmentPlan& newest = walk_.segments.back();
    record.oldest_index = oldest.facts.file.index;
    record.oldest_id = oldest.segment_id;
    record.newest_index = newest.facts.file.index;
    record.newest_id = newest.segment_id;
    record.newest_link = newest.link;
    record.newest_link_before = 0;
    record.ready_index = record.ready_id = 0;
    record.durable_sequence = std::min(known_durable_, walk_.last_sequence);
    record.timestamp_ns = environment_.clock->NowNs();
    std::vector<uint8_t> bytes(kSlotFileBytes);
    EncodeHeadFile(record, bytes);
    const std::string prepared = HeadPath(directory_) + kRepairSuffix;
    std::unique_ptr<File> file;
    PINNACLE_RETURN_IF_ERROR(fs_->Open(prepared, OpenMode::kCreate, &file));
    PINNACLE_RETURN_IF_ERROR(file->Write(0, bytes));
    PINNACLE_RETURN_IF_ERROR(file->Sync());
    if (layout_.head.exists) steps_.out.push_back({"HEAD", quarantine_ + "/HEAD"});
    steps_.in.push_back({std::string("HEAD") + kRepairSuffix, "HEAD"});
    return Status();
  }

  // Opens the result as recovery will, before anything takes effect.
  Status Rehearse() {
    std::unique_ptr<RepairView> view;
    PINNACLE_RETURN_IF_ERROR(RepairView::Make(fs_, directory_, steps_, &view));
    Environment seen = environment_;
    seen.file_system = view.get();
    RecoveredState state;
    RecoveryReport report;
    Status status = ReadState(seen, directory_, ReadOptions(), nullptr, &state, &report);
    if (status.ok()) status = Refusal(directory_, state, report);
    PINNACLE_RETURN_IF_ERROR(std::move(status));
    if (report.last_sequence == walk_.last_sequence) return Status();
    return Status(Code::kCorrupt, "the repaired journal reads back to entry " +
                                      std::to_string(report.last_sequence) + " instead of " +
                                      std::to_string(walk_.last_sequence) +
                                      "; nothing was changed");
  }

  const Environment& environment_;
  FileSystem* const fs_;
  const EngineOptions& options_;
  const std::string& directory_;
  uint64_t known_durable_;
  MendReport* const report_;
  Layout layout_;
  RecoveredState base_;
  std::vector<DamagedSnapshot> damaged_;
  std::vector<SnapshotMeta> older_;  // snapshots below the base that verify
  std::vector<std::string> excluded_;
  std::vector<DamagedSnapshot> contradicted_;
  WalkResult walk_;
  RepairSteps steps_;
  std::string quarantine_;  // below the data directory
};

}  // namespace

Status Mend(const Environment& environment, const EngineOptions& options, uint64_t known_durable,
            bool dry_run, MendReport* report) {
  *report = MendReport();
  Mender mender(environment, options, known_durable, report);
  PINNACLE_RETURN_IF_ERROR(mender.Plan());
  return dry_run ? Status() : mender.Apply();
}

Status MendDirectory(const Environment& environment, const EngineOptions& options, bool dry_run,
                     MendReport* report) {
  FileSystem* fs = environment.file_system;
  const std::string& directory = options.data_directory;
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(directory, &exists));
  if (!exists)
    return Status(Code::kNotFound, "the data directory " + directory + " does not exist");
  PINNACLE_RETURN_IF_ERROR(RefuseBackup(fs, directory));
  std::unique_ptr<DirectoryLock> lock;
  PINNACLE_RETURN_IF_ERROR(fs->Lock(directory, &lock));
  Environment seen = environment;
  std::unique_ptr<RepairView> view;
  if (dry_run) {
    // A look takes a moment; a writer that opens meanwhile is not kept out.
    lock.reset();
    bool pending = false;
    RepairSteps steps;
    PINNACLE_RETURN_IF_ERROR(ReadSteps(fs, directory, &pending, &steps));
    if (pending) {
      PINNACLE_RETURN_IF_ERROR(RepairView::Make(fs, directory, steps, &view));
      seen.file_system = view.get();
    }
  } else {
    bool finished = false;
    PINNACLE_RETURN_IF_ERROR(FinishRepair(fs, directory, &finished));
  }
  Adoption adoption;
  PINNACLE_RETURN_IF_ERROR(AdoptWindow(seen, options, dry_run, &adoption));
  AdoptedView adopted(seen.file_system, &adoption);
  if (dry_run) seen.file_system = &adopted;
  RecoveredState state;
  RecoveryReport found;
  Status status = ReadState(seen, directory, ReadOptions(), nullptr, &state, &found);
  const bool damage = status.code() == Code::kCorrupt || status.code() == Code::kJournalGap;
  if (!status.ok() && !damage) return status;
  // While the head record still names it: to the next open it would be a leftover.
  if (!dry_run) Bury(fs, &adoption.finding);
  status = Mend(seen, options, state.scan.evidence.known_durable, dry_run, report);
  report->window = adoption.finding;
  if (!status.ok() || dry_run) return status;
  return DisposeOfUnnamedWindow(fs, directory, &adoption);
}

}  // namespace pinnacle
