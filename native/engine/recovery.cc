#include "engine/recovery.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "engine/quarantine.h"
#include "engine/replay.h"
#include "snapshot/snapshot_writer.h"

namespace pinnacle {

namespace {

// Applies what the scan verified. The scan runs ahead of it; what the outside sees (the report, the
// progress, which error) is as if every entry had been applied before the next was looked at.
class ReplayVisitor : public EntryVisitor {
 public:
  ReplayVisitor(const Environment& environment, RecoveredState* state, bool salvage,
                const ProgressFunction& progress, RecoveryReport* report)
      : state_(state),
        books_(&state->books),
        replay_(environment.file_system, books_, environment.worker_threads),
        salvage_(salvage),
        first_sequence_(books_->last_sequence() + 1),
        next_sequence_(first_sequence_),
        progress_(progress),
        report_(report) {}

  Status Visit(const EntryHeader& header, const uint8_t*, const uint8_t* entry,
               uint64_t entry_bytes) override {
#if !defined(PINNACLE_MUTATION_GAP_NOT_CHECKED)
    if (header.sequence != next_sequence_) {
      has_gap_ = true;
      return Status(Code::kJournalGap, "");
    }
#endif
    next_sequence_ = header.sequence + 1;
    ++report_->entries_replayed;
    NoteTime(header);
    Status status = replay_.Put(header, entry, entry_bytes, place);
    if (!status.ok()) Retract();
    return status;
  }

  // Behind the last entry: the books are at it, or the error of one that they refused.
  Status Finish() {
    Status status = replay_.Drain();
    if (!status.ok()) Retract();
    return status;
  }

  Status VisitBehindBreak(const EntryHeader& header, const uint8_t* payload) override {
    if (salvage_) {
      behind_.push_back({header, {payload, payload + header.payload_bytes}});
    }
    return Status();
  }

  // Applies what stood behind the break. Only where the journal is corrupt: behind a torn tail
  // stands nothing that was ever durable, and writing goes on where the tail is cut.
  void Salvage() {
    for (const Kept& kept : behind_) {
      if (kept.header.sequence <= books_->last_sequence()) continue;
      // An entry that needs one of the lost ones is refused, and left out.
      if (!books_->ApplyEntry(kept.header, kept.payload.data()).ok()) continue;
      ++report_->entries_salvaged;
      NoteTime(kept.header);
    }
  }

  void Progress(uint64_t done, uint64_t total) override {
    // (An error comes back at the next entry, or at the end.)
    if (progress_ && replay_.Drain().ok()) progress_("replay", done, total);
  }

  // The first entry does not continue what was restored.
  bool has_gap() const { return has_gap_; }

 private:
  struct Kept {
    EntryHeader header;
    std::vector<uint8_t> payload;
  };

  // Entries behind the refused one do not count.
  void Retract() { report_->entries_replayed = replay_.failed_sequence() - first_sequence_ + 1; }

  void NoteTime(const EntryHeader& header) {
    if ((header.flags & kFlagGivenTime) != 0) return;
    state_->last_clock_ns = std::max(state_->last_clock_ns, header.timestamp_ns);
  }

