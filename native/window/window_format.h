// The bytes of a window: a file on a memory file system that the writer stores entries into;
// threads of the journal then copy them to the segment files. docs/format.md describes the same.
// All integers are little-endian.
//
// Invariants:
// - The header is written once, before the data directory's head record names the window.
// - The ring has each line of the journal at the place that its segment and offset give (PlaceOf):
//   no record of places exists that could be wrong.
// - A line's bytes are those that the segment file has or will get. So if file and window both have
//   a line, either the two are equal or the window does not belong to this directory's present
//   state.
#ifndef PINNACLE_WINDOW_WINDOW_FORMAT_H_
#define PINNACLE_WINDOW_WINDOW_FORMAT_H_

#include <cstddef>
#include <cstdint>

#include "platform/file_system.h"

namespace pinnacle {

inline constexpr char kWindowMagic[8] = {'P', 'I', 'N', 'N', 'W', 'I', 'N', '\n'};
inline constexpr uint16_t kWindowVersion = 1;
inline constexpr uint64_t kWindowHeaderBytes = 65536;  // then the ring; contains live/live_page.h
inline constexpr uint64_t kMinWindowBytes = 64 * 1024;
inline constexpr uint64_t kMaxWindowBytes = uint64_t{1} << 30;
inline constexpr uint64_t kDefaultWindowBytes = 16ull * 1024 * 1024;
// The least that `auto` accepts: with less, a sync of an ordinary device would make the writer
// wait.
inline constexpr uint64_t kLeastAutoWindowBytes = 4ull * 1024 * 1024;

// At offset 0 of a window.
struct WindowHeader {
  char magic[8];
  uint16_t version;
  uint16_t header_bytes;  // sizeof(WindowHeader)
  uint32_t checksum;      // CRC32C over the header with this field 0
  uint64_t mandatory_features;
  uint64_t optional_features;
  uint8_t window_id[16];  // random; the file's name has it
  uint8_t boot_id[16];    // the machine's, when the window was made
  uint64_t journal_id_low;
  uint64_t journal_id_high;
  uint64_t epoch;  // of the head record that names it
  uint64_t directory_device;
  uint64_t directory_inode;
  uint64_t ring_bytes;
  // The writer's start: the segment, its size, the offset in it, the first entry's sequence.
  uint64_t first_segment;
  uint64_t first_segment_bytes;
  uint64_t first_offset;
  uint64_t first_sequence;
  uint64_t segment_bytes;  // of all later segments
  uint64_t pid;
  uint64_t created_ns;
  char directory[344];  // its path, for messages; zero-padded, perhaps cut off
};
static_assert(sizeof(WindowHeader) == kSectorBytes);
static_assert(offsetof(WindowHeader, window_id) == 32 && offsetof(WindowHeader, epoch) == 80);
static_assert(offsetof(WindowHeader, ring_bytes) == 104);
static_assert(offsetof(WindowHeader, directory) == 168);

// The position of a segment's line in the stream of all lines, of which the ring has the newest.
inline uint64_t PlaceOf(const WindowHeader& header, uint64_t segment, uint64_t offset) {
  if (segment == header.first_segment) return offset;
  return header.first_segment_bytes + (segment - header.first_segment - 1) * header.segment_bytes +
         offset;
}

}  // namespace pinnacle

#endif  // PINNACLE_WINDOW_WINDOW_FORMAT_H_
