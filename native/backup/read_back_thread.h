// Reads finished files of a backup back from the device while the next ones are copied. It only
// saves time: what it has not confirmed, for whatever reason, is read back after the copy.
#ifndef PINNACLE_BACKUP_READ_BACK_THREAD_H_
#define PINNACLE_BACKUP_READ_BACK_THREAD_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "backup/copying.h"
#include "backup/manifest.h"
#include "platform/file_system.h"

namespace pinnacle {

// All methods are called on one thread.
class ReadBackThread {
 public:
  // `control` outlives this; given up, the thread ends early.
  ReadBackThread(FileSystem* file_system, const WorkControl& control);
  ~ReadBackThread();
  ReadBackThread(const ReadBackThread&) = delete;
  ReadBackThread& operator=(const ReadBackThread&) = delete;

  // Once is enough. Where there is no thread or memory for it, nothing will be confirmed.
  void Start();

  // A file of the backup in `directory` that is complete, synced and will not change.
  void Add(const std::string& directory, const ManifestFile& file);
  // It was removed, and its name may get another file.
  void Forget(const ManifestFile& file);

  // Waits for all that was added. The names (within the backup) of the files that have the size and
  // checksum which Add gave.
  std::vector<std::string> Confirmed();

 private:
  struct Job {
    std::string directory;
    ManifestFile file;
  };

  void Run();
  bool Matches(const Job& job) const;

  FileSystem* const file_system_;
  const WorkControl quiet_;  // of the caller's control only whether it was given up

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> waiting_;
  std::vector<std::string> confirmed_;
  std::string reading_;        // name; empty: none
  bool is_forgotten_ = false;  // what is being read
  bool stopping_ = false;
  bool has_ended_ = false;
  std::thread thread_;
};

}  // namespace pinnacle

#endif  // PINNACLE_BACKUP_READ_BACK_THREAD_H_
