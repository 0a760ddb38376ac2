#include "journal/segment_prescan.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/guarded.h"
#include "journal/segment_reader.h"

namespace pinnacle {

SegmentPrescan::SegmentPrescan(FileSystem* file_system, std::vector<Job> jobs, RunProof proof,
                               unsigned threads)
    : file_system_(file_system),
      jobs_(std::move(jobs)),
      proof_(proof),
      outcomes_(jobs_.size()),
      done_(jobs_.size()) {
  const size_t count = std::min<size_t>(threads, jobs_.size());
  threads_.reserve(count);
  // With fewer it takes longer, with none the scan follows the runs itself.
  (void)Guarded([&] {
    while (threads_.size() < count) threads_.emplace_back([this] { Work(); });
    return Status();
  });
}

SegmentPrescan::~SegmentPrescan() {
  stop_.store(true, std::memory_order_relaxed);
  for (std::thread& thread : threads_) thread.join();
}

const SegmentPrescan::Outcome* SegmentPrescan::Of(size_t i, uint64_t expected) {
  if (expected == 0 || jobs_[i].expected != expected || threads_.empty()) return nullptr;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return done_[i]; });
  return &outcomes_[i];
}

void SegmentPrescan::Work() {
  while (!stop_.load(std::memory_order_relaxed)) {
    const size_t i = next_.fetch_add(1, std::memory_order_relaxed);
    if (i >= jobs_.size()) return;
    if (jobs_[i].expected != 0) {
      outcomes_[i].status = Guarded([&] { return Follow(jobs_[i], &outcomes_[i]); });
    }
    {
      std::lock_guard lock(mutex_);
      done_[i] = true;
    }
    changed_.notify_all();
  }
}

Status SegmentPrescan::Follow(const Job& job, Outcome* outcome) {
  std::unique_ptr<File> file;
  PINNACLE_RETURN_IF_ERROR(file_system_->Open(job.path, OpenMode::kRead, &file));
  SegmentReader reader(file.get(), job.segment_bytes, job.seed);
  reader.Seek(kSegmentHeaderBytes);
  Status status =
      FollowRun(&reader, job.expected, proof_, job.transactions, &outcome->run, IgnoreEntries());
  outcome->bytes_read = reader.bytes_read();
  return status;
}

}  // namespace pinnacle
