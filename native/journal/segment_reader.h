// Reads one segment's entries in order through pread, a chunk at a time.
#ifndef PINNACLE_JOURNAL_SEGMENT_READER_H_
#define PINNACLE_JOURNAL_SEGMENT_READER_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"
#include "journal/entry_check.h"
#include "journal/format.h"
#include "platform/file_system.h"

namespace pinnacle {

// A window over a segment's bytes. Chunks are small enough to stay in the L2 cache between the copy
// out of the page cache and the checksum.
class SegmentReader {
 public:
  static constexpr uint64_t kChunkBytes = 256 * 1024;
  // Checksums of lines are computed in groups of this size: all of a group stays in the first-level
  // cache.
  static constexpr uint64_t kLinesAhead = 64;

  // `file` outlives the reader. `segment_bytes` is the header's.
  SegmentReader(const File* file, uint64_t segment_bytes, uint32_t seed)
      : file_(file), segment_bytes_(segment_bytes), seed_(seed) {}

  // Moves to `offset` (a line). What was read before is forgotten.
  void Seek(uint64_t offset);
  // Back to an offset that was read from.
  void Rewind(uint64_t offset) {
    if (offset >= buffer_offset_ && buffer_bytes_ > 0) {
      offset_ = offset;
    } else {
      Seek(offset);
    }
  }
  uint64_t offset() const { return offset_; }

  // Verifies what is at the offset. On kValid, `*entry` points to the whole entry until the next
  // call, and Advance moves past it. A short file counts as zeros from its end on.
  Status Next(EntryCheck* check, const uint8_t** entry);
  void Advance(uint64_t bytes) { offset_ += bytes; }

  // The line at the offset if it is a valid entry of one line whose checksum is computed already,
  // as it is for most of them. nullptr says nothing: ask Next.
  const uint8_t* NextLine() const {
    const uint64_t at = offset_ - lines_begin_;
    if (at >= lines_end_ - lines_begin_) return nullptr;
    const bool good = IsGoodLine(here(), line_checksums_[at / kLineBytes], kTransactionFlags);
    return good ? here() : nullptr;
  }

  // The entries of one line, of no transaction, at the offset with the sequences `expected`,
  // expected + 1, … and whose checksums are computed already. None says nothing: ask Next.
  struct LineRun {
    uint64_t lines = 0;
    uint64_t known_durable = 0;  // highest that one of them claims
  };
  LineRun GoodLines(uint64_t expected) const {
    LineRun run;
    const uint64_t at = offset_ - lines_begin_;
    if (at >= lines_end_ - lines_begin_) return run;
    const uint64_t most = (lines_end_ - offset_) / kLineBytes;
    const uint32_t* checksums = line_checksums_ + at / kLineBytes;
    const uint8_t* line = here();
    for (; run.lines < most; ++run.lines, line += kLineBytes) {
      const EntryHeader header = LoadHeader(line);
      if (!IsGoodLine(line, checksums[run.lines], 0) || header.sequence != expected + run.lines) {
        break;
      }
      run.known_durable =
          std::max(run.known_durable, DurableClaim(header, LoadTrailer(line, kLineBytes)));
    }
    return run;
  }

  // The bytes at the offset, and how many bytes from there on are read already. None of them is
  // verified.
  const uint8_t* here() const { return buffer_.data() + (offset_ - buffer_offset_); }
  uint64_t bytes_ahead() const { return buffer_offset_ + buffer_bytes_ - offset_; }

  // Bytes of the window from the offset on: for looking at what follows a break. Reads `bytes` or
  // as much as there is to the end of the segment.
  Status Peek(uint64_t bytes, std::span<const uint8_t>* window);

  // Moves to the first line from the offset on that is not zero, or past the segment's last one.
  Status SkipZeroLines();

  uint64_t bytes_read() const { return bytes_read_; }

 private:
  // `checksum` is the line's, computed. (Not of a hole: its sequence alone does not say whether it
  // continues the run.) `flags`: that it may have beside the plain ones.
  static bool IsGoodLine(const uint8_t* line, uint32_t checksum, uint8_t flags) {
    const EntryHeader header = LoadHeader(line);
    return header.payload_bytes <= kLinePayloadBytes && TypeAndLengthFit(header) &&
           FlagsArePlain(header, flags) && LoadTrailer(line, kLineBytes).checksum == checksum;
  }

  Status Fill(uint64_t bytes);  // makes [offset_, offset_ + bytes) available, if the segment has it
  void ChecksumLines();         // of the window from offset_ on, into line_checksums_

  const File* file_;
  uint64_t segment_bytes_;
  uint32_t seed_;
  uint64_t offset_ = kSegmentHeaderBytes;
  std::vector<uint8_t> buffer_;
  uint64_t buffer_offset_ = 0;  // place of buffer_[0] in the segment
  uint64_t buffer_bytes_ = 0;   // valid in buffer_
  // Checksums of single lines, computed ahead several at a time.
  uint32_t line_checksums_[kLinesAhead];
  uint64_t lines_begin_ = 0;  // offset of the first line in line_checksums_
  uint64_t lines_end_ = 0;
  uint64_t bytes_read_ = 0;
};

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_SEGMENT_READER_H_
