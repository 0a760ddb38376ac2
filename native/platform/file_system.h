// The interface between the engine and the operating system (LevelDB calls its own Env). The engine
// reaches files only through these classes, so a test can lose, reorder or refuse whatever was not
// synced. Implementations: posix_file_system.cc (with linux.cc or darwin.cc) and the tests'
// simulator/simulated_file_system.h.
//
// The contract that durability relies on:
// - File::Sync and Mapping::Sync return ok only when the device has the bytes (fdatasync and
//   msync(MS_SYNC); on macOS F_FULLFSYNC, for a mapping after msync).
// - Creating, renaming and removing a name is durable only after SyncDirectory of its parent.
// - After a failed sync the state of the unsynced pages is unknown: callers must never retry
//   (https://wiki.postgresql.org/wiki/Fsync_Errors).
// Paths are UTF-8. No call throws. One thread at a time uses an object unless stated otherwise.
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

// The file that a name or a handle refers to, valid while that file is open or has a name.
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

  // Makes stores to [offset, offset + length) durable; widens the range to page bounds. May be
  // called from a thread other than the storing one.
  virtual Status Sync(uint64_t offset, uint64_t length) = 0;

  // Makes the pages of the range present and writable so that the next store takes no fault. Best
  // effort, changes no content. May be called from a thread other than the storing one.
  virtual void Prefault(uint64_t offset, uint64_t length) = 0;

  // Keeps pages from being swapped out, each from its first touch on. A limit on locked memory
  // (RLIMIT_MEMLOCK) refuses this as kPermission or kOutOfMemory.
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
  // Writes all of `bytes` at `offset`, growing the file if needed.
  virtual Status Write(uint64_t offset, std::span<const uint8_t> bytes) = 0;
  // Like Write, followed by `zeros` (up to a page) zero bytes.
  virtual Status WritePadded(uint64_t offset, std::span<const uint8_t> bytes, uint64_t zeros);
  // Makes content and size durable.
  virtual Status Sync() = 0;
  virtual Status Size(uint64_t* bytes) const = 0;
  virtual Status Identity(FileIdentity* identity) const = 0;
  virtual Status Truncate(uint64_t bytes) = 0;
  // Reserves real blocks for [0, bytes): a full disk is kNoSpace here, never a fault in a store.
  virtual Status Preallocate(uint64_t bytes) = 0;
  // Makes [begin, end), which Preallocate has reserved, read as zeros without writing zeros to the
  // device: the file system marks the blocks as unwritten. Durable after Sync. Bounds are whole
  // pages. If it can't, `*done` is false and nothing is changed.
  virtual Status ZeroBlocks(uint64_t begin, uint64_t end, bool* done) = 0;
  // Drops cached pages, so that a following Map works with single pages instead of the large folios
  // that reading made (a store into one makes the device write all of it). Best effort.
  virtual void DropCache() = 0;
  // Announces that the whole file will be read in order: the system may read further ahead.
  virtual void ExpectSequentialReads() {}
  // Begins to write dirty pages of [begin, end) to the device, so that a later Sync has less to do.
  // Promises nothing; but an error counts as a failed sync's, and later calls need not repeat it.
  virtual Status BeginWriteback(uint64_t begin, uint64_t end) {
    (void)begin;
    (void)end;
    return Status();
  }
  // Locks the file for this holder until it is closed or its process ends (flock(2)), without
  // waiting. `*locked` is false if another holder has it.
  virtual Status TryLock(bool* locked) {
    *locked = true;
    return Status();
  }
  // Whether the file is private to this user: owned by the effective user, not accessible to
  // others, and with `links` names.
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

  // kDirectoryLost once the directory or its lock file was removed, renamed or replaced: writes by
  // path would go elsewhere, and an older version could take a new lock file. Any thread.
  virtual Status Check() const = 0;
};

enum class OpenMode {
  kRead,       // must exist
  kReadWrite,  // must exist
  kNoLink,     // the same, and not a symbolic link
  kCreate,     // must not exist; mode 0600
};

// About the file system that holds a directory.
struct MemoryRoom {
  bool is_memory = false;  // it keeps its files in memory (tmpfs, ramfs)
  uint64_t free_bytes = 0;
};

// Differs after each start of the machine.
using BootId = std::array<uint8_t, 16>;

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual Status Open(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) = 0;
  // Names (not paths) of the entries except "." and "..", sorted.
  virtual Status List(const std::string& directory, std::vector<std::string>* names) = 0;
  // Mode 0700; ok if it already exists. The parent must exist.
  virtual Status CreateDirectory(const std::string& path) = 0;
  virtual Status Exists(const std::string& path, bool* exists) = 0;
  // A file or a directory. kNotFound.
  virtual Status Identify(const std::string& path, FileIdentity* identity) = 0;
  // Replaces `to` atomically if it exists. A directory can also be renamed, to an unused name or
  // that of an empty directory; its content must be synced before.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  virtual Status Remove(const std::string& path) = 0;  // of a file, not of a directory
  // The directory must be empty.
  virtual Status RemoveDirectory(const std::string& path) { return NotOffered("remove", path); }
  // Gives the file `from` the second name `to`, which must be unused. If the file system has no
  // links, or none between these places, `*done` is false and nothing is changed.
  virtual Status Link(const std::string& from, const std::string& to, bool* done) {
    (void)from;
    (void)to;
    *done = false;
    return Status();
  }
  virtual Status SyncDirectory(const std::string& path) = 0;
  // Locks the directory for one writer, without waiting for another one: locks the directory itself
  // and `<directory>/LOCK` (created if missing), so that removing that file doesn't admit a second
  // writer. kLocked if another process, or another holder in this process, has it; the message
  // names the holder's pid if known.
  virtual Status Lock(const std::string& directory, std::unique_ptr<DirectoryLock>* lock) = 0;
  // Whether the lock is held. Creates nothing.
  virtual Status IsLocked(const std::string& directory, bool* is_locked) = 0;

  // The default directory for in-memory files; "" if the system has none.
  virtual std::string MemoryDirectory() const { return ""; }
  virtual Status ExamineMemory(const std::string& directory, MemoryRoom* room) {
    *room = MemoryRoom();
    (void)directory;
    return Status();
  }
  // All zero if the system does not report one.
  virtual Status ReadBootId(BootId* id) {
    *id = BootId();
    return Status();
  }

  // The operating system's. Thread-safe; never destroyed.
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
