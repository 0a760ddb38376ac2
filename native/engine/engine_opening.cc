// How an engine opens its directory: makes or finds it, locks it, mends it if the policy allows
// that, reads it, and makes it ready to write.
#include <utility>

#include "engine/adoption.h"
#include "engine/backup_mark.h"
#include "engine/engine.h"
#include "engine/mending.h"
#include "journal/layout.h"
#include "platform/path_parts.h"
#include "repair/steps.h"
#include "snapshot/snapshot_directory.h"

namespace pinnacle {

namespace {

Status MakeDirectories(FileSystem* fs, const EngineOptions& options) {
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(options.data_directory, &exists));
  if (!exists) {
    if (!options.create) {
      return Status(Code::kNotFound,
                    "the data directory " + options.data_directory +
                        " does not exist; check the path, or allow it to be created");
    }
    PINNACLE_RETURN_IF_ERROR(fs->CreateDirectory(options.data_directory));
  }
  // Even if it exists: a crash may have come between making and syncing it. (A directory that
  // another user made may be in a parent that we can't read; then it was not us who crashed.)
  Status synced = fs->SyncDirectory(ParentOf(options.data_directory));
  if (exists && synced.code() == Code::kPermission) return Status();
  return synced;
}

Status MakeSubdirectory(FileSystem* fs, const std::string& data_directory,
                        const std::string& path) {
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(path, &exists));
  if (!exists) PINNACLE_RETURN_IF_ERROR(fs->CreateDirectory(path));
  // Even if it exists: a crash may have come between making and syncing it, and between a rename in
  // it and its sync. Names that are seen but not durable must not be built on.
  PINNACLE_RETURN_IF_ERROR(fs->SyncDirectory(data_directory));
  return fs->SyncDirectory(path);
}

// Reads the state; if it is damaged and the policy is not strict, mends the directory and reads it
// again. The report then says what was found, what was kept, and the path of the rest.
Status Recover(const Environment& environment, const EngineOptions& options,
               const ProgressFunction& progress, WindowFinding* window, RecoveredState* state,
               RecoveryReport* report) {
  const ReadOptions read{options.expected_orders, false};
  const std::string& directory = options.data_directory;
  Status status = ReadState(environment, directory, read, progress, state, report);
  if (status.ok()) status = Refusal(directory, *state, *report);
  const bool damaged = status.code() == Code::kCorrupt || status.code() == Code::kJournalGap;
  if (!damaged || options.policy == RecoveryPolicy::kStrict) return status;
  // While the head record still names it: to the next open it would be a leftover.
  Bury(environment.file_system, window);
  report->window = *window;
  const RecoveryReport found = *report;
  MendReport mended;
  PINNACLE_RETURN_IF_ERROR(
      Mend(environment, options, state->scan.evidence.known_durable, false, &mended));
  *state = RecoveredState();
  *report = RecoveryReport();
  PINNACLE_RETURN_IF_ERROR(ReadState(environment, directory, read, progress, state, report));
  PINNACLE_RETURN_IF_ERROR(Refusal(directory, *state, *report));
  report->policy = found.policy;
  report->window = found.window;
  report->lock_ns = found.lock_ns;
  report->repair_finished = found.repair_finished;
  report->tail = Tail::kCorrupt;
  report->has_break = true;
  report->break_segment = found.break_segment;
  report->break_offset = found.break_offset;
  report->break_sequence = found.break_sequence;
  report->break_reason = found.has_break ? found.break_reason : std::string(status.message());
  report->valid_entries_follow = found.valid_entries_follow;
  report->known_durable = found.known_durable;
  report->bytes_dropped = found.bytes_dropped;
  report->entries_dropped = mended.entries_dropped;
  report->entries_salvaged = mended.entries_after_damage;
  report->damaged_snapshots = mended.damaged_snapshots;
  report->quarantine_directory = mended.quarantine_directory;
  report->holes = mended.holes;
  return Status();
}

}  // namespace