  RecoveredState* state_;
  BookSet* books_;
  Replay replay_;
  const bool salvage_;
  const uint64_t first_sequence_;
  uint64_t next_sequence_;
  bool has_gap_ = false;
  std::vector<Kept> behind_;
  const ProgressFunction& progress_;
  RecoveryReport* report_;
};

Status RestoreNewestSnapshot(const Environment& environment, const std::string& directory,
                             uint64_t expected_orders, RecoveredState* state,
                             RecoveryReport* report) {
  std::vector<SnapshotFile> files;
  PINNACLE_RETURN_IF_ERROR(ListSnapshots(environment.file_system, directory, &files));
  for (auto it = files.rbegin(); it != files.rend(); ++it) {
    BookSet books(expected_orders);
    std::vector<uint8_t> user_state;
    SnapshotInfo info;
    Status status = ReadSnapshot(environment.file_system, it->path, &books, &user_state, &info);
    if (status.ok()) {
      state->books = std::move(books);
      state->user_state = std::move(user_state);
      state->snapshot = info;
      state->has_snapshot = true;
      state->last_clock_ns = info.meta.timestamp_ns;
      state->journal_id = info.meta.journal_id;
      state->has_journal_id = true;
      report->snapshot_sequence = info.meta.sequence;
      report->snapshot_path = it->path;
      return Status();
    }
    // Only damage lets an older one stand in; a newer version or a bad disk must not be passed
    // over.
    if (status.code() != Code::kSnapshotCorrupt) return status;
    report->damaged_snapshots.push_back({it->path, std::string(status.message())});
  }
  state->books = BookSet(expected_orders);
  return Status();
}

void ReportScan(const ScanResult& scan, RecoveryReport* report) {
  report->tail = scan.verdict.tail;
  report->segments_read = scan.segments.size();
  report->bytes_read = scan.bytes_read;
  report->bytes_dropped = scan.bytes_dropped;
  report->entries_dropped = scan.entries_dropped;
  report->known_durable = scan.evidence.known_durable;
  if (!scan.below.empty()) {
    report->first_sequence = scan.below.front().first_sequence;
  } else if (!scan.segments.empty()) {
    report->first_sequence = scan.segments.front().first_sequence;
  }
  if (scan.verdict.tail == Tail::kClean) return;
  report->has_break = true;
  report->break_sequence = scan.evidence.next_sequence;
  report->break_reason = scan.verdict.reason;
  report->valid_entries_follow = scan.evidence.valid_entries_follow;
  if (scan.damaged_segment >= 0) {
    report->break_segment = scan.segments[static_cast<size_t>(scan.damaged_segment)].file.path;
    report->break_offset = 0;
  } else if (scan.stop_segment >= 0) {
    const SegmentFacts& stop = scan.segments[static_cast<size_t>(scan.stop_segment)];
    report->break_segment = stop.file.path;
    report->break_offset = stop.end_offset;
  }
}

}  // namespace

std::string SnapshotDirectory(const std::string& data_directory) {
  return data_directory + "/snapshots";
}

Status ReadState(const Environment& environment, const std::string& data_directory,
                 uint64_t expected_orders, bool salvage, const ProgressFunction& progress,
                 RecoveredState* state, RecoveryReport* report) {
  Clock* clock = environment.clock;
  const uint64_t start_ns = clock->MonotonicNs();
  if (progress) progress("snapshot", 0, 0);
  PINNACLE_RETURN_IF_ERROR(RestoreNewestSnapshot(environment, SnapshotDirectory(data_directory),
                                                 expected_orders, state, report));
  report->snapshot_ns = clock->MonotonicNs() - start_ns;

  ScanOptions options;
  if (state->has_snapshot) {
    options.from_sequence = state->snapshot.meta.sequence + 1;
    options.known_durable = state->snapshot.meta.sequence;
    options.journal_id = &state->journal_id;
    // A snapshot of a salvaged state has no entry of its own that could prove it.
    if (state->snapshot.meta.entry_checksum != 0) {
      options.proof_sequence = state->snapshot.meta.sequence;
    }
    options.proof_checksum = state->snapshot.meta.entry_checksum;
  }
  const uint64_t scan_start_ns = clock->MonotonicNs();
  // Nobody waits for a book yet.
  state->books.set_growth(Growth::kAtOnce);
  ReplayVisitor visitor(environment, state, salvage, progress, report);
  ScanResult& scan = state->scan;
  Status scanned = ScanJournal(environment.file_system, JournalDirectory(data_directory), options,
                               &visitor, &scan);
  // An entry that the books refused comes before what the scan met behind it.
  PINNACLE_RETURN_IF_ERROR(visitor.Finish());
  if (!visitor.has_gap()) PINNACLE_RETURN_IF_ERROR(std::move(scanned));
  if (scan.verdict.tail == Tail::kCorrupt) visitor.Salvage();
  state->books.set_growth(Growth::kGradual);
  report->scan_ns = clock->MonotonicNs() - scan_start_ns;
  ReportScan(scan, report);
  report->last_sequence = state->books.last_sequence();
  if (!state->has_journal_id) {
    for (const SegmentFacts& segment : scan.segments) {
      if (!segment.header_valid) continue;
      state->journal_id = {segment.header.journal_id_low, segment.header.journal_id_high};
      state->has_journal_id = true;
      break;
    }
  }
  const uint64_t first = scan.segments.empty() ? 0 : scan.segments.front().first_sequence;
  const bool gap =
      visitor.has_gap() || first > options.from_sequence ||
      (scan.segments.empty() && (state->has_snapshot || !report->damaged_snapshots.empty()));
#if defined(PINNACLE_MUTATION_GAP_NOT_CHECKED)
  return Status();
#endif
  if (gap) {
    std::string what = "the journal begins with entry " + std::to_string(first);
    if (first == 0) what = "the journal has no segment";
    what += ", but " + (state->has_snapshot ? "the newest snapshot that verifies ends at entry " +
                                                  std::to_string(state->snapshot.meta.sequence)
                                            : std::string("there is no snapshot that verifies"));
    if (!report->damaged_snapshots.empty()) {
      what += " (" + std::to_string(report->damaged_snapshots.size()) +
              " damaged; first: " + report->damaged_snapshots.front().reason + ")";
    }
    return Status(Code::kJournalGap, what + "; restore the missing files from a backup");
  }
  return Status();
}

Status PlanContinuation(const Environment& environment, const EngineOptions& options,
                        RecoveredState* state, RecoveryReport* report, JournalPosition* position) {
  *position = JournalPosition();
  const std::string journal_directory = JournalDirectory(options.data_directory);
  const ScanResult& scan = state->scan;
  if (scan.verdict.tail == Tail::kCorrupt && options.policy == RecoveryPolicy::kStrict) {
    return Status(Code::kCorrupt,
                  scan.verdict.reason + " (" + report->break_segment + " at offset " +
                      std::to_string(report->break_offset) + "). Look with `pinnacle verify " +
                      options.data_directory + "`; `pinnacle repair --dry-run " +
                      options.data_directory +
                      "` says what recoveryPolicy 'point-in-time' or 'salvage' would keep");
  }
  std::vector<std::string> names;
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(environment.file_system->Exists(journal_directory, &exists));
  if (exists) PINNACLE_RETURN_IF_ERROR(environment.file_system->List(journal_directory, &names));
  for (const std::string& name : names) {
    uint64_t number = 0;
    if (ParseSpareName(name, &number)) position->spares.push_back(number);
  }
  uint64_t highest_index = 0;
  for (const SegmentFacts& segment : scan.below) highest_index = segment.file.index;
  for (const SegmentFacts& segment : scan.segments) highest_index = segment.file.index;

  const bool cut = scan.verdict.tail != Tail::kClean;
  if (scan.verdict.tail == Tail::kCorrupt) {
    PINNACLE_RETURN_IF_ERROR(QuarantineSegments(environment, options.data_directory, scan,
                                                &report->quarantine_directory));
  }
  position->known_durable = std::min(scan.evidence.known_durable, state->books.last_sequence());
  position->next_sequence = state->books.last_sequence() + 1;
  const bool salvaged =
      scan.verdict.tail == Tail::kCorrupt && options.policy == RecoveryPolicy::kSalvage;
  // The snapshot reaches behind the break: no segment can be gone on in, the next entry would not
  // follow on the last sound one.
  const bool behind =
      cut && state->has_snapshot && state->snapshot.meta.sequence >= scan.evidence.next_sequence;
  if (salvaged && state->books.last_sequence() > 0) {  // of nothing there is no snapshot
    // The salvaged state has no unbroken journal behind it, so it needs a snapshot before the old
    // segments go.
    SnapshotMeta meta;
    meta.journal_id = state->journal_id;
    meta.sequence = state->books.last_sequence();
    meta.timestamp_ns = std::max(environment.clock->NowNs(), state->last_clock_ns);
    const std::string directory = SnapshotDirectory(options.data_directory);
    PINNACLE_RETURN_IF_ERROR(environment.file_system->CreateDirectory(directory));
    PINNACLE_RETURN_IF_ERROR(environment.file_system->SyncDirectory(options.data_directory));
    SnapshotInfo info;
    PINNACLE_RETURN_IF_ERROR(WriteSnapshot(environment.file_system, directory, meta, state->books,
                                           state->user_state, &info));
  }
  if (salvaged || behind) {
    for (const SegmentFacts& segment : scan.below) position->trailing.push_back(segment.file);
    for (const SegmentFacts& segment : scan.segments) position->trailing.push_back(segment.file);
    position->next_index = highest_index + 1;
    return Status();
  }

  for (const SegmentFacts& segment : scan.below) {
    position->older.push_back({segment.file, segment.first_sequence, segment.last_sequence,
                               segment.header.segment_bytes});
  }
  // The youngest sound segment is where writing goes on; a damaged header can't be written behind.
  int64_t stop = scan.stop_segment;
  while (stop >= 0 && !scan.segments[static_cast<size_t>(stop)].header_valid) --stop;
  if (stop >= 0 && static_cast<size_t>(stop) < scan.segments.size()) {
    const SegmentFacts& last = scan.segments[static_cast<size_t>(stop)];
    // A segment of a foreign journal or behind a missing one is not ours to go on in.
    const bool foreign =
        stop == scan.stop_segment && scan.evidence.segment_damaged && last.entries == 0;
    if (foreign) --stop;
  }
  for (size_t i = 0; i < scan.segments.size(); ++i) {
    const SegmentFacts& segment = scan.segments[i];
    if (static_cast<int64_t>(i) < stop) {
      position->older.push_back({segment.file, segment.first_sequence, segment.last_sequence,
                                 segment.header.segment_bytes});
    } else if (static_cast<int64_t>(i) == stop) {
      position->file = segment.file;
      position->header = segment.header;
      position->first_sequence = segment.entries > 0 ? segment.first_sequence : 0;
      position->end_offset = segment.end_offset;
      position->mark_counter = segment.mark_counter;
      position->clear_rest = cut;
    } else {
      position->trailing.push_back(segment.file);
    }
  }
  position->next_index = stop >= 0 ? position->file.index + 1 : highest_index + 1;
  return Status();
}

}  // namespace pinnacle
