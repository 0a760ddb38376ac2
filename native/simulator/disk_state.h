// The state of a simulated disk and the kernel's cache above it, as a value, and what remains of it
// after a power cut. simulated_file_system.h describes the whole fault model.
#ifndef PINNACLE_SIMULATOR_DISK_STATE_H_
#define PINNACLE_SIMULATOR_DISK_STATE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "simulator/deterministic_random.h"
#include "simulator/disk_image.h"

namespace pinnacle {

// One file as three parties see it. A page is dirty if `current` differs from `clean`, or if it was
// rewritten with the same bytes.
// Invariant: without faults `clean` equals `durable`. After a failed sync or with a lying disk the
// kernel believes in bytes that the device does not have.
struct FileState {
  FileImage current;  // what reads see: the page cache
  FileImage clean;    // what the kernel believes is on the device
  FileImage durable;  // what is on the device

  std::set<uint64_t> rewritten;  // pages that a write call touched since they were clean

  bool IsDirty(uint64_t page) const {
    return rewritten.contains(page) || !SameContent(current.page(page), clean.page(page));
  }
  bool IsSizeDirty() const { return current.size() != clean.size(); }
};

inline constexpr uint64_t kDirectoryInode = 0;

// Files in this directory are in memory: a power cut loses them.
inline constexpr char kMemoryDirectory[] = "/shm";
bool IsInMemory(const std::string& path);

using NameTable = std::map<std::string, uint64_t>;  // path -> inode

// A change of names that is not durable yet.
struct NameChange {
  enum class Kind { kLink, kUnlink, kRename };
  Kind kind;
  std::string path;
  std::string target;  // of a rename
  uint64_t inode;      // kDirectoryInode with kLink: a directory was made

  bool Touches(const std::string& name) const {
    return path == name || (kind == Kind::kRename && target == name);
  }
  void ApplyTo(NameTable* names) const;
};

struct PowerCutOptions {
  enum class Unsynced {
    kRandom,      // each piece as the fault model says
    kNothing,     // nothing that was not synced survives
    kEverything,  // all of it survives
  };
  Unsynced unsynced = Unsynced::kRandom;
  // The probability that one of a file's dirty sectors is torn in two. The engine assumes that
  // devices write sectors whole (as they promise); a value above 0 deliberately breaks this
  // assumption.
  double torn_sector_probability = 0;
};

struct DiskState {
  NameTable names;                  // what open and list see
  NameTable durable_names;          // what the device has
  std::vector<NameChange> pending;  // leads from durable_names to names, in order
  std::map<uint64_t, FileState> files;

  // One of the disks that the machine may find after a power cut now.
  DiskImage CutPower(DeterministicRandom& random, const PowerCutOptions& options) const;
};

// Which of `pending` survive: `wants` is asked in order for each change, unless an earlier lost
// change of one of its names rules it out.
std::vector<bool> ChooseSurvivors(const std::vector<NameChange>& pending,
                                  const std::function<bool(const NameChange&)>& wants);

}  // namespace pinnacle

#endif  // PINNACLE_SIMULATOR_DISK_STATE_H_
