#include "engine/recovery.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/replay.h"
#include "snapshot/snapshot_directory.h"

namespace pinnacle {

namespace {

// Applies what the scan verified. The scan runs ahead of it; what the outside sees (the report, the
// progress, which error) is as if every entry had been applied before the next was looked at.
class ReplayVisitor : public EntryVisitor {
 public:
  ReplayVisitor(const Environment& environment, RecoveredState* state,
                const ProgressFunction& progress, RecoveryReport* report)
      : state_(state),
        books_(&state->books),
        replay_(environment.file_system, books_, environment.worker_threads),
        first_sequence_(books_->last_sequence() + 1),
        next_sequence_(first_sequence_),
        progress_(progress),
        report_(report) {}

  Status Visit(const EntryView& entry) override {
    const EntryHeader& header = entry.header;
    if (header.sequence != next_sequence_ || IsHole(header)) [[unlikely]] {
      PINNACLE_RETURN_IF_ERROR(CheckTurn(entry));
    }
    next_sequence_ = header.sequence + 1;
    ++report_->entries_replayed;
    NoteTime(header);
    Status status = replay_.Put(entry);
    if (!status.ok()) Retract();
    return status;
  }

  // After the last entry: the books are at it, or the error of one that they refused.
  Status Finish() {
    Status status = replay_.Drain();
    if (!status.ok()) Retract();
    return status;
  }

  void Progress(uint64_t done, uint64_t total) override {
    // (An error comes back at the next entry, or at the end.)
    if (progress_ && replay_.Drain().ok()) progress_("replay", done, total);
  }

  // The first entry does not continue what was restored.
  bool has_gap() const { return has_gap_; }

 private:
  // Of a hole, or of an entry that is not the next one.
  [[gnu::noinline]] Status CheckTurn(const EntryView& entry) {
    // (The state may begin within a hole.)
    const uint64_t first = entry.first_sequence();
    if (first != next_sequence_ && !(IsHole(entry.header) && first < next_sequence_)) {
      has_gap_ = true;
      return Status(Code::kJournalGap, "");
    }
    return IsHole(entry.header) ? CrossHole(entry) : Status();
  }

  // What is lost is lost, and in the report. But if a snapshot has what the lost entries did, books
  // that start from before it would miss that.
  Status CrossHole(const EntryView& entry) {
    const HolePayload hole = entry.hole();
    const uint64_t last_sequence = entry.header.sequence;
    if (hole.first_sequence <= last_sequence) {
      report_->holes.push_back(
          {hole.first_sequence, last_sequence, hole.snapshot_sequence, hole.entries_left_out});
    }
    if (hole.snapshot_sequence < first_sequence_) return Status();
    return Status(Code::kJournalGap,
                  "the entries " + std::to_string(hole.first_sequence) + " to " +
                      std::to_string(last_sequence) + " are lost, and snapshot " +
                      std::to_string(hole.snapshot_sequence) +
                      ", which has what they did, does not verify; restore it from a backup");
  }

  // Entries after the refused one do not count.
  void Retract() { report_->entries_replayed = replay_.failed_sequence() - first_sequence_ + 1; }

  void NoteTime(const EntryHeader& header) {
    if ((header.flags & kFlagGivenTime) != 0) return;
    state_->last_clock_ns = header.timestamp_ns;  // also back: the clock may have stepped
  }

