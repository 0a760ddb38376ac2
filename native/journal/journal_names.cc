// How the journal notices that what it writes to was removed, renamed or replaced under its hands.
//
// A mapped file takes stores and syncs whether it has a name or not, but what has no name is gone
// when the process ends. So with each sync, after the appends that it covers, the names that
// recovery will look for are compared with what is open here; the older segments' are compared
// before the next segment is made. The comparison is made while the device works: it costs a tenth
// of a sync on a good one. (What happens between it and the acknowledgement is as if it happened
// after that.)
#include <utility>

#include "journal/journal.h"

namespace pinnacle {

namespace {

// kDirectoryLost unless `path` names the file of `identity`.
Status CheckName(FileSystem* fs, const std::string& path, const FileIdentity& identity) {
  FileIdentity named;
  Status status = fs->Identify(path, &named);
  if (status.code() == Code::kNotFound || status.code() == Code::kNotADirectory) {
    return Status(Code::kDirectoryLost,
                  "'" + path + "' was removed or renamed while it was in use");
  }
  PINNACLE_RETURN_IF_ERROR(std::move(status));
  if (named == identity) return Status();
  return Status(Code::kDirectoryLost, "'" + path + "' was replaced while it was in use");
}

}  // namespace

Status Journal::CheckSegmentName(const Segment& segment) const {
  PINNACLE_RETURN_IF_ERROR(CheckName(environment_.file_system, segment.path, segment.identity));
  if (segment.file == nullptr) return Status();
  // A write makes a truncated file longer again, with zeros in place of entries.
  uint64_t size = 0;
  PINNACLE_RETURN_IF_ERROR(segment.file->Size(&size));
  if (size >= segment.bytes) return Status();
  return Status(Code::kDirectoryLost,
                segment.path + " was cut short while it is written to: it has " +
                    std::to_string(size) + " of " + std::to_string(segment.bytes) + " bytes");
}

Status Journal::CheckDirectory() const {
  if (lock_ != nullptr) PINNACLE_RETURN_IF_ERROR(lock_->Check());
  if (head_path_.empty()) return Status();
  return CheckName(environment_.file_system, head_path_, head_identity_);
}

Status Journal::CheckNamesOf(const Extent& to) const {
  PINNACLE_RETURN_IF_ERROR(CheckDirectory());
  for (const Rolled& full : to.rolled) PINNACLE_RETURN_IF_ERROR(CheckSegmentName(*full.segment));
  return CheckSegmentName(*to.segment);
}

Status Journal::CheckNames() {
  if (failed()) return failure();
  Status status = CheckDirectory();
  if (status.ok()) status = CheckRecords();
  if (status.ok()) return status;
  Fail(status);
  return failure();
}

Status Journal::CheckRecords() {
  std::vector<SegmentRecord> records;
  {
    std::lock_guard lock(state_mutex_);
    records = records_;
  }
  for (const SegmentRecord& record : records) {
    Status status = CheckName(environment_.file_system, record.file.path, record.identity);
    if (status.ok()) continue;
    std::lock_guard lock(state_mutex_);
    // Released meanwhile: its name went on purpose.
    if (record.file.index < released_below_) continue;
    return status;
  }
  return Status();
}

}  // namespace pinnacle
