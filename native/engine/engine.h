// The engine: journal, books and snapshots of one data directory as one thing.
//
// An operation is validated, then journaled, then applied: what the books refuse leaves no entry,
// what could not be journaled is not applied. Snapshots are built by another thread from the last
// snapshot and the journal, read the way recovery reads them. That never touches the writer's
// books, so a snapshot pauses no thread, and every one of them rehearses recovery.
//
// Threads: "the writer" is the one thread that applies, appends, reads the live books and closes.
// Steps that say "any thread" may run beside it.
#ifndef PINNACLE_ENGINE_ENGINE_H_
#define PINNACLE_ENGINE_ENGINE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/histogram.h"
#include "base/status.h"
#include "engine/live_status.h"
#include "engine/options.h"
#include "engine/recovery.h"
#include "engine/stamp_clock.h"
#include "engine/transaction.h"
#include "journal/background.h"
#include "journal/journal.h"
#include "live/counters.h"
#include "platform/environment.h"
#include "snapshot/snapshot_directory.h"
#include "state/book_set.h"
#include "state/operation.h"

namespace pinnacle {

// The point of a snapshot to take; fixed on the writer's thread, built on another.
struct SnapshotPoint {
  uint64_t sequence = 0;
  uint64_t timestamp_ns = 0;
  uint32_t entry_checksum = 0;
};

// A consumer that compaction has gone past: its lag exceeds the limits.
struct OvertakenConsumer {
  std::string name;
  uint64_t sequence = 0;  // it had consumed up to here
};

struct CompactionReport {
  uint64_t removed = 0;
  uint64_t recycled = 0;
  uint64_t bytes_freed = 0;
  uint64_t oldest_sequence = 0;
  std::string reason;  // why nothing was done; empty if something was
  // Older than the oldest snapshot that verifies, and not usable: they kept nothing back.
  std::vector<SnapshotFinding> damaged_snapshots;
  std::vector<OvertakenConsumer> overtaken;
  // Segments that are kept for consumers alone, and the slowest consumer; empty: none.
  uint64_t bytes_kept_for_consumers = 0;
  std::string slowest_consumer;
};

class Engine {
 public:
  // Takes the lock, recovers, and makes ready to write. `report` is filled in as far as it got,
  // even if the result is an error. Leaves no thread running.
  static Status Open(const Environment& environment, const EngineOptions& options,
                     const ProgressFunction& progress, std::unique_ptr<Engine>* engine,
                     RecoveryReport* report);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Starts the background threads. Without it the owner calls the steps (as a simulation does).
  // kTooManyThreads if the system can't start another; then the engine can only be closed.
  Status StartThreads(JournalThreads::OnSync on_sync);

  // --- writer ---

  // timestamp_ns 0: the clock's (stamp_clock.h). `*sequence` is set on kOk.
  Code Apply(const Operation& operation, uint64_t timestamp_ns, uint64_t* sequence);
  // A payload of the user's, which the engine does not look into. user_type 0 .. 127; instrument 0:
  // none.
  Code AppendPayload(uint8_t user_type, uint16_t instrument, uint64_t timestamp_ns,
                     const uint8_t* payload, uint32_t payload_bytes, uint64_t* sequence);
  // `count` payloads of one length, `stride_bytes` apart, as AppendPayload would append them one
  // after the other, but with one time and, if every call is durable, one sync for all. `*taken` is
  // how many were journaled, `*sequence` the last one's.
  Code AppendPayloads(uint8_t user_type, uint16_t instrument, uint64_t timestamp_ns,
                      const uint8_t* payloads, uint32_t payload_bytes, uint64_t stride_bytes,
                      uint64_t count, uint64_t* taken, uint64_t* sequence);
  // Between Begin and the end, Apply and AppendPayload(s) apply at once and journal nothing; they
  // return what Transaction returns. Commit journals all of it as one, with one sync if every call
  // is durable; `*sequence` is the last entry's (0: it had none). If Commit fails, the transaction
  // is still open, to be rolled back. kTransactionOpen, kClosed, kJournalFailed, kDirectoryLost.
  Code BeginTransaction();
  Code CommitTransaction(uint64_t* sequence);
  // The books are as before. kOutOfMemory: they can't be, and the journal accepts no more.
  Code RollBackTransaction();
  bool in_transaction() const { return mode_ == Mode::kTransaction; }
  // An entry that never came to the engine was refused: the open transaction can't be committed.
  void AbortTransaction() { (void)transaction_.Abort(Code::kTransactionAborted); }
  uint64_t transaction_entries() const { return transaction_.entries(); }

  // kInstrumentMismatch if the name is taken with other scales; the same definition again adds no
  // entry.
  Status DefineInstrument(const Instrument& instrument, uint16_t* index);
  // Why the last Apply or AppendPayload was refused by the journal (kNoSpace, kIo, kJournalFailed
  // …).
  Status last_error() const { return journal_->last_error(); }

  // Between the two, entries without a time of their own all get that of the first call: one
  // reading of the clock for a batch.
  void FreezeClock() {
    frozen_ns_ = in_transaction() ? stamps_.Stamp(transaction_.next_sequence()) : ClockNs();
  }
  void ThawClock() { frozen_ns_ = 0; }

  // The time that the last entry got. For the thread that writes, as the clock's steps are.
  uint64_t last_stamp_ns() const { return last_stamp_ns_; }
  const StampClock& stamps() const { return stamps_; }
  void OnClockStep(std::function<void()> on_step) { stamps_.OnStep(std::move(on_step)); }

