#include "backup/read_back_thread.h"

#include <memory>
#include <vector>

#include "checksum/crc32c.h"
#include "doctest.h"
#include "snapshot/snapshot_directory.h"
#include "test/temporary_directory.h"

namespace pinnacle {
namespace {

// A backup's directory with files as a copy leaves them: synced.
struct Copies {
  Copies() { REQUIRE(FileSystem::Real()->CreateDirectory(directory.path() + "/snapshots").ok()); }

  ManifestFile Add(uint64_t number, size_t bytes) {
    const std::vector<uint8_t> content(bytes, static_cast<uint8_t>(number));
    ManifestFile file{};
    file.kind = static_cast<uint32_t>(BackupFileKind::kSnapshot);
    file.number = number;
    file.bytes = bytes;
    file.checksum = Crc32c(content);
    std::unique_ptr<File> written;
    REQUIRE(FileSystem::Real()->Open(PathOf(file), OpenMode::kCreate, &written).ok());
    REQUIRE(written->Write(0, content).ok());
    REQUIRE(written->Sync().ok());
    return file;
  }
  std::string PathOf(const ManifestFile& file) const {
    return directory.path() + "/" + NameOf(file);
  }
  void Spoil(const ManifestFile& file) const {
    std::unique_ptr<File> opened;
    REQUIRE(FileSystem::Real()->Open(PathOf(file), OpenMode::kReadWrite, &opened).ok());
    const uint8_t other[1] = {0xee};
    REQUIRE(opened->Write(file.bytes / 2, other).ok());
    REQUIRE(opened->Sync().ok());
  }

  TemporaryDirectory directory;
};

TEST_CASE("only files that read back as they were written are confirmed") {
  Copies copies;
  WorkControl control;
  ReadBackThread thread(FileSystem::Real(), control);
  thread.Start();
  const ManifestFile good = copies.Add(1, 3 * 1024 * 1024);
  const ManifestFile spoiled = copies.Add(2, 200'000);
  const ManifestFile missing = copies.Add(3, 1000);
  const ManifestFile longer = copies.Add(4, 5000);
  copies.Spoil(spoiled);
  REQUIRE(FileSystem::Real()->Remove(copies.PathOf(missing)).ok());
  {
    std::unique_ptr<File> file;
    REQUIRE(FileSystem::Real()->Open(copies.PathOf(longer), OpenMode::kReadWrite, &file).ok());
    REQUIRE(file->Write(5000, std::vector<uint8_t>(1)).ok());
  }
  for (const ManifestFile& file : {good, spoiled, missing, longer}) {
    thread.Add(copies.directory.path(), file);
  }
  CHECK(thread.Confirmed() == std::vector<std::string>{NameOf(good)});
}

TEST_CASE("a file that was removed is not confirmed for the one that gets its name") {
  Copies copies;
  WorkControl control;
  ReadBackThread thread(FileSystem::Real(), control);
  thread.Start();
  const ManifestFile kept = copies.Add(1, 1000);
  const ManifestFile removed = copies.Add(2, 8 * 1024 * 1024);
  thread.Add(copies.directory.path(), kept);
  SUBCASE("while it waits or is read") {}
  SUBCASE("after it was read") { CHECK(thread.Confirmed().size() == 1); }
  thread.Add(copies.directory.path(), removed);
  thread.Forget(removed);
  CHECK(thread.Confirmed() == std::vector<std::string>{NameOf(kept)});
}

TEST_CASE("aborted work confirms nothing, and neither does a thread that never ran") {
  Copies copies;
  const std::atomic<bool> given_up = true;
  WorkControl control;
  control.given_up = &given_up;
  ReadBackThread thread(FileSystem::Real(), control);
  const ManifestFile file = copies.Add(1, 1000);
  SUBCASE("given up") { thread.Start(); }
  SUBCASE("never started") {}
  thread.Add(copies.directory.path(), file);
  CHECK(thread.Confirmed().empty());
}

}  // namespace
}  // namespace pinnacle
