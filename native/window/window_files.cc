#include "window/window_files.h"

#include <cstring>
#include <span>
#include <utility>

#include "checksum/crc32c.h"

namespace pinnacle {

namespace {

constexpr char kPrefix[] = "pinnacle-";
constexpr char kSuffix[] = ".window";
constexpr char kRefusedSuffix[] = ".refused";

uint32_t ChecksumOf(const WindowHeader& header) {
  WindowHeader copy = header;
  copy.checksum = 0;
  return Crc32c({reinterpret_cast<const uint8_t*>(&copy), sizeof(copy)});
}

}  // namespace

std::string WindowName(const WindowId& id) {
  std::string name = kPrefix;
  for (const uint8_t byte : id) {
    name += "0123456789abcdef"[byte >> 4];
    name += "0123456789abcdef"[byte & 15];
  }
  return name + kSuffix;
}

bool IsWindowName(const std::string& name) {
  return name.size() == std::strlen(kPrefix) + 32 + std::strlen(kSuffix) &&
         name.starts_with(kPrefix) && name.ends_with(kSuffix);
}

std::string RefusedName(const std::string& path) { return path + kRefusedSuffix; }

void SealWindowHeader(WindowHeader* header) {
  std::memcpy(header->magic, kWindowMagic, sizeof(kWindowMagic));
  header->version = kWindowVersion;
  header->header_bytes = sizeof(WindowHeader);
  header->checksum = ChecksumOf(*header);
}

Status ReadWindowHeader(const File& file, WindowHeader* header, std::string* reason) {
  *header = WindowHeader();
  size_t bytes_read = 0;
  uint64_t size = 0;
  const std::span<uint8_t> bytes(reinterpret_cast<uint8_t*>(header), sizeof(*header));
  while (bytes_read < bytes.size()) {
    size_t got = 0;
    PINNACLE_RETURN_IF_ERROR(file.Read(bytes_read, bytes.subspan(bytes_read), &got));
    if (got == 0) break;
    bytes_read += got;
  }
  PINNACLE_RETURN_IF_ERROR(file.Size(&size));
  if (bytes_read < sizeof(*header) ||
      std::memcmp(header->magic, kWindowMagic, sizeof(kWindowMagic)) != 0 ||
      header->checksum != ChecksumOf(*header)) {
    *header = WindowHeader();  // ignore all of it
    *reason = "its header does not verify";
  } else if (header->version != kWindowVersion || header->mandatory_features != 0) {
    *reason = "it has a format that this version does not know";
  } else if (header->ring_bytes < kMinWindowBytes || header->ring_bytes > kMaxWindowBytes ||
             header->ring_bytes % kPageBytes != 0) {
    *reason = "its header names an impossible size";
  } else if (size != kWindowHeaderBytes + header->ring_bytes) {
    *reason = "it was cut short or grew: it has " + std::to_string(size) + " bytes, not " +
              std::to_string(kWindowHeaderBytes + header->ring_bytes);
  }
  return Status();
}

Status ListWindows(FileSystem* fs, const std::string& directory, std::vector<std::string>* paths) {
  paths->clear();
  std::vector<std::string> names;
  Status listed = fs->List(directory, &names);
  if (listed.code() == Code::kNotFound || listed.code() == Code::kNotADirectory) return Status();
  PINNACLE_RETURN_IF_ERROR(std::move(listed));
  for (const std::string& name : names) {
    if (IsWindowName(name)) paths->push_back(directory + "/" + name);
  }
  return Status();
}

Status OpenWindowFile(FileSystem* fs, const std::string& path, std::unique_ptr<File>* file,
                      WindowHeader* header, std::string* reason) {
  file->reset();
  reason->clear();
  std::unique_ptr<File> opened;
  PINNACLE_RETURN_IF_ERROR(fs->Open(path, OpenMode::kNoLink, &opened));
  bool is_private = false;
  PINNACLE_RETURN_IF_ERROR(opened->IsPrivate(1, &is_private));
  if (!is_private) {
    *reason = "it is not private to this user (check its owner, permissions and links)";
    return Status();
  }
  PINNACLE_RETURN_IF_ERROR(ReadWindowHeader(*opened, header, reason));
  if (!reason->empty()) return Status();
  *file = std::move(opened);
  return Status();
}

Status LockWindowFile(File* file, const std::string& path, const WindowHeader& header) {
  bool locked = false;
  PINNACLE_RETURN_IF_ERROR(file->TryLock(&locked));
  if (locked) return Status();
  return Status(Code::kLocked, "'" + path + "' is in use by process " + std::to_string(header.pid));
}

void RemoveLeftWindows(FileSystem* fs, const std::string& directory,
                       const FileIdentity& data_directory, uint64_t journal_id_low,
                       uint64_t journal_id_high, const WindowId& kept) {
  std::vector<std::string> paths;
  if (!ListWindows(fs, directory, &paths).ok()) return;
  for (const std::string& path : paths) {
    if (path.ends_with(WindowName(kept))) continue;
    std::unique_ptr<File> file;
    WindowHeader header;
    std::string reason;
    if (!OpenWindowFile(fs, path, &file, &header, &reason).ok() || file == nullptr) continue;
    if (!(IdentityOf(header) == data_directory) || header.journal_id_low != journal_id_low ||
        header.journal_id_high != journal_id_high ||
        !LockWindowFile(file.get(), path, header).ok()) {
      continue;
    }
    (void)fs->Remove(path);
  }
}

}  // namespace pinnacle
