// What Linux and macOS do differently, as plain functions: linux.cc and darwin.cc implement them,
// posix_file_system.cc and the clock stand on them. Functions that return int give 0 or an errno,
// and retry calls that a signal interrupted.
#ifndef PINNACLE_PLATFORM_SYSTEM_CALLS_H_
#define PINNACLE_PLATFORM_SYSTEM_CALLS_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace pinnacle::system_calls {

// stat and fstat of what does not change with a write: type and mode, owner, links, size, device
// and inode; nothing else is set. On Linux the times are not asked for on purpose: from 6.13 on, a
// file whose times were seen gets new ones, and a journal transaction, at its next write, and the
// sync behind it takes half as long again.
int Examine(const char* path, struct stat* about);
int Examine(int descriptor, struct stat* about);

// Content, and the size where it changed, reach the device: not only its volatile cache.
int SyncFile(int descriptor);
int SyncDirectory(int descriptor);

// `address` and `length` are in whole pages of the system. `descriptor` is that of the mapped file
// where kMappingKeepsDescriptor is set, else -1.
int SyncMapping(void* address, size_t length, int descriptor);

// macOS flushes the drive's cache through a descriptor; on Linux msync does it and no descriptor
// is spent.
#if defined(__APPLE__)
inline constexpr bool kMappingKeepsDescriptor = true;
#else
inline constexpr bool kMappingKeepsDescriptor = false;
#endif

// Reserves blocks for [0, bytes); the file's size becomes at least `bytes`. ENOTSUP where this file
// system can't, and the caller writes zeros instead.
int ReserveBlocks(int descriptor, uint64_t current_size, uint64_t bytes);

// The range, in whole pages within the file, reads as zeros and its blocks stay reserved. ENOTSUP
// where the file system has no way but to write them.
int ZeroBlocks(int descriptor, uint64_t offset, uint64_t length);

void DropCachedPages(int descriptor);
// Both where the system offers it.
void AdviseSequentialReads(int descriptor);
int BeginWriteback(int descriptor, uint64_t begin, uint64_t end);

// Access is to be expected page by page: no read-ahead, small folios.
void AdviseRandomAccess(void* address, size_t length);

// The range should stand in huge pages when it is first touched. A hint: may do nothing.
void AdviseHugePages(void* address, size_t length);

// Write-faults the pages without changing them. False where the system has no such call.
bool PopulateForWriting(void* address, size_t length);

// Pages are kept in memory from their first touch on.
int LockMemory(void* address, size_t length);

// Writes both pieces one behind the other at `offset`, possibly fewer bytes: how many, or -errno.
ssize_t WritePieces(int descriptor, uint64_t offset, const void* first, size_t first_bytes,
                    const void* second, size_t second_bytes);

// "" where there is none.
const char* MemoryDirectory();
// Of the directory's file system.
int ExamineMemory(const char* directory, bool* is_memory, uint64_t* free_bytes);
// A UUID that is another one after each start of the machine, and a closing zero.
int ReadBootIdText(char* text, size_t bytes);

uint64_t RandomU64();
// A time before 1970 counts as its first nanosecond, one beyond 2^64 ns as the last: it never
// wraps.
constexpr uint64_t NsOfTime(int64_t seconds, int64_t nanoseconds) {
  constexpr int64_t kLastSecond = 18'446'744'072;
  if (seconds < 0 || (seconds == 0 && nanoseconds == 0)) return 1;  // 0 means that there is no time
  if (seconds > kLastSecond) return ~uint64_t{0};
  return static_cast<uint64_t>(seconds) * 1'000'000'000 + static_cast<uint64_t>(nanoseconds);
}
uint64_t RealtimeNs();
uint64_t MonotonicNs();

}  // namespace pinnacle::system_calls

#endif  // PINNACLE_PLATFORM_SYSTEM_CALLS_H_
