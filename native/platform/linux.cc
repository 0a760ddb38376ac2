// The Linux implementation of system_calls.h.
#if defined(__linux__)

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "base/check.h"
#include "platform/system_calls.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // Linux 5.14; older C libraries lack the name
#endif

namespace pinnacle::system_calls {
namespace {

uint64_t ReadClock(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return NsOfTime(time.tv_sec, time.tv_nsec);
}

template <typename Call>
int RetryInterrupted(Call call) {
  while (call() != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int ExamineAt(int descriptor, const char* path, int flags, struct stat* about) {
  constexpr unsigned kAsked =
      STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_UID | STATX_INO | STATX_SIZE;
  struct statx found;
  if (statx(descriptor, path, flags, kAsked, &found) != 0) return errno;
  *about = {};
  about->st_dev = makedev(found.stx_dev_major, found.stx_dev_minor);
  about->st_ino = found.stx_ino;
  about->st_mode = found.stx_mode;
  about->st_nlink = found.stx_nlink;
  about->st_uid = found.stx_uid;
  about->st_size = static_cast<off_t>(found.stx_size);
  return 0;
}

}  // namespace

int Examine(const char* path, struct stat* about) { return ExamineAt(AT_FDCWD, path, 0, about); }

int Examine(int descriptor, struct stat* about) {
  return ExamineAt(descriptor, "", AT_EMPTY_PATH, about);
}

int SyncFile(int descriptor) {
  // fdatasync also writes the size if reading the content back needs it.
  return RetryInterrupted([&] { return fdatasync(descriptor); });
}

int SyncDirectory(int descriptor) {
  return RetryInterrupted([&] { return fsync(descriptor); });
}

int SyncMapping(void* address, size_t length, int) {
  return RetryInterrupted([&] { return msync(address, length, MS_SYNC); });
}

int ReserveBlocks(int descriptor, uint64_t size, uint64_t bytes) {
  if (bytes == 0) return 0;
  // fallocate and not posix_fallocate: the latter silently falls back to writing into the file.
  const int error =
      RetryInterrupted([&] { return fallocate(descriptor, 0, 0, static_cast<off_t>(bytes)); });
  if (error == ENOSYS || error == EOPNOTSUPP) return ENOTSUP;
  if (error != 0 || size == 0) return error;
#if defined(FALLOC_FL_UNSHARE_RANGE)
  // Blocks that the file shares with a copy (reflink) would need new ones at the first store.
  const int unshared = RetryInterrupted([&] {
    return fallocate(descriptor, FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE, 0,
                     static_cast<off_t>(bytes));
  });
  if (unshared == ENOSPC || unshared == EDQUOT || unshared == EIO) return unshared;
#endif
  return 0;
}

int ZeroBlocks(int descriptor, uint64_t offset, uint64_t length) {
  const int error = RetryInterrupted([&] {
    return fallocate(descriptor, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
                     static_cast<off_t>(offset), static_cast<off_t>(length));
  });
  return error == ENOSYS || error == EOPNOTSUPP ? ENOTSUP : error;
}

void DropCachedPages(int descriptor) {
  posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);  // of clean pages; dirty ones stay
}

void AdviseSequentialReads(int descriptor) {
  posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
}

int BeginWriteback(int descriptor, uint64_t begin, uint64_t end) {
  if (begin >= end) return 0;  // to the file's end, to the system
  const int error = RetryInterrupted([&] {
    return sync_file_range(descriptor, static_cast<off64_t>(begin),
                           static_cast<off64_t>(end - begin), SYNC_FILE_RANGE_WRITE);
  });
  return error == ENOSYS || error == EOPNOTSUPP || error == EINVAL ? 0 : error;
}

void AdviseRandomAccess(void* address, size_t length) { madvise(address, length, MADV_RANDOM); }

void AdviseHugePages(void* address, size_t length) { madvise(address, length, MADV_HUGEPAGE); }

bool PopulateForWriting(void* address, size_t length) {
  // EINVAL means a kernel older than Linux 5.14. Other errors (a full disk under a sparse file, a
  // bad page) mean that touching would also fault, so there is nothing better to do.
  return RetryInterrupted([&] { return madvise(address, length, MADV_POPULATE_WRITE); }) != EINVAL;
}

int LockMemory(void* address, size_t length) {
#if defined(MLOCK_ONFAULT)
  // Not all at once: mlock would touch every page before it returns.
  if (mlock2(address, length, MLOCK_ONFAULT) == 0) return 0;
  return errno;
#else
  (void)address;
  (void)length;
  return ENOTSUP;
#endif
}

ssize_t WritePieces(int descriptor, uint64_t offset, const void* first, size_t first_bytes,
                    const void* second, size_t second_bytes) {
  const iovec pieces[2] = {{const_cast<void*>(first), first_bytes},
                           {const_cast<void*>(second), second_bytes}};
  ssize_t put;
  do {
    put = pwritev(descriptor, pieces, 2, static_cast<off_t>(offset));
  } while (put < 0 && errno == EINTR);
  return put >= 0 ? put : -errno;
}

const char* MemoryDirectory() { return "/dev/shm"; }

int ExamineMemory(const char* directory, bool* is_memory, uint64_t* free_bytes) {
  constexpr uint64_t kTmpfs = 0x01021994;  // magic numbers of statfs(2)
  constexpr uint64_t kRamfs = 0x858458f6;
  struct statfs about;
  const int error = RetryInterrupted([&] { return statfs(directory, &about); });
  if (error != 0) return error;
  const auto type = static_cast<uint64_t>(static_cast<uint32_t>(about.f_type));
  *is_memory = type == kTmpfs || type == kRamfs;
  // A tmpfs without its own limit, and ramfs, report no number of blocks.
  *free_bytes = about.f_blocks == 0
                    ? UINT64_MAX
                    : static_cast<uint64_t>(about.f_bavail) * static_cast<uint64_t>(about.f_bsize);
  return 0;
}

int ReadBootIdText(char* text, size_t bytes) {
  int descriptor;
  do {
    descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) return errno;
  const ssize_t got = read(descriptor, text, bytes - 1);
  const int error = got < 0 ? errno : 0;
  close(descriptor);
  if (got >= 0) text[got] = '\0';
  return error;
}

uint64_t RandomU64() {
  uint64_t value;
  ssize_t got;
  do {
    got = getrandom(&value, sizeof(value), 0);
  } while (got < 0 && errno == EINTR);
  PINNACLE_CHECK(got == sizeof(value));  // this few bytes are never cut short
  return value;
}

uint64_t RealtimeNs() { return ReadClock(CLOCK_REALTIME); }

uint64_t MonotonicNs() { return ReadClock(CLOCK_MONOTONIC); }

}  // namespace pinnacle::system_calls

#endif  // defined(__linux__)
