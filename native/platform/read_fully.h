// Reads that can't be mistaken for the end of a file.
#ifndef PINNACLE_PLATFORM_READ_FULLY_H_
#define PINNACLE_PLATFORM_READ_FULLY_H_

#include <cstdint>
#include <span>

#include "base/status.h"
#include "platform/file_system.h"

namespace pinnacle {

// Reads until `out` is full or the file ends. A file system may return fewer bytes than requested;
// taking that for the end of the file would make written entries look unwritten.
inline Status ReadFully(const File& file, uint64_t offset, std::span<uint8_t> out,
                        size_t* bytes_read) {
  *bytes_read = 0;
  while (*bytes_read < out.size()) {
    size_t got = 0;
    PINNACLE_RETURN_IF_ERROR(file.Read(offset + *bytes_read, out.subspan(*bytes_read), &got));
    if (got == 0) break;
    *bytes_read += got;
  }
  return Status();
}

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_READ_FULLY_H_
