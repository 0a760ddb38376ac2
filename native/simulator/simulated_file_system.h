// A FileSystem in memory that loses, reorders, tears or refuses whatever was not synced: the same
// seam as the real one, deterministic from a seed. One thread at a time.
//
// The fault model
//
// Content. Each file has three images: what reads see (the page cache), what the kernel believes to
//   be on the device, and what is there. Stores through a mapping go to a plain buffer; pages are
//   compared only when something depends on it, so a store costs nothing and needs no hook.
// Sync. File::Sync makes all of the file and its size durable; Mapping::Sync the pages that the
//   range touches, and the size. Neither makes the file's name durable.
// Names. Creating, renaming and removing are seen at once and durable after SyncDirectory of the
//   parent. At a power cut each of them that is pending survives or does not, but changes of one
//   name keep their order: one survives only if the earlier ones of its names do. A rename is
//   atomic. What is in a directory that did not survive is gone. A directory may be renamed once
//   all names below it are durable (refused before: what it then holds after a power cut is
//   anyone's guess). A second name of a file (Link) is a name like the first.
// Power cut. PowerCut and ImageAt give one of the disks that may be found. For each dirty 4 KiB
//   page: the old one, the new one, or any mixture of its 512-byte sectors; on request one sector
//   torn at any byte. A change of size that was not synced survives or does not. A power cut
//   changes nothing here, so many can be taken at one moment; start a new SimulatedFileSystem on
//   the image.
// Writeback. BackgroundWriteback makes any dirty pages, sizes and names durable, as the kernel does
//   when it likes; with set_background_writeback it happens by chance before any call. So what is
//   found of a page may also be content that was there for a while only.
// Process kill. ProcessKill keeps the page cache and drops handles and locks: old objects answer
//   kClosed, and stores through old mappings go nowhere.
// Failed sync. As on Linux: the dirty pages count as clean afterwards, but the device does not have
//   them. A retry says ok and they are lost all the same, until someone stores to them again. (A
//   write call dirties its pages even with the bytes that they have; a store of the same bytes
//   through a mapping is not seen as one.)
// Failed SyncDirectory. The changes stay pending.
// Lying device. A sync says ok, but one of its dirty pages or sectors is not written, or one sector
//   is written over another one (Fault::Device).
// Bit rot. FlipBit changes the device's bytes. The page cache hides that until DropCache or a
//   restart from an image.
// Memory. What is in kMemoryDirectory survives a process kill and neither a power cut nor
//   ContainerKill; every file system that is made on an image has another boot id.
// Full disk. set_capacity limits the sum of sizes: kNoSpace from Write, Preallocate and Truncate.
//
// Identity. A directory's follows from its path, so that a copy of it has another one.
//
// Not modelled: permissions, a mapped file that changes its size (refused, since the seam forbids
// it).
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
  // The process's container is gone, and its memory files with it.
  void ContainerKill();
  // What is in kMemoryDirectory now; a file system may begin with it, as where that directory
  // outlives the machine's start, or with set_boot_id where it is the same machine still.
  DiskImage MemoryFiles();
  void set_boot_id(const BootId& id);
  void set_memory_room(uint64_t bytes);
  DiskImage PowerCut(DeterministicRandom& random, const PowerCutOptions& options = {});

  // False where the device has no such file or byte.
  bool FlipBit(const std::string& path, uint64_t offset, unsigned bit);

  // One call on the file system, or a mark, with the moment just before it took effect.
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
  // Notes something of the caller's among the steps, such as "sequence 17 was acknowledged".
  void Mark(uint64_t value);
  const std::vector<Step>& steps() const;
  // A power cut just before the step took effect. What the step itself would have made durable is
  // among what may or may not survive; what it promised holds from the next step on.
  DiskImage ImageAt(size_t step, DeterministicRandom& random,
                    const PowerCutOptions& options = {}) const;

 private:
  std::shared_ptr<SimulatedDisk> disk_;
};

}  // namespace pinnacle

#endif  // PINNACLE_SIMULATOR_SIMULATED_FILE_SYSTEM_H_
