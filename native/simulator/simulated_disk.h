// The core of the simulated file system: names, files, page cache and device, and the calls that
// change them. Used only by simulated_file_system.cc and simulated_file.cc.
#ifndef PINNACLE_SIMULATOR_SIMULATED_DISK_H_
#define PINNACLE_SIMULATOR_SIMULATED_DISK_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "simulator/disk_state.h"
#include "simulator/fault_plan.h"
#include "simulator/page_buffer.h"
#include "simulator/simulated_file_system.h"

namespace pinnacle {

// A file that has a name or is open.
struct Inode {
  uint64_t id;
  std::string path;  // for messages and rules: its name when last opened
  std::shared_ptr<PageBuffer> buffer = std::make_shared<PageBuffer>();  // the page cache
  FileState state;  // only Refresh updates `current`

  // A mapping shares the buffer.
  bool IsMapped() const { return buffer.use_count() > 1; }
  void Refresh() { state.current.Assign(buffer->bytes()); }
};

class SimulatedDisk {
 public:
  SimulatedDisk(uint64_t seed, const DiskImage& image);

  // Starts a call: chance writeback, recording, faults.
  Fault Begin(CallKind kind, const std::string& path, uint64_t offset = 0, uint64_t length = 0,
              uint64_t mark = 0);

  // Content.
  Status Resize(Inode& inode, uint64_t size, const char* action);
  // Syncs the pages in [first, end) and the size, with the fault if any.
  Status SyncPages(Inode& inode, uint64_t first, uint64_t end, const Fault& fault);
  void DropCache(Inode& inode);

  // Names; null if there is none.
  std::shared_ptr<Inode> Find(const std::string& path) const;
  bool IsDirectory(const std::string& path) const;
  bool IsEmptyDirectory(const std::string& path) const;
  Status RenameDirectory(const std::string& from, const std::string& to);
  Status CheckParent(const std::string& path, const char* action) const;
  std::shared_ptr<Inode> CreateFile(const std::string& path);
  void Change(NameChange change);
  void SyncNames(const std::string& directory);

  void BackgroundWriteback();
  void ProcessKill();
  DiskState Capture();

  NameTable names;
  NameTable durable_names;
  std::vector<NameChange> pending;
  std::map<uint64_t, std::shared_ptr<Inode>> inodes;

  DeterministicRandom random;
  FaultPlan faults;
  uint64_t capacity_bytes = ~uint64_t{0};
  double writeback_probability = 0;
  uint64_t process = 1;  // handles of an earlier one are dead
  std::set<std::string> locked_paths;
  std::set<uint64_t> locked_files;  // inodes
  BootId boot_id{};
  uint64_t memory_bytes = uint64_t{1} << 40;  // free in kMemoryDirectory
  bool is_recording = false;
  std::vector<SimulatedFileSystem::Step> steps;

 private:
  void WritePage(Inode& inode, uint64_t page);
  void LoseDuring(Inode& inode, const std::vector<uint64_t>& dirty, Fault::Device device);
  void Misdirect(Inode& inode, uint64_t page, uint64_t sector);
  void MakeDurable(const std::vector<bool>& chosen);
  void ForgetUnreachable();

  uint64_t next_inode_ = kDirectoryInode + 1;
};

// "/a/b" of "a//b/" and the like.
std::string CleanPath(const std::string& path);

// The File of an open inode.
std::unique_ptr<File> OpenSimulatedFile(std::shared_ptr<SimulatedDisk> disk,
                                        std::shared_ptr<Inode> inode, bool is_writable);

}  // namespace pinnacle

#endif  // PINNACLE_SIMULATOR_SIMULATED_DISK_H_
