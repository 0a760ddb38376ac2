#include "journal/runs_ahead.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "journal/segment_reader.h"

namespace pinnacle {

RunsAhead::RunsAhead(FileSystem* file_system, std::vector<Job> jobs, RunProof proof,
                     unsigned threads)
    : file_system_(file_system),
      jobs_(std::move(jobs)),
      proof_(proof),
      outcomes_(jobs_.size()),
      done_(jobs_.size()) {
  const size_t count = std::min<size_t>(threads, jobs_.size());
  for (size_t i = 0; i < count; ++i) threads_.emplace_back([this] { Work(); });
}

RunsAhead::~RunsAhead() {
  stop_.store(true, std::memory_order_relaxed);
  for (std::thread& thread : threads_) thread.join();
}

const RunsAhead::Outcome* RunsAhead::Of(size_t i, uint64_t expected) {
  if (expected == 0 || jobs_[i].expected != expected) return nullptr;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return done_[i]; });
  return &outcomes_[i];
}

void RunsAhead::Work() {
  while (!stop_.load(std::memory_order_relaxed)) {
    const size_t i = next_.fetch_add(1, std::memory_order_relaxed);
    if (i >= jobs_.size()) return;
    if (jobs_[i].expected != 0) Follow(jobs_[i], &outcomes_[i]);
    {
      std::lock_guard lock(mutex_);
      done_[i] = true;
    }
    changed_.notify_all();
  }
}

void RunsAhead::Follow(const Job& job, Outcome* outcome) {
  std::unique_ptr<File> file;
  outcome->status = file_system_->Open(job.path, OpenMode::kRead, &file);
  if (!outcome->status.ok()) return;
  SegmentReader reader(file.get(), job.segment_bytes, job.seed);
  reader.Seek(kSegmentHeaderBytes);
  outcome->status = FollowRun(&reader, job.expected, proof_, &outcome->run, IgnoreEntries());
  outcome->bytes_read = reader.bytes_read();
}

}  // namespace pinnacle
