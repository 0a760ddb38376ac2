#include "engine/replay.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "journal/entry_check.h"
#include "state/operation.h"

namespace pinnacle {

namespace {

constexpr unsigned kMostThreads = 16;
constexpr size_t kBatchesInFlight = 4;
constexpr uint64_t kMostOperationBytes = EntryBytes(kMaxOperationPayload);

}  // namespace

// One thread and the ring of batches that lead to it. The producer fills the batch at `filled_`
// while the thread applies those from `applied_` on.
class Replay::Worker {
 public:
  Worker(BookSet* books, std::atomic<bool>* any_failed) : books_(books), any_failed_(any_failed) {}
  ~Worker() {
    if (!thread_.joinable()) return;
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  // The batch to put entries into.
  Batch& filling() { return batches_[filled_ % kBatchesInFlight]; }

  // Hands the batch over; returns when another is free to be filled.
  void Submit() {
    if (filling().size == 0) return;
    if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
    std::unique_lock lock(mutex_);
    ++filled_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return filled_ - applied_ < kBatchesInFlight; });
    lock.unlock();
    filling().size = 0;
  }

  // What was handed over is applied, or has failed.
  void WaitUntilIdle() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return filled_ == applied_; });
  }

  // After WaitUntilIdle.
  const Failure& failure() const { return failure_; }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return stop_ || filled_ != applied_; });
      if (filled_ == applied_) return;
      const Batch& batch = batches_[applied_ % kBatchesInFlight];
      lock.unlock();
      if (failure_.sequence == 0) {
        ApplyBatch(books_, batch, &failure_);
        if (failure_.sequence != 0) any_failed_->store(true, std::memory_order_relaxed);
      }
      lock.lock();
      ++applied_;
      changed_.notify_all();
    }
  }

  BookSet* const books_;
  std::atomic<bool>* const any_failed_;
  Batch batches_[kBatchesInFlight];
  Failure failure_;  // the thread's until it is idle
  std::thread thread_;
  std::mutex mutex_;  // what follows; `filled_` is changed by the producer alone
  std::condition_variable changed_;
  uint64_t filled_ = 0;
  uint64_t applied_ = 0;
  bool stop_ = false;
};

Replay::Replay(BookSet* books, unsigned threads) : books_(books) {
  for (unsigned i = 0; i < std::min(threads, kMostThreads); ++i) {
    workers_.push_back(std::make_unique<Worker>(books, &worker_failed_));
  }
}

Replay::~Replay() = default;

Replay::Worker* Replay::WorkerOf(uint16_t instrument) {
  return workers_.empty() ? nullptr : workers_[instrument % workers_.size()].get();
}

Status Replay::Put(const EntryHeader& header, const uint8_t* entry, uint64_t entry_bytes) {
  if (failed_sequence_ != 0) return failure_;
  if (worker_failed_.load(std::memory_order_relaxed)) return Drain();
  if (header.type >= static_cast<uint8_t>(EntryType::kFirstUserType)) {
    last_sequence_ = header.sequence;
    return Status();
  }
  if (header.type == static_cast<uint8_t>(EntryType::kInstrument) ||
      entry_bytes > kMostOperationBytes) {
    // A definition changes what the threads look at.
    PINNACLE_RETURN_IF_ERROR(Drain());
    Status status = books_->ApplyEntry(header, entry + sizeof(EntryHeader));
    if (!status.ok()) return Fail({std::move(status), header.sequence});
    last_sequence_ = header.sequence;
    return Status();
  }
  last_sequence_ = header.sequence;
  Worker* worker = WorkerOf(header.instrument);
  Batch& batch = worker != nullptr ? worker->filling() : batch_;
  if (batch.bytes.empty()) batch.bytes.resize(kBatchBytes);
  std::memcpy(batch.bytes.data() + batch.size, entry, entry_bytes);
  batch.size += entry_bytes;
  if (batch.size + kMostOperationBytes <= kBatchBytes) return Status();
  if (worker == nullptr) return Drain();
  worker->Submit();
  return Status();
}

Status Replay::Drain() {
  if (failed_sequence_ != 0) return failure_;
  Failure first;
  if (workers_.empty()) {
    ApplyBatch(books_, batch_, &first);
    batch_.size = 0;
  }
  for (const auto& worker : workers_) worker->Submit();
  for (const auto& worker : workers_) {
    worker->WaitUntilIdle();
    const Failure& failure = worker->failure();
    if (failure.sequence == 0) continue;
    if (first.sequence == 0 || failure.sequence < first.sequence) first = failure;
  }
  if (first.sequence != 0) return Fail(std::move(first));
  if (last_sequence_ != 0) books_->Skip(last_sequence_);
  return Status();
}

Status Replay::Fail(Failure failure) {
  failure_ = std::move(failure.status);
  failed_sequence_ = failure.sequence;
  books_->Skip(failed_sequence_ - 1);
  return failure_;
}

// Most entries have one line. Where one has two, what is taken for an entry is none, which does no
// harm.
void Replay::PrefetchBehind(const BookSet& books, const Batch& batch, size_t offset) {
  constexpr size_t kStep = BookSet::kPrefetchDistance * kLineBytes;
  for (size_t stage = 0; stage < BookSet::kPrefetchStages; ++stage) {
    const size_t ahead = offset + (BookSet::kPrefetchStages - stage) * kStep;
    if (ahead + kMostOperationBytes > batch.size) continue;
    const uint8_t* entry = batch.bytes.data() + ahead;
    Operation operation;
    DecodeOperation(LoadHeader(entry), entry + sizeof(EntryHeader), &operation);
    books.Prefetch(operation, stage);
  }
}

void Replay::ApplyBatch(BookSet* books, const Batch& batch, Failure* failure) {
  for (size_t offset = 0; offset < batch.size;) {
    const uint8_t* entry = batch.bytes.data() + offset;
    const EntryHeader header = LoadHeader(entry);
    if (books->PrefetchPays(header.instrument)) PrefetchBehind(*books, batch, offset);
    Status status = books->ApplyOperationEntry(header, entry + sizeof(EntryHeader));
    if (!status.ok()) {
      *failure = {std::move(status), header.sequence};
      return;
    }
    offset += EntryBytes(header.payload_bytes);
  }
}

}  // namespace pinnacle
