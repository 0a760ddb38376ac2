#include "backup/read_back_thread.h"

#include <algorithm>

#include "base/guarded.h"

namespace pinnacle {

ReadBackThread::ReadBackThread(FileSystem* fs, const WorkControl& control)
    : file_system_(fs), quiet_{nullptr, control.given_up, nullptr, control.piece_bytes} {}

ReadBackThread::~ReadBackThread() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting_.clear();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ReadBackThread::Start() {
  if (thread_.joinable()) return;
  (void)Guarded([this] {
    thread_ = std::thread([this] {
      (void)Guarded([this] {
        Run();
        return Status();
      });
      std::lock_guard lock(mutex_);
      has_ended_ = true;
      changed_.notify_all();
    });
    return Status();
  });
}

void ReadBackThread::Add(const std::string& directory, const ManifestFile& file) {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    waiting_.push_back({directory, file});
  }
  changed_.notify_all();
}

void ReadBackThread::Forget(const ManifestFile& file) {
  const std::string name = NameOf(file);
  std::lock_guard lock(mutex_);
  std::erase_if(waiting_, [&](const Job& job) { return NameOf(job.file) == name; });
  std::erase(confirmed_, name);
  if (reading_ == name) is_forgotten_ = true;
}

std::vector<std::string> ReadBackThread::Confirmed() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] {
    return !thread_.joinable() || has_ended_ || (waiting_.empty() && reading_.empty());
  });
  return confirmed_;
}

void ReadBackThread::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const Job job = std::move(waiting_.front());
    waiting_.pop_front();
    reading_ = NameOf(job.file);
    is_forgotten_ = false;
    lock.unlock();
    const bool matches = Matches(job);
    lock.lock();
    if (matches && !is_forgotten_) confirmed_.push_back(reading_);
    reading_.clear();
    changed_.notify_all();
  }
}

bool ReadBackThread::Matches(const Job& job) const {
  uint32_t checksum = 0;
  uint64_t bytes = 0;
  const Status status = Guarded([&] {
    PhaseProgress progress(quiet_, "verify", job.file.bytes);
    return Copier(file_system_, &progress)
        .ChecksumOnDevice(job.directory + "/" + NameOf(job.file), &checksum, &bytes);
  });
  return status.ok() && bytes == job.file.bytes && checksum == job.file.checksum;
}

}  // namespace pinnacle