  RecoveredState* state_;
  BookSet* books_;
  Replay replay_;
  const uint64_t first_sequence_;
  uint64_t next_sequence_;
  bool has_gap_ = false;
  const ProgressFunction& progress_;
  RecoveryReport* report_;
};

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
  if (scan.evidence.directory_damaged && !scan.evidence.segment_damaged) {
    report->break_segment = scan.damaged_path;
    report->break_offset = 0;
  } else if (scan.damaged_segment >= 0) {
    report->break_segment = scan.segments[static_cast<size_t>(scan.damaged_segment)].file.path;
    report->break_offset = 0;
  } else if (scan.stop_segment >= 0) {
    const SegmentFacts& stop = scan.segments[static_cast<size_t>(scan.stop_segment)];
    report->break_segment = stop.file.path;
    report->break_offset = stop.end_offset;
  }
}

bool BeginsTooLate(const RecoveredState& state, const RecoveryReport& report,
                   uint64_t from_sequence) {
  const ScanResult& scan = state.scan;
  // A snapshot says that there was a journal, even if it does not verify.
  if (scan.segments.empty()) return state.has_snapshot || !report.damaged_snapshots.empty();
  return scan.segments.front().first_sequence > from_sequence;
}

Status GapOf(const RecoveredState& state, const RecoveryReport& report) {
  const ScanResult& scan = state.scan;
  const uint64_t first = scan.segments.empty() ? 0 : scan.segments.front().first_sequence;
  std::string what = HowItBegins(first);
  if (scan.segments.empty()) what = "the journal has no segment";
  what += ", but " + (state.has_snapshot ? "the newest snapshot that verifies ends at entry " +
                                               std::to_string(state.snapshot.meta.sequence)
                                         : std::string("there is no snapshot that verifies"));
  if (!report.damaged_snapshots.empty()) {
    what += " (" + std::to_string(report.damaged_snapshots.size()) +
            " damaged; first: " + report.damaged_snapshots.front().reason + ")";
  }
  return Status(Code::kJournalGap, what + "; restore the missing files from a backup");
}

}  // namespace

std::string HowItBegins(uint64_t first_sequence) {
  if (first_sequence == 0) return "the journal has no entry";
  return "the journal begins with entry " + std::to_string(first_sequence);
}

Status RestoreNewestSnapshot(const Environment& environment, const std::string& directory,
                             const std::vector<std::string>& excluded, uint64_t expected_orders,
                             RecoveredState* state, RecoveryReport* report) {
  std::vector<SnapshotFile> files;
  PINNACLE_RETURN_IF_ERROR(ListSnapshots(environment.file_system, directory, &files));
  const JournalId* id = state->has_journal_id ? &state->journal_id : nullptr;
  for (auto it = files.rbegin(); it != files.rend(); ++it) {
    if (std::find(excluded.begin(), excluded.end(), it->path) != excluded.end()) continue;
    BookSet books(expected_orders);
    std::vector<uint8_t> user_state;
    SnapshotInfo info;
    Status status = ReadSnapshot(environment.file_system, it->path, &books, &user_state, &info, id);
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
    // Only damage lets an older one take its place; a newer version or a bad disk must not be
    // passed over.
    if (status.code() != Code::kSnapshotCorrupt) return status;
    report->damaged_snapshots.push_back({it->path, std::string(status.message())});
  }
  state->books = BookSet(expected_orders);
  return Status();
}

