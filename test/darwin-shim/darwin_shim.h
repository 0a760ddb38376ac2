// Makes a Linux compiler take the macOS branches, to check their syntax and types: nothing compiled with this
// ever runs. It is included before everything except linux_library.h (-include). It declares what macOS has
// and Linux lacks, then defines __APPLE__ in place of __linux__.
#ifndef PINNACLE_TEST_DARWIN_SHIM_H_
#define PINNACLE_TEST_DARWIN_SHIM_H_

#include "linux_library.h"

#undef __linux__
#undef __linux
#undef linux
#undef __gnu_linux__
#define __APPLE__ 1
#define __MACH__ 1

// <sys/fcntl.h> of macOS.
#define F_PREALLOCATE 42
#define F_NOCACHE 48
#define F_FULLFSYNC 51
#define F_BARRIERFSYNC 85
#define F_ALLOCATECONTIG 0x00000002
#define F_ALLOCATEALL 0x00000004
#define F_PEOFPOSMODE 3

struct fstore_t {
  unsigned int fst_flags;
  int fst_posmode;
  off_t fst_offset;
  off_t fst_length;
  off_t fst_bytesalloc;
};

// Linux names that a macOS branch must not use.
#undef MADV_POPULATE_WRITE
#undef POSIX_FADV_DONTNEED
#undef MAP_POPULATE
#undef O_DIRECT
#undef CLOCK_REALTIME_COARSE
#pragma GCC poison fallocate posix_fallocate fdatasync posix_fadvise getrandom syncfs mremap

// <time.h> of macOS. Unlike Linux it has no CLOCK_BOOTTIME.
#define CLOCK_UPTIME_RAW 8
extern "C" uint64_t clock_gettime_nsec_np(clockid_t clock);
int pthread_setname_np(const char* name);  // an overload: Linux's takes the thread as well
extern "C" void arc4random_buf(void* buffer, size_t length);

// <string.h> with __STDC_WANT_LIB_EXT1__
extern "C" int memset_s(void* bytes, unsigned long size, int value, unsigned long count);

#endif  // PINNACLE_TEST_DARWIN_SHIM_H_
