// A FileSystem in memory that loses, reorders, tears or refuses whatever was not synced: the same
// interface as the real one, deterministic from a seed. One thread at a time.
//
// The fault model
//
// Content. Each file has three images: what reads see (the page cache), what the kernel believes to
//   be on the device, and what is really there. Stores through a mapping go to a plain buffer;
//   pages are compared only when something depends on it, so a store costs nothing and needs no
//   hook.
// Sync. File::Sync makes all of the file and its size durable; Mapping::Sync the pages that the
//   range touches, and the size. Neither makes the file's name durable.
// Names. Creating, renaming and removing are visible at once and durable after SyncDirectory of the
//   parent. At a power cut each pending change survives or does not, but changes of one name keep
//   their order: one survives only if the earlier ones of its names do. A rename is atomic. The
//   content of a directory that did not survive is gone. A directory may be renamed once all names
//   in it are durable (refused before: its content after a power cut would be undefined). A second
//   name of a file (Link) is a name like the first.
// Power cut. PowerCut and ImageAt return one of the disks that may be found. For each dirty 4 KiB
//   page: the old one, the new one, or any mixture of its 512-byte sectors; on request one sector
//   torn at any byte. An unsynced change of size survives or does not. A power cut changes nothing
//   here, so several can be taken at one moment; start a new SimulatedFileSystem on the image.
// Writeback. BackgroundWriteback makes any dirty pages, sizes and names durable, as the kernel may
//   at any time; with set_background_writeback it happens randomly before any call. So a page
//   found later may also have content that was only temporary.
// Process kill. ProcessKill keeps the page cache and drops handles and locks: old objects return
//   kClosed, and stores through old mappings have no effect.
// Failed sync. As on Linux: the dirty pages count as clean afterwards, but the device does not have
//   them. A retry succeeds and they are lost all the same, until a new store dirties them. (A write
//   call dirties its pages even if the bytes are the same; a store of the same bytes through a
//   mapping goes unnoticed.)
// Failed SyncDirectory. The changes stay pending.
// Lying device. A sync succeeds, but one of its dirty pages or sectors is not written, or one
//   sector overwrites another one (Fault::Device).
// Bit rot. FlipBit changes the device's bytes. The page cache hides that until DropCache or a
//   restart from an image.
// Memory. The content of kMemoryDirectory survives a process kill but neither a power cut nor
//   ContainerKill; every file system made from an image has another boot id.
// Full disk. set_capacity limits the sum of sizes: kNoSpace from Write, Preallocate and Truncate.
//
// Identity. A directory's identity follows from its path, so that a copy of it has another.
//
// Not modelled: permissions, a mapped file that changes its size (refused, since the interface
// forbids it).
#ifndef PINNACLE_SIMULATOR_SIMULATED_FILE_SYSTEM_H_
#define PINNACLE_SIMULATOR_SIMULATED_FILE_SYSTEM_H_

#include <memory>
#include <string>
#include <vector>

#include "platform/file_system.h"
#include "simulator/disk_image.h"
#include "simulator/disk_state.h"
#include "simulator/fault_plan.h"

namespace pinnacle {

class SimulatedDisk;  // shared with the objects given out, so that they may outlive the file system

class SimulatedFileSystem final : public FileSystem {
 public:
  explicit SimulatedFileSystem(uint64_t seed, const DiskImage& disk = {});
  ~SimulatedFileSystem() override;

  Status Open(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) override;
  Status List(const std::string& directory, std::vector<std::string>* names) override;
  Status CreateDirectory(const std::string& path) override;
  Status Exists(const std::string& path, bool* exists) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status RemoveDirectory(const std::string& path) override;
  Status Link(const std::string& from, const std::string& to, bool* done) override;
  Status SyncDirectory(const std::string& path) override;
  Status Identify(const std::string& path, FileIdentity* identity) override;
  Status Lock(const std::string& directory, std::unique_ptr<DirectoryLock>* lock) override;
  Status IsLocked(const std::string& directory, bool* is_locked) override;
  std::string MemoryDirectory() const override;
  Status ExamineMemory(const std::string& directory, MemoryRoom* room) override;
  Status ReadBootId(BootId* id) override;

  FaultPlan& faults();
  void set_capacity(uint64_t bytes);
  void set_background_writeback(double probability_per_call);

  void BackgroundWriteback();
  void ProcessKill();
  // The process's container is killed, along with its memory files.
  void ContainerKill();
  // The current content of kMemoryDirectory. A new file system may begin with it, as if that
  // directory outlived a reboot, or together with set_boot_id as if the machine was not rebooted.
  DiskImage MemoryFiles();
  void set_boot_id(const BootId& id);
  void set_memory_room(uint64_t bytes);
  DiskImage PowerCut(DeterministicRandom& random, const PowerCutOptions& options = {});

  // False if the device has no such file or byte.
  bool FlipBit(const std::string& path, uint64_t offset, unsigned bit);

  // One call on the file system, or a mark, with the state just before it took effect.
  struct Step {
    CallKind kind;
    std::string path;
    uint64_t offset;  // of kRead, kWrite, kMapSync
    uint64_t length;  // of these and of kTruncate and kPreallocate
    uint64_t mark;    // of kMark
    DiskState before;
  };

  // From now on every call but kRead, kSize, kList and kExists is recorded.
  void StartRecording();
  // Records a caller's event among the steps, such as "sequence 17 was acknowledged".
  void Mark(uint64_t value);
  const std::vector<Step>& steps() const;
  // A power cut just before the step took effect. What the step itself would have made durable may
  // or may not survive; its promise holds from the next step on.
  DiskImage ImageAt(size_t step, DeterministicRandom& random,
                    const PowerCutOptions& options = {}) const;

 private:
  std::shared_ptr<SimulatedDisk> disk_;
};

}  // namespace pinnacle

#endif  // PINNACLE_SIMULATOR_SIMULATED_FILE_SYSTEM_H_
