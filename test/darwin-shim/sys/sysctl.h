// <sys/sysctl.h> of macOS, as far as the core uses it.
#ifndef PINNACLE_TEST_DARWIN_SHIM_SYS_SYSCTL_H_
#define PINNACLE_TEST_DARWIN_SHIM_SYS_SYSCTL_H_

#include <cstddef>

extern "C" int sysctlbyname(const char* name, void* value, size_t* bytes, void* new_value,
                            size_t new_bytes);

#endif  // PINNACLE_TEST_DARWIN_SHIM_SYS_SYSCTL_H_
