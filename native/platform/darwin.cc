// The macOS implementation of system_calls.h.
#if defined(__APPLE__)

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysctl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "platform/system_calls.h"

namespace pinnacle::system_calls {
namespace {

// fsync and msync leave the bytes in the drive's volatile cache; only F_FULLFSYNC empties it. If a
// file system can't do that (ENOTSUP on most network mounts) the error is returned: falling back to
// fsync would claim a durability that doesn't exist.
int FullSync(int descriptor) {
  while (fcntl(descriptor, F_FULLFSYNC) == -1) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace

int Examine(const char* path, struct stat* about) { return stat(path, about) == 0 ? 0 : errno; }

int Examine(int descriptor, struct stat* about) {
  return fstat(descriptor, about) == 0 ? 0 : errno;
}

int SyncFile(int descriptor) { return FullSync(descriptor); }

int SyncDirectory(int descriptor) { return FullSync(descriptor); }

int SyncMapping(void* address, size_t length, int descriptor) {
  while (msync(address, length, MS_SYNC) != 0) {
    if (errno != EINTR) return errno;
  }
  return FullSync(descriptor);
}

int ReserveBlocks(int descriptor, uint64_t current_size, uint64_t bytes) {
  struct stat information;
  if (fstat(descriptor, &information) != 0) return errno;
  const uint64_t allocated = static_cast<uint64_t>(information.st_blocks) * 512;
  if (bytes > allocated) {
    // F_PEOFPOSMODE counts from the physical end of the file.
    fstore_t store = {};
    store.fst_flags = F_ALLOCATEALL;
    store.fst_posmode = F_PEOFPOSMODE;
    store.fst_offset = 0;
    store.fst_length = static_cast<off_t>(bytes - allocated);
    while (fcntl(descriptor, F_PREALLOCATE, &store) == -1) {
      if (errno != EINTR) return errno == EOPNOTSUPP || errno == EINVAL ? ENOTSUP : errno;
    }
  }
  if (bytes > current_size) {
    while (ftruncate(descriptor, static_cast<off_t>(bytes)) != 0) {
      if (errno != EINTR) return errno;
    }
  }
  return 0;
}

// F_PUNCHHOLE would free the blocks, and with them the promise that a store finds room.
int ZeroBlocks(int, uint64_t, uint64_t) { return ENOTSUP; }

// macOS caches file pages individually: there are no large folios to drop.
void DropCachedPages(int) {}

// macOS already reads ahead.
void AdviseSequentialReads(int) {}

int BeginWriteback(int, uint64_t, uint64_t) { return 0; }

void AdviseRandomAccess(void* address, size_t length) { madvise(address, length, MADV_RANDOM); }

// macOS offers huge pages only at allocation, and not on every processor.
void AdviseHugePages(void*, size_t) {}

bool PopulateForWriting(void*, size_t) { return false; }

int LockMemory(void* address, size_t length) { return mlock(address, length) == 0 ? 0 : errno; }

ssize_t WritePieces(int descriptor, uint64_t offset, const void* first, size_t first_bytes,
                    const void* second, size_t second_bytes) {
  const bool first_done = first_bytes == 0;
  ssize_t put;
  do {
    put = pwrite(descriptor, first_done ? second : first, first_done ? second_bytes : first_bytes,
                 static_cast<off_t>(offset));
  } while (put < 0 && errno == EINTR);
  return put >= 0 ? put : -errno;
}

// macOS has no in-memory file system: it treats a RAM disk as a device.
const char* MemoryDirectory() { return ""; }

int ExamineMemory(const char*, bool* is_memory, uint64_t* free_bytes) {
  *is_memory = false;
  *free_bytes = 0;
  return 0;
}

int ReadBootIdText(char* text, size_t bytes) {
  size_t length = bytes - 1;
  if (sysctlbyname("kern.bootsessionuuid", text, &length, nullptr, 0) != 0) return errno;
  text[length] = '\0';
  return 0;
}

uint64_t RandomU64() {
  uint64_t value;
  arc4random_buf(&value, sizeof(value));
  return value;
}

uint64_t RealtimeNs() {
  timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return NsOfTime(time.tv_sec, time.tv_nsec);
}

uint64_t MonotonicNs() { return clock_gettime_nsec_np(CLOCK_UPTIME_RAW); }

}  // namespace pinnacle::system_calls

#endif  // defined(__APPLE__)
