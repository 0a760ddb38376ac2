#include "journal/head_record.h"

#include <cstring>
#include <utility>
#include <vector>

#include "base/zeros.h"
#include "journal/two_slots.h"

namespace pinnacle {

namespace {

bool HasNoWindow(const HeadRecord& record) {
  return AllZero(record.window_id, sizeof(record.window_id)) &&
         AllZero(record.boot_id, sizeof(record.boot_id)) &&
         AllZero(reinterpret_cast<const uint8_t*>(record.window_directory),
                 sizeof(record.window_directory));
}

bool HasWindowName(const HeadRecord& record) {
  return !AllZero(record.window_id, sizeof(record.window_id)) &&
         record.window_directory[0] == '/' &&
         record.window_directory[sizeof(record.window_directory) - 1] == '\0';
}

// What this version keeps for later ones is zero, and no index contradicts another. (Version 1 had
// no head record; a key needs a feature that this version lacks.)
bool IsConsistent(const HeadRecord& record) {
  const bool reserved_zero = AllZero(record.key_id, sizeof(record.key_id)) &&
                             (NamesWindow(record) ? HasWindowName(record) : HasNoWindow(record));
  const uint64_t last = record.ready_index != 0 ? record.ready_index : record.newest_index;
  return reserved_zero && record.version == kJournalVersion &&
         record.record_bytes == sizeof(HeadRecord) && record.oldest_index <= last &&
         (record.oldest_index == 0) == (last == 0) &&
         (record.newest_index == 0 || record.newest_index >= record.oldest_index) &&
         (record.ready_index == 0 || record.ready_index > record.newest_index);
}

}  // namespace

std::string HeadPath(const std::string& data_directory) { return data_directory + "/HEAD"; }

void NameWindow(const Window& window, HeadRecord* head) {
  NameNoWindow(head);
  head->mandatory_features |= kFeatureWindow;
  std::memcpy(head->window_id, window.header().window_id, sizeof(head->window_id));
  std::memcpy(head->boot_id, window.header().boot_id, sizeof(head->boot_id));
  std::memcpy(head->window_directory, window.directory().data(), window.directory().size());
}

void NameNoWindow(HeadRecord* head) {
  head->mandatory_features &= ~kFeatureWindow;
  std::memset(head->window_id, 0, sizeof(head->window_id));
  std::memset(head->boot_id, 0, sizeof(head->boot_id));
  std::memset(head->window_directory, 0, sizeof(head->window_directory));
}

std::string WindowPathOf(const HeadRecord& head) {
  WindowId id;
  std::memcpy(id.data(), head.window_id, id.size());
  return std::string(head.window_directory) + "/" + WindowName(id);
}

Status ReadHead(FileSystem* fs, const std::string& data_directory, HeadFinding* finding) {
  *finding = HeadFinding();
  const std::string path = HeadPath(data_directory);
  std::unique_ptr<File> file;
  Status opened = fs->Open(path, OpenMode::kRead, &file);
  if (opened.code() == Code::kNotFound) return Status();
  PINNACLE_RETURN_IF_ERROR(std::move(opened));
  finding->exists = true;
  finding->problem = path + " does not verify: the head record is damaged";
  const auto accept = [&](const HeadRecord& record, bool* usable) {
    if (record.version > kJournalVersion) {
      return Status(Code::kNewerVersion,
                    path + " has format version " + std::to_string(record.version) +
                        ", this library reads up to " + std::to_string(kJournalVersion) +
                        "; open it with a newer pinnacle-persistence");
    }
    if ((record.mandatory_features & ~kSupportedHeadFeatures) != 0) {
      return Status(Code::kUnknownFeature,
                    path + " needs a feature that this library does not have (mandatory bits " +
                        std::to_string(record.mandatory_features) +
                        "); open it with a newer pinnacle-persistence");
    }
    *usable = IsConsistent(record);
    return Status();
  };
  PINNACLE_RETURN_IF_ERROR(ReadSlots(*file, accept, &finding->record, &finding->valid));
  if (finding->valid) finding->problem.clear();
  return Status();
}

void EncodeHeadFile(HeadRecord record, std::span<uint8_t> bytes) {
  for (uint64_t i = 0; i < 2; ++i) {
    ++record.counter;
    SealSlot(&record);
    std::memcpy(bytes.data() + SlotOffset(record), &record, sizeof(record));
  }
}

Status HeadFile::Open(FileSystem* fs, const std::string& data_directory, const HeadFinding& found,
                      std::unique_ptr<HeadFile>* head) {
  const std::string path = HeadPath(data_directory);
  std::unique_ptr<File> file;
  if (!found.exists) {
    // Whole before it has its name, so that a crash leaves a record or none.
    const std::string temporary = path + ".tmp";
    bool exists = false;
    PINNACLE_RETURN_IF_ERROR(fs->Exists(temporary, &exists));
    if (exists) PINNACLE_RETURN_IF_ERROR(fs->Remove(temporary));
    PINNACLE_RETURN_IF_ERROR(fs->Open(temporary, OpenMode::kCreate, &file));
    std::vector<uint8_t> bytes(kSlotFileBytes);
    EncodeHeadFile(found.record, bytes);
    PINNACLE_RETURN_IF_ERROR(file->Write(0, bytes));
    PINNACLE_RETURN_IF_ERROR(file->Sync());
    PINNACLE_RETURN_IF_ERROR(fs->Rename(temporary, path));
    file.reset();
  }
  // Even if it exists: a crash may have come between the rename and this sync.
  PINNACLE_RETURN_IF_ERROR(fs->SyncDirectory(data_directory));
  PINNACLE_RETURN_IF_ERROR(fs->Open(path, OpenMode::kReadWrite, &file));
  HeadRecord record = found.record;
  if (!found.exists) record.counter += 2;
  FileIdentity identity;
  PINNACLE_RETURN_IF_ERROR(file->Identity(&identity));
  head->reset(new HeadFile(path, identity, std::move(file), record));
  return Status();
}

Status HeadFile::Write(HeadRecord record) {
  record.counter = record_.counter + 1;
  SealSlot(&record);
  PINNACLE_RETURN_IF_ERROR(WriteSlot(file_.get(), record));
  PINNACLE_RETURN_IF_ERROR(file_->Sync());
  record_ = record;
  return Status();
}

}  // namespace pinnacle
