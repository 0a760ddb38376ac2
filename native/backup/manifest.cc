#include "backup/manifest.h"

#include <cstring>
#include <memory>

#include "checksum/crc32c.h"
#include "journal/head_record.h"
#include "platform/read_fully.h"
#include "snapshot/snapshot_directory.h"

namespace pinnacle {

namespace {

// A backup of a terabyte in segments of a mebibyte has a tenth of these.
constexpr uint64_t kMostFiles = 10'000'000;

Status Corrupt(const std::string& path, const std::string& what) {
  return Status(Code::kBackupCorrupt, path + " " + what + "; choose another backup");
}

Status CheckHeader(const std::string& path, const ManifestHeader& header, uint64_t bytes) {
  if (std::memcmp(header.magic, kManifestMagic, sizeof(kManifestMagic)) != 0) {
    return Status(Code::kNotOurFile, path + " is not the manifest of a backup; check the path");
  }
  if (header.version > kManifestVersion) {
    return Status(Code::kNewerVersion,
                  path + " has format version " + std::to_string(header.version) +
                      ", this library reads up to " + std::to_string(kManifestVersion) +
                      "; restore it with a newer pinnacle-persistence");
  }
  if (header.mandatory_features != 0) {
    return Status(Code::kUnknownFeature,
                  path + " needs a feature that this library does not have (mandatory bits " +
                      std::to_string(header.mandatory_features) +
                      "); restore it with a newer pinnacle-persistence");
  }
  if (header.header_bytes != sizeof(ManifestHeader) || header.file_count > kMostFiles ||
      bytes != sizeof(header) + header.file_count * sizeof(ManifestFile)) {
    return Corrupt(path, "has a different size than it says");
  }
  return Status();
}

}  // namespace

std::string NameOf(const ManifestFile& file) {
  switch (static_cast<BackupFileKind>(file.kind)) {
    case BackupFileKind::kSegment:
      return "journal/" + SegmentName(file.number);
    case BackupFileKind::kSnapshot:
      return "snapshots/" + SnapshotName(file.number);
    case BackupFileKind::kHead:
      break;
  }
  return "HEAD";
}

Status ReadManifest(FileSystem* fs, const std::string& backup_directory, Manifest* manifest) {
  *manifest = Manifest();
  const std::string path = ManifestPath(backup_directory);
  std::unique_ptr<File> file;
  uint64_t size = 0;
  PINNACLE_RETURN_IF_ERROR(fs->Open(path, OpenMode::kRead, &file));
  PINNACLE_RETURN_IF_ERROR(file->Size(&size));
  if (size == 0) return Corrupt(path, "is empty: the backup was not finished");
  if (size < sizeof(ManifestHeader)) return Corrupt(path, "is cut short");
  ManifestHeader& header = manifest->header;
  size_t got = 0;
  PINNACLE_RETURN_IF_ERROR(
      ReadFully(*file, 0, {reinterpret_cast<uint8_t*>(&header), sizeof(header)}, &got));
  if (got < sizeof(header)) return Corrupt(path, "is cut short");
  PINNACLE_RETURN_IF_ERROR(CheckHeader(path, header, size));
  manifest->files.resize(header.file_count);
  const size_t bytes = header.file_count * sizeof(ManifestFile);
  uint8_t* records = reinterpret_cast<uint8_t*>(manifest->files.data());
  PINNACLE_RETURN_IF_ERROR(ReadFully(*file, sizeof(header), {records, bytes}, &got));
  ManifestHeader unsealed = header;
  unsealed.checksum = 0;
  const uint32_t state =
      Crc32cExtend(~0u, reinterpret_cast<const uint8_t*>(&unsealed), sizeof(unsealed));
  if (got < bytes || ~Crc32cExtend(state, records, bytes) != header.checksum) {
    return Corrupt(path, "does not verify");
  }
  for (const ManifestFile& listed : manifest->files) {
    if (listed.kind < 1 || listed.kind > 3) return Corrupt(path, "lists a file of unknown kind");
  }
  return Status();
}

Status WriteManifest(FileSystem* fs, const std::string& backup_directory, Manifest* manifest) {
  ManifestHeader& header = manifest->header;
  std::memcpy(header.magic, kManifestMagic, sizeof(kManifestMagic));
  header.version = kManifestVersion;
  header.header_bytes = sizeof(ManifestHeader);
  header.file_count = manifest->files.size();
  header.total_bytes = 0;
  for (const ManifestFile& file : manifest->files) header.total_bytes += file.bytes;
  header.checksum = 0;
  const size_t records_bytes = manifest->files.size() * sizeof(ManifestFile);
  std::vector<uint8_t> bytes(sizeof(header) + records_bytes);
  std::memcpy(bytes.data(), &header, sizeof(header));
  if (records_bytes != 0) {
    std::memcpy(bytes.data() + sizeof(header), manifest->files.data(), records_bytes);
  }
  header.checksum = Crc32c(bytes);
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::unique_ptr<File> file;
  PINNACLE_RETURN_IF_ERROR(fs->Open(ManifestPath(backup_directory), OpenMode::kReadWrite, &file));
  PINNACLE_RETURN_IF_ERROR(file->Write(0, bytes));
  return file->Sync();
}

}  // namespace pinnacle
