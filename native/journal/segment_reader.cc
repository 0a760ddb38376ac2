#include "journal/segment_reader.h"

#include <algorithm>
#include <cstring>

#include "base/zeros.h"
#include "checksum/crc32c.h"
#include "platform/read_fully.h"

namespace pinnacle {

void SegmentReader::Seek(uint64_t offset) {
  offset_ = offset;
  buffer_bytes_ = 0;
  lines_begin_ = lines_end_ = 0;
}

Status SegmentReader::Fill(uint64_t bytes) {
  bytes = std::min(bytes, segment_bytes_ - offset_);
  if (offset_ >= buffer_offset_ && offset_ + bytes <= buffer_offset_ + buffer_bytes_) {
    return Status();
  }
  uint64_t kept = 0;
  if (offset_ >= buffer_offset_ && offset_ < buffer_offset_ + buffer_bytes_) {
    kept = buffer_offset_ + buffer_bytes_ - offset_;
    std::memmove(buffer_.data(), here(), kept);
  }
  const uint64_t wanted = std::min(std::max(bytes, kChunkBytes), segment_bytes_ - offset_);
  if (buffer_.size() < wanted) buffer_.resize(wanted);
  size_t bytes_read = 0;
  PINNACLE_RETURN_IF_ERROR(ReadFully(*file_, offset_ + kept,
                                     {buffer_.data() + kept, static_cast<size_t>(wanted - kept)},
                                     &bytes_read));
  bytes_read_ += bytes_read;
  std::memset(buffer_.data() + kept + bytes_read, 0, wanted - kept - bytes_read);
  buffer_offset_ = offset_;
  buffer_bytes_ = wanted;
  return Status();
}

void SegmentReader::ChecksumLines() {
  const uint64_t available = buffer_offset_ + buffer_bytes_ - offset_;
  const uint64_t lines = std::min(kLinesAhead, available / kLineBytes);
  Crc32cLines(seed_, here(), lines, line_checksums_);
  lines_begin_ = offset_;
  lines_end_ = offset_ + lines * kLineBytes;
}

Status SegmentReader::Next(EntryCheck* check, const uint8_t** entry) {
  if (offset_ + kLineBytes > segment_bytes_) {
    *check = {EntryState::kUnwritten, 0};
    return Status();
  }
  if (offset_ + kLineBytes > buffer_offset_ + buffer_bytes_ || offset_ < buffer_offset_) {
    PINNACLE_RETURN_IF_ERROR(Fill(kLineBytes));
  }
  const uint8_t* bytes = here();
  const EntryHeader header = LoadHeader(bytes);
  if (HeaderIsPlausible(header)) {
    const uint64_t entry_bytes = EntryBytes(header.payload_bytes);
    if (entry_bytes == kLineBytes) {
      if (offset_ < lines_begin_ || offset_ >= lines_end_) ChecksumLines();
      if (line_checksums_[(offset_ - lines_begin_) / kLineBytes] ==
          LoadTrailer(bytes, kLineBytes).checksum) {
        *check = {EntryState::kValid, kLineBytes};
        *entry = bytes;
        return Status();
      }
    } else if (offset_ + entry_bytes <= segment_bytes_) {
      PINNACLE_RETURN_IF_ERROR(Fill(entry_bytes));
      bytes = here();
      if (Crc32cExtend(seed_, bytes, entry_bytes - sizeof(EntryTrailer::checksum)) ==
          LoadTrailer(bytes, entry_bytes).checksum) {
        *check = {EntryState::kValid, entry_bytes};
        *entry = bytes;
        return Status();
      }
    }
  }
  // Not valid. The judgement may need as many bytes as the largest entry has, but seldom: look at
  // the line first, which settles the ordinary end of the journal.
  std::span<const uint8_t> window;
  PINNACLE_RETURN_IF_ERROR(Peek(kLineBytes, &window));
  if (AllZero(window.data(), kLineBytes)) {
    *check = {EntryState::kUnwritten, 0};
    return Status();
  }
  PINNACLE_RETURN_IF_ERROR(Peek(EntryBytes(kMaxPayloadBytes), &window));
  *check = {ClassifyInvalidEntry(window, offset_, seed_), 0};
  return Status();
}

Status SegmentReader::SkipZeroLines() {
  while (offset_ + kLineBytes <= segment_bytes_) {
    PINNACLE_RETURN_IF_ERROR(Fill(kLineBytes));
    const uint8_t* at = here();
    const uint64_t lines = (buffer_offset_ + buffer_bytes_ - offset_) / kLineBytes;
    if (!AllZero(at, lines * kLineBytes)) {
      for (; AllZero(at, kLineBytes); at += kLineBytes) offset_ += kLineBytes;
      return Status();
    }
    offset_ += lines * kLineBytes;
  }
  return Status();
}

Status SegmentReader::Peek(uint64_t bytes, std::span<const uint8_t>* window) {
  bytes = std::min(bytes, segment_bytes_ - offset_);
  PINNACLE_RETURN_IF_ERROR(Fill(bytes));
  *window = {here(), static_cast<size_t>(bytes)};
  return Status();
}

}  // namespace pinnacle
