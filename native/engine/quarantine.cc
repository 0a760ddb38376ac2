#include "engine/quarantine.h"

#include <algorithm>
#include <memory>
#include <vector>

namespace pinnacle {

namespace {

Status CopyFile(FileSystem* fs, const std::string& from, const std::string& to) {
  std::unique_ptr<File> source;
  std::unique_ptr<File> target;
  PINNACLE_RETURN_IF_ERROR(fs->Open(from, OpenMode::kRead, &source));
  PINNACLE_RETURN_IF_ERROR(fs->Open(to, OpenMode::kCreate, &target));
  std::vector<uint8_t> buffer(1024 * 1024);
  uint64_t offset = 0;
  while (true) {
    size_t bytes_read = 0;
    PINNACLE_RETURN_IF_ERROR(source->Read(offset, buffer, &bytes_read));
    if (bytes_read == 0) break;
    PINNACLE_RETURN_IF_ERROR(target->Write(offset, {buffer.data(), bytes_read}));
    offset += bytes_read;
  }
  return target->Sync();
}

}  // namespace

Status QuarantineSegments(const Environment& environment, const std::string& data_directory,
                          const ScanResult& scan, std::string* directory) {
  FileSystem* fs = environment.file_system;
  const std::string parent = data_directory + "/quarantine";
  PINNACLE_RETURN_IF_ERROR(fs->CreateDirectory(parent));
  PINNACLE_RETURN_IF_ERROR(fs->SyncDirectory(data_directory));
  uint64_t name = environment.clock->NowNs();
  bool exists = true;
  while (exists) {
    *directory = parent + "/" + std::to_string(name++);
    PINNACLE_RETURN_IF_ERROR(fs->Exists(*directory, &exists));
  }
  PINNACLE_RETURN_IF_ERROR(fs->CreateDirectory(*directory));
  const size_t first = scan.stop_segment < 0 ? 0 : static_cast<size_t>(scan.stop_segment);
  for (size_t i = first; i < scan.segments.size(); ++i) {
    const std::string& path = scan.segments[i].file.path;
    PINNACLE_RETURN_IF_ERROR(CopyFile(fs, path, *directory + path.substr(path.find_last_of('/'))));
  }
  PINNACLE_RETURN_IF_ERROR(fs->SyncDirectory(*directory));
  return fs->SyncDirectory(parent);
}

}  // namespace pinnacle
