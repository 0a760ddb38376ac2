#include "engine/journal_identity.h"

#include <memory>
#include <utility>
#include <vector>

namespace pinnacle {

namespace {

// The header was read, but it is not a sound one.
bool IsVerdict(Code code) {
  return code == Code::kCorrupt || code == Code::kNotOurFile || code == Code::kNewerVersion ||
         code == Code::kUnknownFeature;
}

}  // namespace

Status FindJournalId(FileSystem* fs, const std::string& data_directory,
                     std::optional<JournalId>* id) {
  id->reset();
  std::vector<SegmentFile> segments;
  PINNACLE_RETURN_IF_ERROR(ListSegments(fs, JournalDirectory(data_directory), &segments));
  for (const SegmentFile& segment : segments) {
    std::unique_ptr<File> file;
    Status status = fs->Open(segment.path, OpenMode::kRead, &file);
    // Compaction may have removed it since it was listed.
    if (status.code() == Code::kNotFound) continue;
    PINNACLE_RETURN_IF_ERROR(std::move(status));
    SegmentHeader header{};
    status = ReadSegmentHeader(*file, segment, &header);
    if (IsVerdict(status.code())) continue;
    PINNACLE_RETURN_IF_ERROR(std::move(status));
    *id = JournalId{header.journal_id_low, header.journal_id_high};
    return Status();
  }
  return Status();
}

}  // namespace pinnacle
