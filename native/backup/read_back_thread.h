// Reads finished files of a backup back from the device while the next ones are copied. It only
// saves time: whatever it has not confirmed is read back after the copy.
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

// All methods are called from one thread.
class ReadBackThread {
 public:
  // `control` outlives this; if the work is given up, the thread ends early.
  ReadBackThread(FileSystem* file_system, const WorkControl& control);
  ~ReadBackThread();
  ReadBackThread(const ReadBackThread&) = delete;
  ReadBackThread& operator=(const ReadBackThread&) = delete;

  // Call once. If there is no thread or memory for it, nothing will be confirmed.
  void Start();

  // A file of the backup in `directory` that is complete, synced and will not change.
  void Add(const std::string& directory, const ManifestFile& file);
  // The file was removed, and another file may get its name.
  void Forget(const ManifestFile& file);

  // Waits for all files that were added. Returns the names (within the backup) of those with the
  // size and checksum passed to Add.
  std::vector<std::string> Confirmed();

 private:
  struct Job {
    std::string directory;
    ManifestFile file;
  };

  void Run();
  bool Matches(const Job& job) const;

  FileSystem* const file_system_;
  const WorkControl quiet_;  // only `given_up` of the caller's control

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> waiting_;
  std::vector<std::string> confirmed_;
  std::string reading_;        // name; empty: none
  bool is_forgotten_ = false;  // the file being read
  bool stopping_ = false;
  bool has_ended_ = false;
  std::thread thread_;
};

}  // namespace pinnacle

#endif  // PINNACLE_BACKUP_READ_BACK_THREAD_H_
