#include "engine/replay.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/guarded.h"
#include "journal/entry_check.h"
#include "journal/segment_reader.h"
#include "state/operation.h"

namespace pinnacle {

namespace {

constexpr unsigned kMostThreads = 16;
constexpr std::chrono::microseconds kSpin{50};
constexpr uint64_t kMostOperationBytes = EntryBytes(kMaxOperationPayload);
// Assumes entries of one line; after a longer one the guess is wrong, which is harmless.
constexpr uint64_t kPrefetchStep = BookSet::kPrefetchDistance * kLineBytes;

// For the operations that follow `entry`, of which `bytes_ahead` can be read, entry's own bytes
// included. `mine(header)`: whether an entry's book may be looked at.
template <typename Mine>
void PrefetchFollowing(const BookSet& books, const uint8_t* entry, uint64_t bytes_ahead,
                       Mine mine) {
  for (size_t stage = 0; stage < BookSet::kPrefetchStages; ++stage) {
    const uint64_t distance = (BookSet::kPrefetchStages - stage) * kPrefetchStep;
    if (distance + kMostOperationBytes > bytes_ahead) continue;
    const uint8_t* ahead = entry + distance;
    const EntryHeader header = LoadHeader(ahead);
    if (!mine(header)) continue;
    Operation operation;
    DecodeOperation(header, ahead + sizeof(EntryHeader), &operation);
    books.Prefetch(operation, stage);
  }
}

}  // namespace

template <typename Change>
void Replay::Notify(Change change) {
  {
    std::lock_guard lock(mutex_);  // a thread about to sleep sees the change
    change();
  }
  changed_.notify_all();
}

template <typename Ready>
void Replay::SpinThenWait(Ready ready) {
  const auto until = std::chrono::steady_clock::now() + kSpin;
  while (!ready()) {
    if (std::chrono::steady_clock::now() < until) continue;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, ready);
  }
}

// One thread; it applies the operations of every active_-th instrument.
class Replay::Worker {
 public:
  Worker(Replay* replay, unsigned index) : replay_(replay), index_(index) {}
  ~Worker() {
    if (thread_.joinable()) thread_.join();
  }

  // With all idle: from the next stretch on. False if no thread is available.
  bool Begin(uint64_t published) {
    done_.store(published, std::memory_order_release);
    if (thread_.joinable()) return true;
    return Guarded([this] {
             thread_ = std::thread([this] { Run(); });
             return Status();
           })
        .ok();
  }

  uint64_t done() const { return done_.load(std::memory_order_acquire); }
  // Once it is idle.
  const Failure& failure() const { return failure_; }

 private:
  void Run() {
    while (true) {
      replay_->SpinThenWait([this] { return replay_->stop_ || HasWork(); });
      if (replay_->stop_) return;
      if (failure_.sequence == 0) {
        const Stretch& stretch = replay_->stretches_[done() % kStretchesInFlight];
        Status status = Guarded([&] {
          Apply(stretch);
          return Status();
        });
        if (!status.ok()) failure_ = {std::move(status), stretch.first_sequence};
        if (failure_.sequence != 0) replay_->worker_failed_ = true;
      }
      replay_->Notify([this] { done_.fetch_add(1, std::memory_order_release); });
    }
  }

  bool HasWork() const {
    const uint64_t published = replay_->published_.load(std::memory_order_acquire);
    return index_ < replay_->active_ && done() != published;
  }

  bool IsMine(const EntryHeader& header) const { return header.instrument % active_ == index_; }

  void Apply(const Stretch& stretch) {
    active_ = replay_->active_;
    if (Status status = MoveTo(stretch); !status.ok()) {
      failure_ = {std::move(status), stretch.first_sequence};
      return;
    }
    while (reader_->offset() < stretch.end) {
      uint64_t bytes = kLineBytes;
      const uint8_t* entry = reader_->NextLine();
      if (entry == nullptr) {
        EntryCheck check{};
        Status status = reader_->Next(&check, &entry);
        if (status.ok() && check.state != EntryState::kValid) {
          status =
              Status(Code::kIo, stretch.path + " at offset " + std::to_string(reader_->offset()) +
                                    " returned different bytes on a second read; check the device");
        }
        if (!status.ok()) {
          failure_ = {std::move(status), stretch.first_sequence};
          return;
        }
        bytes = check.bytes;
      }
      const EntryHeader header = LoadHeader(entry);
      if (!ChangesNoBook(header) && IsMine(header)) {
        if (books_->PrefetchPays(header.instrument)) {
          // (Other instruments' books are other threads'.)
          PrefetchFollowing(*books_, entry, reader_->bytes_ahead(),
                            [this](const EntryHeader& ahead) { return IsMine(ahead); });
        }
        Status status = books_->ApplyOperationEntry(header, entry + sizeof(EntryHeader));
        if (!status.ok()) {
          failure_ = {std::move(status), header.sequence};
          return;
        }
      }
      reader_->Advance(bytes);
    }
  }