Status ReadState(const Environment& environment, const std::string& data_directory,
                 const ReadOptions& read_options, const ProgressFunction& progress,
                 RecoveredState* state, RecoveryReport* report) {
  Clock* clock = environment.clock;
  const uint64_t start_ns = clock->MonotonicNs();
  if (progress) progress("snapshot", 0, 0);
  Layout layout;
  PINNACLE_RETURN_IF_ERROR(
      ReadLayout(environment.file_system, data_directory, read_options.live, &layout));
  state->head = layout.head;
  state->leftovers = layout.leftovers;
  state->spares = layout.spares;
  state->journal_id = layout.journal_id;
  state->has_journal_id = layout.has_journal_id;
  PINNACLE_RETURN_IF_ERROR(RestoreNewestSnapshot(environment, SnapshotDirectory(data_directory), {},
                                                 read_options.expected_orders, state, report));
  report->snapshot_ns = clock->MonotonicNs() - start_ns;

  ScanOptions options;
  options.live = read_options.live;
  if (state->has_snapshot) {
    options.from_sequence = state->snapshot.meta.sequence + 1;
    options.known_durable = state->snapshot.meta.sequence;
    // If it is not known (a version 1 salvage), no entry can prove the snapshot.
    if (state->snapshot.meta.entry_checksum != 0) {
      options.proof_sequence = state->snapshot.meta.sequence;
    }
    options.proof_checksum = state->snapshot.meta.entry_checksum;
  }
  const uint64_t scan_start_ns = clock->MonotonicNs();
  // No caller waits for a book yet.
  state->books.set_growth(Growth::kAtOnce);
  ReplayVisitor visitor(environment, state, progress, report);
  ScanResult& scan = state->scan;
  Status scanned =
      ScanJournal(environment.file_system, std::move(layout), options, &visitor, &scan);
  // An entry that the books refused comes before what the scan met after it.
  PINNACLE_RETURN_IF_ERROR(visitor.Finish());
  if (!visitor.has_gap()) PINNACLE_RETURN_IF_ERROR(std::move(scanned));
  state->books.set_growth(Growth::kGradual);
  report->scan_ns = clock->MonotonicNs() - scan_start_ns;
  ReportScan(scan, report);
  report->last_sequence = state->books.last_sequence();
  if (visitor.has_gap() || BeginsTooLate(*state, *report, options.from_sequence)) {
    return GapOf(*state, *report);
  }
  return Status();
}

Status Refusal(const std::string& data_directory, const RecoveredState& state,
               const RecoveryReport& report) {
  const TailVerdict& verdict = state.scan.verdict;
  if (verdict.tail != Tail::kCorrupt) return Status();
  std::string place;
  const bool named = verdict.reason.find(report.break_segment) != std::string::npos;
  if (!report.break_segment.empty() && !named) {
    place = " (" + report.break_segment + " at offset " + std::to_string(report.break_offset) + ")";
  }
  return Status(Code::kCorrupt,
                verdict.reason + place + ". Look with `pinnacle verify " + data_directory +
                    "`; `pinnacle repair --dry-run " + data_directory +
                    "` says what recoveryPolicy 'point-in-time' or 'salvage' would keep");
}

JournalPosition PlanContinuation(const std::string& data_directory, const RecoveredState& state) {
  JournalPosition position;
  const ScanResult& scan = state.scan;
  position.head_directory = data_directory;
  position.head = state.head;
  position.spares = state.spares;
  position.known_durable = std::min(scan.evidence.known_durable, state.books.last_sequence());
  position.next_sequence = state.books.last_sequence() + 1;
  const auto add_older = [&](const SegmentFacts& segment) {
    position.older.push_back({segment.file, segment.first_sequence, segment.last_sequence,
                              segment.header.segment_bytes, segment.header.segment_id});
  };
  // What an interrupted compaction has left is given up; a file of another journal is left alone.
  for (const SegmentFacts& segment : state.leftovers) {
    const JournalId id{segment.header.journal_id_low, segment.header.journal_id_high};
    if (segment.header_valid && id == state.journal_id) position.trailing.push_back(segment.file);
  }
  for (const SegmentFacts& segment : scan.below) add_older(segment);
  for (size_t i = 0; i < scan.segments.size(); ++i) {
    const SegmentFacts& segment = scan.segments[i];
    if (static_cast<int64_t>(i) < scan.stop_segment) {
      add_older(segment);
    } else if (static_cast<int64_t>(i) == scan.stop_segment) {
      position.file = segment.file;
      position.header = segment.header;
      position.first_sequence = segment.entries > 0 ? segment.first_sequence : 0;
      position.end_offset = segment.end_offset;
      position.mark_counter = segment.mark_counter;
      position.link = segment.link;
      position.clear_rest = scan.verdict.tail != Tail::kClean;
    } else {
      position.trailing.push_back(segment.file);
      if (segment.first_line_used) position.to_empty.push_back(segment.file);
    }
    position.next_index = segment.file.index + 1;
  }
  if (position.file.index != 0) position.next_index = position.file.index + 1;
  return position;
}

}  // namespace pinnacle
