#include "backup/copying.h"

#include <algorithm>
#include <memory>

#include "checksum/crc32c.h"
#include "platform/read_fully.h"

namespace pinnacle {

Status WorkControl::Check() const {
  if (given_up == nullptr || !given_up->load(std::memory_order_relaxed)) return Status();
  return Status(Code::kAborted, "aborted before it was complete; nothing was left behind");
}

Status PhaseProgress::Add(uint64_t bytes) {
  done_ += bytes;
  if (control_.progress) control_.progress(phase_, done_, std::max(done_, total_));
  if (control_.after_piece) control_.after_piece(bytes);
  return control_.Check();
}

Status Copier::Copy(const File& from, uint64_t begin, uint64_t end, File* to, uint32_t* checksum,
                    uint64_t* copied) {
  buffer_.resize(progress_->piece_bytes());
  *copied = 0;
  uint64_t unsynced = 0;
  while (begin + *copied < end) {
    const uint64_t offset = begin + *copied;
    const std::span<uint8_t> piece(buffer_.data(),
                                   std::min<uint64_t>(buffer_.size(), end - offset));
    size_t got = 0;
    PINNACLE_RETURN_IF_ERROR(ReadFully(from, offset, piece, &got));
    if (got == 0) break;
    *checksum = Crc32cExtend(*checksum, piece.data(), got);
    PINNACLE_RETURN_IF_ERROR(to->Write(offset, piece.first(got)));
    *copied += got;
    unsynced += got;
    if (sync_bytes_ == UINT64_MAX) {
      PINNACLE_RETURN_IF_ERROR(to->BeginWriteback(offset, offset + got));
    }
    if (unsynced >= sync_bytes_) {
      PINNACLE_RETURN_IF_ERROR(to->Sync());
      unsynced = 0;
    }
    PINNACLE_RETURN_IF_ERROR(progress_->Add(got));
    if (got < piece.size()) break;
  }
  return to->Sync();
}

Status Copier::Checksum(const File& file, uint64_t end, uint32_t* checksum, uint64_t* bytes) {
  buffer_.resize(progress_->piece_bytes());
  uint32_t state = ~0u;
  *bytes = 0;
  while (*bytes < end) {
    const std::span<uint8_t> piece(buffer_.data(),
                                   std::min<uint64_t>(buffer_.size(), end - *bytes));
    size_t got = 0;
    PINNACLE_RETURN_IF_ERROR(ReadFully(file, *bytes, piece, &got));
    if (got == 0) break;
    state = Crc32cExtend(state, piece.data(), got);
    *bytes += got;
    PINNACLE_RETURN_IF_ERROR(progress_->Add(got));
  }
  *checksum = ~state;
  return Status();
}

Status Copier::ChecksumOnDevice(const std::string& path, uint32_t* checksum, uint64_t* bytes) {
  std::unique_ptr<File> file;
  PINNACLE_RETURN_IF_ERROR(file_system_->Open(path, OpenMode::kRead, &file));
  file->DropCache();
  file->ExpectSequentialReads();
  return Checksum(*file, UINT64_MAX, checksum, bytes);
}

}  // namespace pinnacle
