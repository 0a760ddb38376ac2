// The journal's threads: one copies what was appended from the window to the files, one syncs
// (group commit and the interval), one keeps the next segment ready and touches memory ahead of the
// writer. All they do is call the journal's steps. On the mapped path nothing is copied.
//
// What keeps them out of each other's way:
// - Copying never waits for a sync, nor a sync for copying: what a sync needs it writes itself.
// - The sync thread spins for the next request for a moment before it sleeps, if requests have been
//   coming that fast: waking a thread takes as long as a good device takes to sync.
#ifndef PINNACLE_JOURNAL_BACKGROUND_H_
#define PINNACLE_JOURNAL_BACKGROUND_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include "base/histogram.h"
#include "journal/journal.h"
#include "platform/thread_affinity.h"

namespace pinnacle {

class JournalThreads {
 public:
  // Called on the sync thread after every sync, with the durable frontier or the failure. The last
  // call has a failure or comes before Stop returns.
  using OnSync = std::function<void(uint64_t durable, const Status& status)>;
  // Called on the supply thread every few milliseconds, with the monotonic time.
  using OnBeat = std::function<void(uint64_t monotonic_ns)>;

  // `sync_interval` of zero: syncs only when asked to. The threads run on `cpus`, which
  // CheckThreadAffinity accepted; empty: anywhere. `journal` and `clock` outlive the object. No
  // thread runs before Start.
  JournalThreads(Journal* journal, Clock* clock, std::chrono::nanoseconds sync_interval,
                 CpuList cpus, OnSync on_sync, OnBeat on_beat = nullptr);
  ~JournalThreads() { Stop(); }
  JournalThreads(const JournalThreads&) = delete;
  JournalThreads& operator=(const JournalThreads&) = delete;

  // Once. kTooManyThreads if the system can't start them all; none runs then.
  Status Start();
  // Asks for a sync that covers `sequence`; OnSync reports it. Callable from any thread.
  void RequestDurable(uint64_t sequence);
  // Syncs on the calling thread and records it like the others.
  Status SyncNow();
  // Waits for the threads to end. Idempotent.
  void Stop();

  // The highest sequence that was requested to be durable.
  uint64_t requested() const { return requested_.load(std::memory_order_relaxed); }
  uint64_t syncs() const { return sync_ns_.count(); }
  uint64_t sync_failures() const { return sync_failures_.load(std::memory_order_relaxed); }
  uint64_t touched_bytes() const { return touched_bytes_.load(std::memory_order_relaxed); }
  const Histogram& sync_ns() const { return sync_ns_; }
  const Histogram& sync_entries() const { return sync_entries_; }

 private:
  bool HasInterval() const { return sync_interval_.count() > 0; }
  void RunSync();
  bool AwaitWork(std::unique_lock<std::mutex>* lock, uint64_t answered);
  bool SpinForRequest(uint64_t answered) const;
  void RunSupply();
  void RunCopy();

  Journal* const journal_;
  Clock* const clock_;
  const std::chrono::nanoseconds sync_interval_;
  const CpuList cpus_;
  const OnSync on_sync_;
  const OnBeat on_beat_;

  std::mutex mutex_;
  std::condition_variable sync_wanted_;
  // Of the other two, so that the sync thread never waits for them nor wakes them.
  std::mutex supply_mutex_;
  std::condition_variable stop_wanted_;
  std::atomic<uint64_t> requested_{0};  // written under mutex_
  std::atomic<bool> stopping_{false};   // written under both mutexes
  // Of the sync thread: whether the last request came soon enough after the answer before it to
  // spin for the next.
  bool spins_ = false;
  std::atomic<bool> spinning_{false};

  std::mutex record_mutex_;  // SyncNow and the sync thread both record
  Histogram sync_ns_;
  Histogram sync_entries_;
  std::atomic<uint64_t> sync_failures_{0};
  std::atomic<uint64_t> touched_bytes_{0};

  std::thread sync_thread_;
  std::thread supply_thread_;
  std::thread copy_thread_;
};

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_BACKGROUND_H_