  const BookSet& books() const { return books_; }

  SnapshotPoint FixSnapshotPoint();
  // Syncs and stops everything. Idempotent.
  Status Close();

  // --- any thread ---
  uint64_t appended() const { return journal_->appended(); }
  uint64_t durable() const { return journal_->durable(); }
  uint64_t written() const { return journal_->written(); }
  bool failed() const { return journal_->failed(); }
  // Of the journal; ok as long as it accepts entries.
  Status failure() const { return journal_->failure(); }
  // Has everything up to `sequence` made durable; the callback given to StartThreads reports it.
  void RequestDurable(uint64_t sequence) { threads_->RequestDurable(sequence); }
  // The highest sequence that was ever requested to be durable.
  uint64_t durable_requested() const { return threads_ ? threads_->requested() : 0; }
  // One group commit on the calling thread.
  Status SyncNow();
  // Writes what was appended to the segment files, so that readers of files find it.
  Status WriteOut() { return written() < appended() ? journal_->CopyStep() : Status(); }
  // The window's file was removed or cut short: a kill loses what is not written yet.
  bool window_lost() const { return journal_->window_lost(); }
  // Null on the mapped path, and once closed.
  const Window* window() const { return journal_->window(); }
  // The journal's steps, for tests and simulations: they call these instead of starting threads.
  Journal* journal() { return journal_.get(); }
  const Journal* journal() const { return journal_.get(); }

  // Builds and publishes the snapshot of `point`; one at a time (kBusy). `user_state` belongs to
  // the same point. Old snapshots are rotated away if there are more than are kept; `rotation` (or
  // null) says what that found.
  Status BuildSnapshot(const SnapshotPoint& point, std::span<const uint8_t> user_state,
                       SnapshotInfo* info, RotationReport* rotation = nullptr);
  // Keeps the newest `keep` snapshots that verify; reads all of them.
  Status RotateSnapshots(uint64_t keep, RotationReport* report);
  // Releases the segments that no snapshot needs which verifies, if the journal is above its
  // threshold or `force` is given. If no snapshot verifies, nothing is released.
  Status Compact(bool force, CompactionReport* report);

  const std::vector<uint8_t>& recovered_user_state() const { return recovered_user_state_; }
  const EngineOptions& options() const { return options_; }

  void ReadCounters(Counters* counters) const;
  const Histogram& append_ns() const { return append_ns_; }
  // Null before StartThreads.
  const Histogram* sync_ns() const { return threads_ ? &threads_->sync_ns() : nullptr; }
  const Histogram* sync_entries() const { return threads_ ? &threads_->sync_entries() : nullptr; }
  uint64_t entries_appended() const { return journal_->appended() - recovered_sequence_; }
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }
  uint64_t snapshots() const { return snapshots_.load(std::memory_order_relaxed); }
  uint64_t snapshot_failures() const { return snapshot_failures_.load(std::memory_order_relaxed); }
  uint64_t compactions() const { return compactions_.load(std::memory_order_relaxed); }

 private:
  // What the writer's calls do now.
  enum class Mode : uint8_t { kPlain, kTransaction, kClosed };
  static Status Closed();

  Engine(const Environment& environment, const EngineOptions& options)
      : environment_(environment), options_(options) {}

  uint64_t ClockNs();
  uint64_t Stamp(uint64_t timestamp_ns, uint8_t* flags);
  uint64_t StampInTransaction(uint64_t timestamp_ns, uint8_t* flags);
  Code Refused(Code code);
  Code ApplyInTransaction(const Operation& operation, uint64_t timestamp_ns, uint64_t* sequence);
  Code AppendInTransaction(uint8_t user_type, uint16_t instrument, uint64_t timestamp_ns,
                           const uint8_t* payload, uint32_t payload_bytes, uint64_t* sequence);
  Code AppendManyInTransaction(uint8_t user_type, uint16_t instrument, uint64_t timestamp_ns,
                               const uint8_t* payloads, uint32_t payload_bytes,
                               uint64_t stride_bytes, uint64_t count, uint64_t* taken,
                               uint64_t* sequence);
  Code AfterAppend(uint64_t* sequence);
  Code SyncAppended();
  // The first entry that the oldest snapshot which verifies does not cover; 0 if nothing can be
  // released, for the report's reason.
  Status FindKept(bool force, CompactionReport* report, uint64_t* keep_from);
  Status BuildSnapshotLocked(const SnapshotPoint& point, std::span<const uint8_t> user_state,
                             SnapshotInfo* info, RotationReport* rotation);

  const Environment environment_;
  const EngineOptions options_;
  std::unique_ptr<DirectoryLock> lock_;
  BookSet books_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<LiveStatus> live_;
  std::unique_ptr<JournalThreads> threads_;
  std::vector<uint8_t> recovered_user_state_;
  uint64_t recovered_sequence_ = 0;
  StampClock stamps_;
  uint64_t last_stamp_ns_ = 0;
  uint64_t frozen_ns_ = 0;  // 0: not frozen
  bool sync_each_ = false;
  Mode mode_ = Mode::kPlain;
  Transaction transaction_{&books_};
  uint32_t samples_ = 0;
  Histogram append_ns_;

  std::atomic<uint64_t> refused_{0};
  std::atomic<uint64_t> snapshots_{0};
  std::atomic<uint64_t> snapshot_failures_{0};
  std::atomic<uint64_t> compactions_{0};
  std::mutex snapshot_mutex_;    // one snapshot or rotation at a time
  std::mutex compaction_mutex_;  // one compaction at a time
};

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_ENGINE_H_
