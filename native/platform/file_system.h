// The seam between the engine and the operating system (LevelDB calls its own Env). All that the
// engine knows of files goes through these classes, so that a test can lose, reorder or refuse
// whatever was not synced. Implementations: posix_file_system.cc (with linux.cc or darwin.cc)
// and the tests' simulator/simulated_file_system.h.
//
// The contract that durability rests on:
// - File::Sync and Mapping::Sync return ok only when the device has the bytes (fdatasync and
//   msync(MS_SYNC); on macOS F_FULLFSYNC, for a mapping after msync).
// - Creating, renaming and removing a name is durable only after SyncDirectory of its parent.
// - After a failed sync the state of the unsynced pages is unknown: callers must never retry
//   (https://wiki.postgresql.org/wiki/Fsync_Errors).
// Paths are UTF-8. No call throws. Objects are used by one thread at a time unless stated.
#ifndef PINNACLE_PLATFORM_FILE_SYSTEM_H_
#define PINNACLE_PLATFORM_FILE_SYSTEM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace pinnacle {

// The unit in which stores through a mapping are tracked.
inline constexpr uint64_t kPageBytes = 4096;
// The unit that a device is assumed to write atomically.
inline constexpr uint64_t kSectorBytes = 512;

// Which file a name or a handle stands for, for as long as that file is open or has a name.
struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  bool operator==(const FileIdentity&) const = default;
};

// A writable shared mapping of a whole file, from offset 0. Never grows, moves or shrinks.
class Mapping {
 public:
  virtual ~Mapping() = default;

  uint8_t* data() const { return data_; }
  uint64_t size() const { return size_; }

  // Makes stores to [offset, offset + length) durable; widens to page bounds itself.
  // May be called from another thread than the one that stores.
  virtual Status Sync(uint64_t offset, uint64_t length) = 0;

  // Makes the pages of the range present and writable so that the next store takes no fault.
  // Best effort, changes no content. May be called from another thread than the one that stores.
  virtual void Prefault(uint64_t offset, uint64_t length) = 0;

  // Keeps the pages from being swapped out, from the moment when each is first touched on. Refused
  // by a limit on locked memory (RLIMIT_MEMLOCK) as kPermission or kOutOfMemory.
  virtual Status KeepInMemory() { return Status(); }

 protected:
  uint8_t* data_ = nullptr;
  uint64_t size_ = 0;
};

class File {
 public:
  virtual ~File() = default;

  // Reads up to out.size() bytes at `offset`; fewer only at the end of the file.
  virtual Status Read(uint64_t offset, std::span<uint8_t> out, size_t* bytes_read) const = 0;
  // Writes all of `bytes` at `offset`, growing the file where needed.
  virtual Status Write(uint64_t offset, std::span<const uint8_t> bytes) = 0;
  // As Write, with `zeros` (up to a page) zero bytes behind them.
  virtual Status WritePadded(uint64_t offset, std::span<const uint8_t> bytes, uint64_t zeros);
  // Makes content and size durable.
  virtual Status Sync() = 0;
  virtual Status Size(uint64_t* bytes) const = 0;
  virtual Status Identity(FileIdentity* identity) const = 0;
  virtual Status Truncate(uint64_t bytes) = 0;
  // Reserves real blocks for [0, bytes): a full disk is kNoSpace here and never a fault in a store.
  virtual Status Preallocate(uint64_t bytes) = 0;
  // Makes [begin, end), which Preallocate has reserved, read as zeros without writing zeros to the
  // device: the file system notes that the blocks hold nothing yet. Durable after Sync. Bounds are
  // whole pages. `*done` is false where it can't, and then nothing was changed.
  virtual Status ZeroBlocks(uint64_t begin, uint64_t end, bool* done) = 0;
  // Forgets cached pages, so that a following Map works with single pages instead of the large
  // folios that reading made (a store into one makes the device write all of it). Best effort.
  virtual void DropCache() = 0;
  // Reads from here on are of the whole file in order: the system may read further ahead.
  virtual void ExpectSequentialReads() {}
  // Begins to write what is dirty in [begin, end) to the device, so that a later Sync has less to
  // do. Promises nothing; but an error is a failed sync's, and no later one need tell of it.
  virtual Status BeginWriteback(uint64_t begin, uint64_t end) {
    (void)begin;
    (void)end;
    return Status();
  }
  // Takes the file for this holder until it is closed, or its process ends (flock(2)), without
  // waiting. `*locked` is false where another holder has it.
  virtual Status TryLock(bool* locked) {
    *locked = true;
    return Status();
  }
  // Whether the file is this user's alone: owned by the effective user, with no access for others,
  // and with `links` names.
  virtual Status IsPrivate(uint64_t links, bool* is_private) const {
    (void)links;
    *is_private = true;
    return Status();
  }
  // Maps the whole file; its size must not change afterwards. The mapping may outlive the File.
  virtual Status Map(std::unique_ptr<Mapping>* mapping) = 0;
};