  Status MoveTo(const Stretch& stretch) {
    if (path_ != stretch.path) {
      reader_.reset();
      PINNACLE_RETURN_IF_ERROR(replay_->file_system_->Open(stretch.path, OpenMode::kRead, &file_));
      path_ = stretch.path;
      reader_ = std::make_unique<SegmentReader>(file_.get(), stretch.segment_bytes, stretch.seed);
    }
    if (reader_->offset() != stretch.begin) reader_->Seek(stretch.begin);
    return Status();
  }

  Replay* const replay_;
  BookSet* const books_ = replay_->books_;
  const unsigned index_;
  unsigned active_ = 0;                        // of the replay, for the stretch that is applied
  alignas(64) std::atomic<uint64_t> done_{0};  // stretches
  Failure failure_;                            // the thread's until it is idle
  std::string path_;
  std::unique_ptr<File> file_;
  std::unique_ptr<SegmentReader> reader_;
  std::thread thread_;
};

Replay::Replay(FileSystem* file_system, BookSet* books, unsigned threads)
    : file_system_(file_system), books_(books) {
  for (unsigned i = 0; i < std::min(threads, kMostThreads); ++i) {
    workers_.push_back(std::make_unique<Worker>(this, i));
  }
  Activate();
}

Replay::~Replay() {
  Notify([this] { stop_ = true; });
  workers_.clear();
}

// As many threads as have work and can be had; none for a single instrument: a thread would gain
// less than it costs. All are idle.
void Replay::Activate() {
  const uint32_t instruments = books_->instrument_count();
  unsigned wanted =
      instruments < 2 ? 0 : std::min(static_cast<unsigned>(workers_.size()), instruments);
  if (wanted == active_) return;
  // In this order: a worker that has become active must not look at stretches from before.
  for (unsigned i = 0; i < wanted; ++i) {
    if (!workers_[i]->Begin(published_)) wanted = i;
  }
  active_.store(wanted, std::memory_order_release);
}

Status Replay::Put(const EntryView& entry) {
  const EntryHeader& header = entry.header;
  if (failed_sequence_ != 0) return failure_;
  if (worker_failed_.load(std::memory_order_relaxed)) return Drain();
  if (IsDefinition(header)) return PutDefinition(entry);
  last_sequence_ = header.sequence;
  if (active_ != 0) {
    Extend(entry);
    return Status();
  }
  if (ChangesNoBook(header)) return Status();
  if (books_->PrefetchPays(header.instrument)) {
    PrefetchFollowing(*books_, entry.bytes.data(), entry.place.bytes_ahead,
                      [](const EntryHeader&) { return true; });
  }
  Status status = books_->ApplyOperationEntry(header, entry.payload());
  return status.ok() ? status : Fail({std::move(status), header.sequence});
}

// A definition changes what the threads look at.
Status Replay::PutDefinition(const EntryView& entry) {
  PINNACLE_RETURN_IF_ERROR(Drain());
  Status status = books_->ApplyEntry(entry.header, entry.payload());
  if (!status.ok()) return Fail({std::move(status), entry.header.sequence});
  last_sequence_ = entry.header.sequence;
  Activate();
  return Status();
}

void Replay::Extend(const EntryView& entry) {
  const EntryPlace& place = entry.place;
  if (stretch_.end != place.offset || stretch_.path != place.segment->file.path) {
    Publish();
    stretch_ = {place.segment->file.path,
                place.segment->header.segment_bytes,
                SeedOfSegment(place.segment->header.segment_id),
                place.offset,
                place.offset,
                entry.header.sequence};
  }
  stretch_.end += entry.bytes.size();
  if (stretch_.end - stretch_.begin >= kStretchBytes) Publish();
}

void Replay::Publish() {
  if (stretch_.begin == stretch_.end) return;
  SpinThenWait([this] { return MaxLag() < kStretchesInFlight; });
  stretches_[published_ % kStretchesInFlight] = stretch_;
  Notify([this] { published_.fetch_add(1, std::memory_order_release); });
  stretch_.begin = stretch_.end;
  stretch_.first_sequence = last_sequence_ + 1;
}

uint64_t Replay::MaxLag() const {
  uint64_t most = 0;
  for (unsigned i = 0; i < active_; ++i) {
    most = std::max(most, published_.load(std::memory_order_acquire) - workers_[i]->done());
  }
  return most;
}

Status Replay::Drain() {
  if (failed_sequence_ != 0) return failure_;
  Failure first;
  Publish();
  SpinThenWait([this] { return MaxLag() == 0; });
  for (unsigned i = 0; i < active_; ++i) {
    const Failure& failure = workers_[i]->failure();
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

}  // namespace pinnacle
