// Whether a range of bytes is all zero, checked at about the speed of memory: it equals itself
// shifted by one byte.
#ifndef PINNACLE_BASE_ZEROS_H_
#define PINNACLE_BASE_ZEROS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pinnacle {

inline bool AllZero(const uint8_t* bytes, size_t length) {
  return length == 0 || (bytes[0] == 0 && std::memcmp(bytes, bytes + 1, length - 1) == 0);
}

}  // namespace pinnacle

#endif  // PINNACLE_BASE_ZEROS_H_