Status Engine::Open(const Environment& environment, const EngineOptions& options,
                    const ProgressFunction& progress, std::unique_ptr<Engine>* engine,
                    RecoveryReport* report) {
  *report = RecoveryReport();
  report->policy = options.policy;
  Clock* clock = environment.clock;
  FileSystem* fs = environment.file_system;
  const uint64_t start_ns = clock->MonotonicNs();
  std::unique_ptr<Engine> opened(new Engine(environment, options));
  opened->sync_each_ = options.durability == Durability::kDurable;

  // Before anything is made or locked: what can't be kept is not begun.
  PINNACLE_RETURN_IF_ERROR(
      CheckThreadAffinity(options.background_cpus).WithContext("configuration: backgroundCpus"));
  PINNACLE_RETURN_IF_ERROR(RefuseBackup(fs, options.data_directory));
  PINNACLE_RETURN_IF_ERROR(MakeDirectories(fs, options));
  PINNACLE_RETURN_IF_ERROR(fs->Lock(options.data_directory, &opened->lock_));
  report->lock_ns = clock->MonotonicNs() - start_ns;

  bool finished = false;
  PINNACLE_RETURN_IF_ERROR(FinishRepair(fs, options.data_directory, &finished));
  report->repair_finished = finished;
  Adoption adoption;
  PINNACLE_RETURN_IF_ERROR(AdoptWindow(environment, options, false, &adoption));
  report->window = adoption.finding;
  RecoveredState state;
  PINNACLE_RETURN_IF_ERROR(
      Recover(environment, options, progress, &adoption.finding, &state, report));
  const uint64_t write_start_ns = clock->MonotonicNs();
  report->created = !state.has_journal_id;
  PINNACLE_RETURN_IF_ERROR(
      MakeSubdirectory(fs, options.data_directory, JournalDirectory(options.data_directory)));
  PINNACLE_RETURN_IF_ERROR(
      MakeSubdirectory(fs, options.data_directory, SnapshotDirectory(options.data_directory)));
  PINNACLE_RETURN_IF_ERROR(RemoveStaleSnapshots(fs, SnapshotDirectory(options.data_directory)));
  if (!state.has_journal_id) {
    state.journal_id = {environment.random->NextU64(), environment.random->NextU64()};
  }
  JournalPosition position = PlanContinuation(options.data_directory, state);
  position.lock = opened->lock_.get();
  // While the head record still names it: once it does not, the window is a leftover for the next
  // open if this one does not finish.
  Bury(fs, &adoption.finding);
  PINNACLE_RETURN_IF_ERROR(Journal::Open(environment, JournalDirectory(options.data_directory),
                                         state.journal_id, options.journal, position,
                                         &opened->journal_));
  // The head record names another one now, or none.
  DisposeOfWindow(environment, options, *opened->journal_, &adoption);
  report->window = adoption.finding;
  report->window_bytes = opened->journal_->window_counters().ring_bytes;
  report->why_no_window = opened->journal_->why_no_window();
  if (const Window* window = opened->journal_->window(); window != nullptr) {
    report->why_not_locked = window->lock_refusal();
  }
  if (progress) progress("start", 1, 1);
  opened->books_ = std::move(state.books);
  // (The journal may go on in a segment that no entry was in.)
  PINNACLE_RETURN_IF_ERROR(opened->journal_->RequireFeature(opened->books_.RequiredFeatures()));
  opened->stamps_.Start(clock, state.last_clock_ns);
  opened->recovered_user_state_ = std::move(state.user_state);
  opened->recovered_sequence_ = opened->journal_->appended();
  if (opened->recovered_sequence_ > 0 && report->first_sequence == 0) {
    report->first_sequence = opened->journal_->oldest_sequence();
  }
  report->start_ns = clock->MonotonicNs() - write_start_ns;
  report->duration_ns = clock->MonotonicNs() - start_ns;
  *engine = std::move(opened);
  return Status();
}

}  // namespace pinnacle
