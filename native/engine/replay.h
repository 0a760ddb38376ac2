// Applies verified entries to the books: on the calling thread or, with several instruments and
// available threads, on these, each with instruments of its own.
//
// The result is that of applying one entry after the other: an instrument's entries keep their
// order; a definition waits until all before it is applied; of several entries that the books
// refuse, the first in the journal counts.
//
// The threads get stretches of segments, not entries, and each reads and verifies its stretches
// again: that is a small part of applying, and bytes that one core has just written cost
// another more than bytes that all share.
#ifndef PINNACLE_ENGINE_REPLAY_H_
#define PINNACLE_ENGINE_REPLAY_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "journal/format.h"
#include "journal/scan.h"
#include "platform/file_system.h"
#include "state/book_set.h"

namespace pinnacle {

class Replay {
 public:
  // Until it is destroyed or drained the books belong to the replay.
  Replay(FileSystem* file_system, BookSet* books, unsigned threads);
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  // Takes a whole verified entry, in sequence order. An error is that of an entry put before, or of
  // this one; from then on Put accepts no entry.
  Status Put(const EntryView& entry);
  // Everything put is applied and last_sequence() is the last's; or the first entry's error.
  Status Drain();
  // The sequence of the entry that the error is about; 0: none.
  uint64_t failed_sequence() const { return failed_sequence_; }

 private:
  class Worker;
  // Consecutive entries of one segment, no definition among them.
  struct Stretch {
    std::string path;
    uint64_t segment_bytes = 0;
    uint32_t seed = 0;
    uint64_t begin = 0;
    uint64_t end = 0;
    uint64_t first_sequence = 0;
  };
  struct Failure {
    Status status;
    uint64_t sequence = 0;  // 0: none
  };

  // Small enough for the second-level cache, large enough that starting on one costs nothing.
  static constexpr uint64_t kStretchBytes = 256 * 1024;
  // How many stretches a thread may lag, so that re-reads still hit the page cache.
  static constexpr uint64_t kStretchesInFlight = 64;

  Status PutDefinition(const EntryView& entry);
  void Extend(const EntryView& entry);
  void Publish();
  void Activate();
  uint64_t MaxLag() const;
  Status Fail(Failure failure);

  // Each side spins for a moment before it sleeps: waking a thread may take as long as the work
  // that it is woken for.
  template <typename Change>
  void Notify(Change change);
  template <typename Ready>
  void SpinThenWait(Ready ready);

  // Read by the threads; kept off the cache line that is written for every entry.
  FileSystem* const file_system_;
  BookSet* const books_;
  // Of the workers: no more than there are instruments. Changed while all are idle.
  std::atomic<unsigned> active_{0};
  Stretch stretches_[kStretchesInFlight];
  std::mutex mutex_;  // the three that follow are changed under it, and the workers' counts
  std::condition_variable changed_;
  std::atomic<uint64_t> published_{0};  // stretches
  std::atomic<bool> stop_{false};
  std::atomic<bool> worker_failed_{false};

  std::vector<std::unique_ptr<Worker>> workers_;

  alignas(64) Stretch stretch_;  // what grows; empty if begin is end
  uint64_t last_sequence_ = 0;   // put; 0: none yet
  uint64_t failed_sequence_ = 0;
  Status failure_;
};

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_REPLAY_H_
