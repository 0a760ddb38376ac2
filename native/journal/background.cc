#include "journal/background.h"

#include <algorithm>
#include <utility>

namespace pinnacle {

namespace {

using std::chrono::milliseconds;

// How far ahead of the writer pages are kept present: eight times what it wrote since the last
// look, within these bounds. The lower one keeps a slow writer from having zero pages written back
// for it.
constexpr uint64_t kMinWindowBytes = 64 * 1024;
constexpr uint64_t kMaxWindowBytes = 16 * 1024 * 1024;

// A writer that fills a segment within this time gets its next one present as a whole; for a slower
// one the kernel would write the untouched pages back before they are used.
constexpr double kFastFillSeconds = 15;

constexpr milliseconds kBusyPoll{1};
constexpr milliseconds kIdlePoll{10};
constexpr milliseconds kErrorPoll{200};

}  // namespace

JournalThreads::JournalThreads(Journal* journal, Clock* clock,
                               std::chrono::nanoseconds sync_interval, OnSync on_sync)
    : journal_(journal),
      clock_(clock),
      sync_interval_(sync_interval),
      on_sync_(std::move(on_sync)),
      sync_thread_([this] { RunSync(); }),
      supply_thread_([this] { RunSupply(); }) {}

void JournalThreads::RequestDurable(uint64_t sequence) {
  {
    std::lock_guard lock(mutex_);
    requested_ = std::max(requested_, sequence);
  }
  sync_wanted_.notify_one();
}

Status JournalThreads::SyncOnce() {
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

Status JournalThreads::SyncNow() { return SyncOnce(); }

void JournalThreads::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  sync_wanted_.notify_all();
  stop_wanted_.notify_all();
  if (sync_thread_.joinable()) sync_thread_.join();
  if (supply_thread_.joinable()) supply_thread_.join();
}

void JournalThreads::RunSync() {
  std::unique_lock lock(mutex_);
  uint64_t answered = journal_->durable();
  while (!stopping_) {
    const auto wanted = [&] { return stopping_ || requested_ > answered; };
    if (sync_interval_.count() > 0) {
      sync_wanted_.wait_for(lock, sync_interval_, wanted);
    } else {
      sync_wanted_.wait(lock, wanted);
    }
    if (stopping_) return;
    if (requested_ <= answered && journal_->appended() == journal_->durable()) continue;
    lock.unlock();
    const Status status = SyncOnce();
    const uint64_t durable = journal_->durable();
    on_sync_(durable, status);
    lock.lock();
    if (!status.ok()) {
      // Failed for good. Requests from now on are answered at once by the owner, which sees
      // failed().
      stop_wanted_.notify_all();
      return;
    }
    answered = durable;
  }
}

void JournalThreads::RunSupply() {
  uint64_t bytes_seen = journal_->bytes_appended();
  uint64_t segment_start_ns = clock_->MonotonicNs();
  uint64_t segment_index = journal_->segment_index();
  milliseconds pause = kBusyPoll;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    bool trouble = false;
    // A failure is no news yet: the append that needs the segment tries again itself and reports
    // it.
    if (!journal_->next_segment_ready() && !journal_->failed()) {
      const uint64_t now_ns = clock_->MonotonicNs();
      const bool fast = journal_->segment_index() != segment_index &&
                        static_cast<double>(now_ns - segment_start_ns) < kFastFillSeconds * 1e9;
      segment_index = journal_->segment_index();
      segment_start_ns = now_ns;
      trouble = !journal_->PrepareStep(fast ? UINT64_MAX : SegmentSupply::kFirstPrefaultBytes).ok();
    }
    const uint64_t bytes = journal_->bytes_appended();
    const uint64_t advanced = bytes - bytes_seen;
    bytes_seen = bytes;
    const uint64_t window = std::clamp(advanced * 8, kMinWindowBytes, kMaxWindowBytes);
    prefaulted_bytes_.fetch_add(journal_->PrefaultStep(window), std::memory_order_relaxed);
    if (trouble) {
      pause = kErrorPoll;
    } else if (advanced > 0) {
      pause = kBusyPoll;
    } else {
      pause = std::min(pause * 2, kIdlePoll);
    }
    lock.lock();
    stop_wanted_.wait_for(lock, pause, [&] { return stopping_; });
  }
}

}  // namespace pinnacle