// Held from Lock until destroyed; released by the kernel when the process dies.
class DirectoryLock {
 public:
  virtual ~DirectoryLock() = default;

  // kDirectoryLost once the directory or its lock file was removed, renamed or replaced: what is
  // written by path would go elsewhere, and an older version could take a new lock file. Any
  // thread.
  virtual Status Check() const = 0;
};

enum class OpenMode {
  kRead,       // must exist
  kReadWrite,  // must exist
  kNoLink,     // the same, and be no symbolic link
  kCreate,     // must not exist; mode 0600
};

// Of the file system that a directory is in.
struct MemoryRoom {
  bool is_memory = false;  // it keeps its files in memory (tmpfs, ramfs)
  uint64_t free_bytes = 0;
};

// Another one after each start of the machine.
using BootId = std::array<uint8_t, 16>;

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual Status Open(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) = 0;
  // Names (not paths) of the entries but "." and "..", sorted.
  virtual Status List(const std::string& directory, std::vector<std::string>* names) = 0;
  // Mode 0700; ok where it is there already. The parent must exist.
  virtual Status CreateDirectory(const std::string& path) = 0;
  virtual Status Exists(const std::string& path, bool* exists) = 0;
  // Of a file or a directory. kNotFound.
  virtual Status Identify(const std::string& path, FileIdentity* identity) = 0;
  // Replaces `to` atomically where it exists. A directory can be renamed too, to a name that is
  // free or that of an empty directory; what is in it must be synced before.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  virtual Status Remove(const std::string& path) = 0;  // of a file, not of a directory
  // Of an empty directory.
  virtual Status RemoveDirectory(const std::string& path) { return NotOffered("remove", path); }
  // Gives the file `from` the second name `to`, which must be free. `*done` is false where the file
  // system has no links, or none between these places; then nothing was changed.
  virtual Status Link(const std::string& from, const std::string& to, bool* done) {
    (void)from;
    (void)to;
    *done = false;
    return Status();
  }
  virtual Status SyncDirectory(const std::string& path) = 0;
  // Takes the directory for one writer, without waiting for another one: locks the directory itself
  // and `<directory>/LOCK` (created where missing), so that removing that file lets nobody in.
  // kLocked where another process, or another holder in this process, has it; the message names the
  // holder's pid where known.
  virtual Status Lock(const std::string& directory, std::unique_ptr<DirectoryLock>* lock) = 0;
  // Whether somebody holds the lock. Creates nothing.
  virtual Status IsLocked(const std::string& directory, bool* is_locked) = 0;

  // Where memory files are by default; "" where the system has no such place.
  virtual std::string MemoryDirectory() const { return ""; }
  virtual Status ExamineMemory(const std::string& directory, MemoryRoom* room) {
    *room = MemoryRoom();
    (void)directory;
    return Status();
  }
  // All zero where the system does not tell.
  virtual Status ReadBootId(BootId* id) {
    *id = BootId();
    return Status();
  }

  // The operating system's. Safe for all threads; never destroyed.
  static FileSystem* Real();

 private:
  static Status NotOffered(const char* action, const std::string& path) {
    return Status(Code::kInvalidOperation,
                  std::string("cannot ") + action + " '" + path + "': this file system does not");
  }
};

inline Status File::WritePadded(uint64_t offset, std::span<const uint8_t> bytes, uint64_t zeros) {
  static constexpr uint8_t kZeros[kPageBytes] = {};
  PINNACLE_RETURN_IF_ERROR(Write(offset, bytes));
  return Write(offset + bytes.size(), {kZeros, zeros});
}

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_FILE_SYSTEM_H_
