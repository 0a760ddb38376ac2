#include "backup/taken_files.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "checksum/crc32c.h"
#include "journal/segment_header.h"
#include "platform/read_fully.h"

namespace pinnacle {

void FileTaker::Use(const std::string& directory, const std::vector<FoundBackup>* earlier) {
  directory_ = directory;
  earlier_ = earlier;
}

Status FileTaker::CopyEnd(const File& from, const SourceSegment& segment, PhaseProgress* progress,
                          Taken* copy) {
  std::vector<uint8_t> page(kSegmentHeaderBytes);
  size_t got = 0;
  PINNACLE_RETURN_IF_ERROR(ReadFully(from, 0, page, &got));
  for (const uint64_t offset : kFrontierMarkOffsets) {
    std::fill_n(page.begin() + static_cast<ptrdiff_t>(offset), sizeof(FrontierMark), uint8_t{0});
  }
  if (segment.last_sequence != 0) {
    const FrontierMark mark =
        MakeFrontierMark(SeedOfSegment(segment.header.segment_id), segment.last_sequence, 1,
                         environment_.clock->NowNs());
    std::memcpy(page.data() + kFrontierMarkOffsets[1], &mark, sizeof(mark));
  }
  copy->listed.link = ReadLink(page, segment.header).link;
  copy->state = Crc32cExtend(~0u, page.data(), page.size());
  std::unique_ptr<File> to;
  PINNACLE_RETURN_IF_ERROR(fs_->Open(PathOf(*copy), OpenMode::kCreate, &to));
  PINNACLE_RETURN_IF_ERROR(to->Write(0, page));
  Copier copier(fs_, progress, sync_bytes());
  uint64_t copied = 0;
  PINNACLE_RETURN_IF_ERROR(
      copier.Copy(from, page.size(), segment.bytes, to.get(), &copy->state, &copied));
  copy->listed.bytes = page.size() + copied;
  return Status();
}

Status FileTaker::ShareOrCopy(const File& from, uint64_t bytes, PhaseProgress* progress,
                              Taken* copy) {
  Copier copier(fs_, progress, sync_bytes());
  std::string earlier_path;
  const ManifestFile* earlier = FindEarlier(*copy, bytes, &earlier_path);
  if (earlier != nullptr) {
    uint32_t checksum = 0;
    uint64_t got = 0;
    PINNACLE_RETURN_IF_ERROR(copier.Checksum(from, bytes, &checksum, &got));
    if (got == bytes && checksum == earlier->checksum) {
      PINNACLE_RETURN_IF_ERROR(Share(earlier_path, checksum, bytes, copy));
      if (copy->shared) return Status();
    }
  }
  std::unique_ptr<File> to;
  PINNACLE_RETURN_IF_ERROR(fs_->Open(PathOf(*copy), OpenMode::kCreate, &to));
  copy->state = ~0u;
  return copier.Copy(from, 0, bytes, to.get(), &copy->state, &copy->listed.bytes);
}

Status FileTaker::Share(const std::string& path, uint32_t checksum, uint64_t bytes, Taken* copy) {
  bool done = false;
  Status linked = fs_->Link(path, PathOf(*copy), &done);
  // It was removed together with its backup meanwhile.
  if (linked.code() == Code::kNotFound) return Status();
  PINNACLE_RETURN_IF_ERROR(std::move(linked));
  if (!done) return Status();
  PhaseProgress unseen(control_, "verify", bytes);
  uint32_t found = 0;
  uint64_t got = 0;
  PINNACLE_RETURN_IF_ERROR(Copier(fs_, &unseen).ChecksumOnDevice(PathOf(*copy), &found, &got));
  if (got != bytes || found != checksum) {
    damaged_backups_.push_back(path);
    return fs_->Remove(PathOf(*copy));
  }
  copy->shared = true;
  copy->state = ~checksum;
  copy->listed.bytes = bytes;
  return Status();
}

// The newest earlier backup's file that should have the same bytes.
const ManifestFile* FileTaker::FindEarlier(const Taken& wanted, uint64_t bytes,
                                           std::string* path) const {
  for (auto backup = earlier_->rbegin(); backup != earlier_->rend(); ++backup) {
    if (!backup->status.ok()) continue;
    for (const ManifestFile& file : backup->manifest.files) {
      if (file.kind != wanted.listed.kind || file.number != wanted.listed.number ||
          file.bytes != bytes || file.segment_id != wanted.listed.segment_id ||
          file.link != wanted.listed.link) {
        continue;
      }
      *path = backup->path + "/" + NameOf(file);
      if (std::find(damaged_backups_.begin(), damaged_backups_.end(), *path) !=
          damaged_backups_.end()) {
        continue;
      }
      return &file;
    }
  }
  return nullptr;
}

}  // namespace pinnacle
