// What Linux and macOS do differently, as plain functions. linux.cc and darwin.cc implement them;
// posix_file_system.cc and the clock use them. Functions that return int return 0 or an errno, and
// retry calls that a signal interrupted.
#ifndef PINNACLE_PLATFORM_SYSTEM_CALLS_H_
#define PINNACLE_PLATFORM_SYSTEM_CALLS_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace pinnacle::system_calls {

// stat and fstat of what a write does not change: type and mode, owner, links, size, device and
// inode; nothing else is set. On Linux the times are deliberately not requested: from 6.13 on, a
// file whose times were read gets new ones at its next write, and with them a transaction of the
// file system, which makes the following sync take half as long again.
int Examine(const char* path, struct stat* about);
int Examine(int descriptor, struct stat* about);

// Makes the content, and the size if it changed, reach the device, not only its volatile cache.
int SyncFile(int descriptor);
int SyncDirectory(int descriptor);

// `address` and `length` are in whole pages of the system. `descriptor` is that of the mapped file
// if kMappingKeepsDescriptor is set, else -1.
int SyncMapping(void* address, size_t length, int descriptor);

// macOS flushes the drive's cache through a descriptor; on Linux msync does it and needs no
// descriptor.
#if defined(__APPLE__)
inline constexpr bool kMappingKeepsDescriptor = true;
#else
inline constexpr bool kMappingKeepsDescriptor = false;
#endif

// Reserves blocks for [0, bytes); the file's size becomes at least `bytes`. ENOTSUP if the file
// system can't; the caller writes zeros instead.
int ReserveBlocks(int descriptor, uint64_t current_size, uint64_t bytes);

// Makes the range, in whole pages within the file, read as zeros; its blocks stay reserved. ENOTSUP
// if the file system could only write them.
int ZeroBlocks(int descriptor, uint64_t offset, uint64_t length);

void DropCachedPages(int descriptor);
// Both do nothing if the system lacks the call.
void AdviseSequentialReads(int descriptor);
int BeginWriteback(int descriptor, uint64_t begin, uint64_t end);

// Announces access page by page: no read-ahead, small folios.
void AdviseRandomAccess(void* address, size_t length);

// Asks for huge pages when the range is first touched. A hint: may do nothing.
void AdviseHugePages(void* address, size_t length);

// Write-faults the pages without changing them. False if the system has no such call.
bool PopulateForWriting(void* address, size_t length);

// Keeps pages in memory from their first touch on.
int LockMemory(void* address, size_t length);

// Writes both pieces consecutively at `offset`, possibly fewer bytes. Returns their number or
// -errno.
ssize_t WritePieces(int descriptor, uint64_t offset, const void* first, size_t first_bytes,
                    const void* second, size_t second_bytes);

// "" if there is none.
const char* MemoryDirectory();
// About the directory's file system.
int ExamineMemory(const char* directory, bool* is_memory, uint64_t* free_bytes);
// A UUID that differs after each start of the machine, and a terminating zero.
int ReadBootIdText(char* text, size_t bytes);

uint64_t RandomU64();
// A time before 1970 counts as its first nanosecond, one beyond 2^64 ns as the last: it never
// wraps.
constexpr uint64_t NsOfTime(int64_t seconds, int64_t nanoseconds) {
  constexpr int64_t kLastSecond = 18'446'744'072;
  if (seconds < 0 || (seconds == 0 && nanoseconds == 0)) return 1;  // 0 means no time
  if (seconds > kLastSecond) return ~uint64_t{0};
  return static_cast<uint64_t>(seconds) * 1'000'000'000 + static_cast<uint64_t>(nanoseconds);
}
uint64_t RealtimeNs();
uint64_t MonotonicNs();

}  // namespace pinnacle::system_calls

#endif  // PINNACLE_PLATFORM_SYSTEM_CALLS_H_
