// The pages that an offset in a segment is in.
#ifndef PINNACLE_JOURNAL_SEGMENT_PAGES_H_
#define PINNACLE_JOURNAL_SEGMENT_PAGES_H_

#include <cstdint>

#include "platform/file_system.h"

namespace pinnacle {

constexpr uint64_t PageStart(uint64_t offset) { return offset / kPageBytes * kPageBytes; }
constexpr uint64_t PageEnd(uint64_t offset) { return PageStart(offset + kPageBytes - 1); }

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_SEGMENT_PAGES_H_
