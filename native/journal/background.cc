#include "journal/background.h"

#include <algorithm>
#include <utility>

#include "base/guarded.h"
#include "platform/shared_wait.h"

namespace pinnacle {

namespace {

using std::chrono::milliseconds;

// How far ahead of the writer pages are kept present: what it writes in this time at the fastest
// that was seen lately, within these bounds. The lower one keeps a slow writer from having zero
// pages written back for it.
constexpr double kAheadMs = 250;
constexpr uint64_t kMinAheadBytes = 64 * 1024;
constexpr uint64_t kMaxAheadBytes = 32 * 1024 * 1024;

// A writer that comes in bursts finds the next one prepared for: at idle looks its rate is
// remembered for some seconds.
constexpr double kRateKeptPerLook = 511.0 / 512;

// Made present at a time. The writer may pass a longer step while it runs.
constexpr uint64_t kTouchStepBytes = 1024 * 1024;

// How long a failure of the journal may go unreported if no sync of this thread met it: one in an
// append, a roll or a compaction wakes no thread.
constexpr milliseconds kFailureLook{100};

// How long the sync thread spins for another request before it sleeps.
constexpr uint64_t kSpinNs = 200'000;

const bool kHasSpareProcessor = std::thread::hardware_concurrency() > 1;

// How often the copying thread looks. What a container that is killed with its memory can lose was
// appended in the last one of these times. It is more than the 200 us for which KVM's hosts poll
// before they let a halted processor go (halt_poll_ns): a thread that sleeps for less keeps the
// host's processor busy, and a machine whose time is limited then pauses for milliseconds, the
// writer included (measured: 8 ms at 200 us, 0.6 ms at 250).
// https://docs.kernel.org/virt/kvm/halt-polling.html
constexpr std::chrono::microseconds kCopyPoll{300};
// While a follower spins.
constexpr std::chrono::microseconds kHurriedCopyPoll{20};
// After a while without an entry.
constexpr std::chrono::microseconds kIdleCopyPoll{1000};
constexpr int kLooksUntilIdle = 5000;

constexpr milliseconds kBusyPoll{1};
constexpr milliseconds kIdlePoll{10};
constexpr milliseconds kErrorPoll{200};

}  // namespace

JournalThreads::JournalThreads(Journal* journal, Clock* clock,
                               std::chrono::nanoseconds sync_interval, CpuList cpus, OnSync on_sync,
                               OnBeat on_beat)
    : journal_(journal),
      clock_(clock),
      sync_interval_(sync_interval),
      cpus_(std::move(cpus)),
      on_sync_(std::move(on_sync)),
      on_beat_(std::move(on_beat)) {}

Status JournalThreads::Start() {
  Status status = Guarded([this] {
    sync_thread_ = std::thread([this] {
      SetThreadAffinity(cpus_);
      RunSync();
    });
    supply_thread_ = std::thread([this] {
      SetThreadAffinity(cpus_);
      RunSupply();
    });
    if (journal_->window() != nullptr) {
      copy_thread_ = std::thread([this] {
        SetThreadAffinity(cpus_);
        RunCopy();
      });
    }
    return Status();
  });
  if (!status.ok()) Stop();
  return std::move(status).WithContext("starting the journal's background threads");
}

void JournalThreads::RequestDurable(uint64_t sequence) {
  {
    std::lock_guard lock(mutex_);
    if (sequence > requested_.load(std::memory_order_relaxed)) {
      requested_.store(sequence, std::memory_order_release);
    }
  }
  // A thread that spins sees it by itself. (One that has just ended spinning takes the mutex and
  // looks again before it sleeps.)
  if (!spinning_.load(std::memory_order_acquire)) sync_wanted_.notify_one();
}

Status JournalThreads::SyncNow() {
  const uint64_t before = journal_->durable();
  const uint64_t start_ns = clock_->MonotonicNs();
  Status status = journal_->Flush();
  const uint64_t duration_ns = clock_->MonotonicNs() - start_ns;
  std::lock_guard lock(record_mutex_);
  if (!status.ok()) {
    sync_failures_.fetch_add(1, std::memory_order_relaxed);
    return status;
  }
  const uint64_t after = journal_->durable();
  if (after > before) {
    sync_ns_.Record(duration_ns);
    sync_entries_.Record(after - before);
  }
  return status;
}

void JournalThreads::Stop() {
  {
    std::scoped_lock lock(mutex_, supply_mutex_);
    stopping_ = true;
  }
  sync_wanted_.notify_all();
  stop_wanted_.notify_all();
  if (sync_thread_.joinable()) sync_thread_.join();
  if (supply_thread_.joinable()) supply_thread_.join();
  if (copy_thread_.joinable()) copy_thread_.join();
}

// Spins; the mutex is not held. The processor that it takes would be idle otherwise: the thread
// that waits for the sync sleeps.
bool JournalThreads::SpinForRequest(uint64_t answered) const {
  const uint64_t start_ns = clock_->MonotonicNs();
  do {
    for (int i = 0; i < 32; ++i) {
      if (requested_.load(std::memory_order_acquire) > answered) return true;
      if (stopping_.load(std::memory_order_relaxed)) return true;
    }
  } while (clock_->MonotonicNs() - start_ns < kSpinNs);
  return false;
}

// Returns when there is something to do, or the interval has passed.
bool JournalThreads::AwaitWork(std::unique_lock<std::mutex>* lock, uint64_t answered) {
  // If the journal failed on another thread, the next sync is refused and reports it.
  const auto wanted = [&] { return stopping_ || requested_ > answered || journal_->failed(); };
  if (wanted()) return true;
  const uint64_t start_ns = clock_->MonotonicNs();
  if (spins_ && kHasSpareProcessor) {
    spinning_.store(true, std::memory_order_release);
    lock->unlock();
    (void)SpinForRequest(answered);
    lock->lock();
    spinning_.store(false, std::memory_order_release);
  }
  sync_wanted_.wait_for(
      *lock, HasInterval() ? sync_interval_ : std::chrono::nanoseconds(kFailureLook), wanted);
  const bool asked = wanted();
  spins_ = asked && clock_->MonotonicNs() - start_ns < kSpinNs;
  return asked;
}

void JournalThreads::RunSync() {
  std::unique_lock lock(mutex_);
  // The requests made before the last reported sync. (Not what that sync made durable: a request
  // may come beside it, for entries that another thread has synced, and needs a report as well.)
  uint64_t answered = 0;
  bool window_loss_told = false;
  while (!stopping_) {
    const bool asked = AwaitWork(&lock, answered);
    if (stopping_) return;
    const bool due = HasInterval() && journal_->appended() != journal_->durable();
    if (!asked && !due && !journal_->HasManyUnsynced()) {
      (void)Guarded([this] { return journal_->MarkStep(); });  // its failure is the journal's
      // Another thread's sync may have found it.
      if (journal_->window_lost() && !std::exchange(window_loss_told, true)) {
        lock.unlock();
        on_sync_(journal_->durable(), Status());
        lock.lock();
      }
      continue;
    }
    const uint64_t answering = requested_;
    lock.unlock();
    const Status status = SyncNow();
    const uint64_t durable = journal_->durable();
    on_sync_(durable, status);
    lock.lock();
    if (!status.ok()) {
      // Failed for good. Requests from now on are answered at once by the owner, which sees
      // failed().
      return;
    }
    answered = answering;
  }
}

// At ordinary priority, unlike snapshots: whatever keeps this thread waiting keeps the writer
// waiting next.
void JournalThreads::RunSupply() {
  uint64_t bytes_seen = journal_->bytes_appended();
  uint64_t look_ns = clock_->MonotonicNs();
  double bytes_per_ms = 0;
  milliseconds pause = kBusyPoll;
  std::unique_lock lock(supply_mutex_);
  while (!stopping_) {
    lock.unlock();
    bool trouble = false;
    // A failure needs no report yet, unless it is the journal's: the append that needs the segment
    // tries again itself and reports it.
    if (!journal_->next_segment_ready() && !journal_->failed()) {
      trouble = !Guarded([this] { return journal_->PrepareStep(); }).ok();
      if (trouble && journal_->failed()) sync_wanted_.notify_one();
    }
    const uint64_t bytes = journal_->bytes_appended();
    const uint64_t advanced = bytes - bytes_seen;
    bytes_seen = bytes;
    const uint64_t now_ns = clock_->MonotonicNs();
    const double elapsed_ms = static_cast<double>(std::max<uint64_t>(now_ns - look_ns, 1)) / 1e6;
    look_ns = now_ns;
    if (on_beat_) on_beat_(now_ns);
    bytes_per_ms =
        std::max(static_cast<double>(advanced) / elapsed_ms, bytes_per_ms * kRateKeptPerLook);
    const uint64_t ahead =
        std::clamp(static_cast<uint64_t>(std::min(bytes_per_ms * kAheadMs, 1e12)), kMinAheadBytes,
                   kMaxAheadBytes);
    // Its failure is the journal's, and the sync thread tells of that.
    if (!Guarded([this] { return journal_->FillStep(); }).ok()) sync_wanted_.notify_one();
    const uint64_t touched = journal_->TouchStep(ahead, kTouchStepBytes);
    touched_bytes_.fetch_add(touched, std::memory_order_relaxed);
    if (trouble) {
      pause = kErrorPoll;
    } else if (touched == kTouchStepBytes) {
      pause = milliseconds(0);  // there is more to do
    } else if (advanced > 0) {
      pause = kBusyPoll;
    } else {
      pause = std::clamp(pause * 2, kBusyPoll, kIdlePoll);
    }
    lock.lock();
    stop_wanted_.wait_for(lock, pause, [&] { return stopping_.load(); });
  }
}

void JournalThreads::RunCopy() {
  SharpenSleeps();
  int idle_looks = 0;
  std::unique_lock lock(supply_mutex_);
  while (!stopping_) {
    const auto pause = journal_->IsHurried()          ? kHurriedCopyPoll
                       : idle_looks < kLooksUntilIdle ? kCopyPoll
                                                      : kIdleCopyPoll;
    if (stop_wanted_.wait_for(lock, pause, [&] { return stopping_.load(); })) return;
    if (journal_->written() == journal_->appended()) {
      idle_looks = std::min(idle_looks + 1, kLooksUntilIdle);
      continue;
    }
    idle_looks = 0;
    lock.unlock();
    const Status status = journal_->CopyUnlessBusy();
    lock.lock();
    if (status.ok()) continue;
    sync_wanted_.notify_one();  // that thread tells of the failure
    return;
  }
}

}  // namespace pinnacle
