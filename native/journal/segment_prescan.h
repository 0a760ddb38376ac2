// Follows the runs of many segments at once, on threads of its own, for a scan that visits no
// entries: verifying is then as fast as all cores together. A run depends on its file and on the
// first sequence expected in it, and on nothing else; so if the scan comes to a segment with the
// expectation that its run was followed with, the run is what the scan would find.
#ifndef PINNACLE_JOURNAL_SEGMENT_PRESCAN_H_
#define PINNACLE_JOURNAL_SEGMENT_PRESCAN_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/status.h"
#include "journal/segment_run.h"
#include "platform/file_system.h"

namespace pinnacle {

class SegmentPrescan {
 public:
  struct Job {
    std::string path;
    uint64_t segment_bytes = 0;
    uint32_t seed = 0;
    uint64_t expected = 0;  // 0: not known, no run is followed
    bool transactions = false;
  };
  struct Outcome {
    Status status;  // of reading
    SegmentRun run;
    uint64_t bytes_read = 0;
  };

  // `threads` at most: as many as the system starts.
  SegmentPrescan(FileSystem* file_system, std::vector<Job> jobs, RunProof proof, unsigned threads);
  ~SegmentPrescan();  // waits for the segments under way
  SegmentPrescan(const SegmentPrescan&) = delete;
  SegmentPrescan& operator=(const SegmentPrescan&) = delete;

  // Waits for the run of job `i`. nullptr if it was not followed with `expected`.
  const Outcome* Of(size_t i, uint64_t expected);

 private:
  void Work();
  Status Follow(const Job& job, Outcome* outcome);

  FileSystem* const file_system_;
  const std::vector<Job> jobs_;
  const RunProof proof_;
  std::vector<Outcome> outcomes_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;  // done_
  std::condition_variable changed_;
  std::vector<bool> done_;
  std::vector<std::thread> threads_;
};

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_SEGMENT_PRESCAN_H_
