// Applies verified entries to the books, in batches: on worker threads where there are some, each
// with instruments of its own, else on the calling thread.
//
// What comes out is that of applying one entry after the other: an instrument's entries keep their
// order; a definition waits until all before it is applied; of several entries that the books
// refuse, the first in the journal counts.
#ifndef PINNACLE_ENGINE_REPLAY_H_
#define PINNACLE_ENGINE_REPLAY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"
#include "journal/format.h"
#include "state/book_set.h"

namespace pinnacle {

class Replay {
 public:
  // Until it is destroyed or drained the books belong to the replay.
  Replay(BookSet* books, unsigned threads);
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  // Takes a whole verified entry, in sequence order. An error is that of an entry put before, or of
  // this one; from then on nothing more is taken.
  Status Put(const EntryHeader& header, const uint8_t* entry, uint64_t entry_bytes);
  // Everything put is applied and last_sequence() is the last's; or the first entry's error.
  Status Drain();
  // Of the entry that the error is about; 0: none.
  uint64_t failed_sequence() const { return failed_sequence_; }

 private:
  class Worker;
  struct Batch {
    std::vector<uint8_t> bytes;
    size_t size = 0;
  };
  struct Failure {
    Status status;
    uint64_t sequence = 0;  // 0: none
  };

  // Small enough for the second-level cache, large enough that handing over costs nothing.
  static constexpr size_t kBatchBytes = 64 * 1024;

  static void PrefetchBehind(const BookSet& books, const Batch& batch, size_t offset);
  static void ApplyBatch(BookSet* books, const Batch& batch, Failure* failure);
  Status Fail(Failure failure);
  Worker* WorkerOf(uint16_t instrument);

  BookSet* const books_;
  std::vector<std::unique_ptr<Worker>> workers_;  // one for each thread; started when needed
  Batch batch_;                                   // where there are no threads
  std::atomic<bool> worker_failed_{false};
  uint64_t last_sequence_ = 0;  // put; 0: none yet
  uint64_t failed_sequence_ = 0;
  Status failure_;
};

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_REPLAY_H_
