// The simulated file system as a file system, and what kills and power cuts do to it.
#include "simulator/simulated_file_system.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "simulator/simulated_environment.h"
#include "simulator/simulator_test_support.h"
#include "test/sanitizers.h"

namespace pinnacle {

using namespace simulator_test;  // NOLINT: test words only

TEST_CASE("a simulated file reads back what was written, through file and mapping alike") {
  SimulatedFileSystem files(1);
  const auto file = MustOpen(files, "/file", OpenMode::kCreate);
  REQUIRE(file->Write(5000, Bytes(3, 7)).ok());
  CHECK(MustRead(*file, 0, 10'000).size() == 5003);
  CHECK(MustRead(*file, 4998, 10) == Bytes{0, 0, 7, 7, 7});
  CHECK(MustRead(*file, 5003, 1).empty());
  REQUIRE(file->Preallocate(16384).ok());
  REQUIRE(file->Preallocate(100).ok());
  uint64_t size = 0;
  REQUIRE(file->Size(&size).ok());
  CHECK(size == 16384);

  const auto first = MustMap(*file);
  const auto second = MustMap(*MustOpen(files, "/file", OpenMode::kReadWrite));
  CHECK(first->data() == second->data());  // two maps share the pages
  CHECK(reinterpret_cast<uintptr_t>(first->data()) % kPageBytes == 0);
  first->data()[9000] = 42;
  CHECK(MustRead(*file, 9000, 1).front() == 42);
  REQUIRE(file->Write(9001, Bytes(1, 43)).ok());
  CHECK(first->data()[9001] == 43);
  first->Prefault(0, 16384);
  CHECK(first->data()[9001] == 43);
}

TEST_CASE("a mapped file can't change its size, and a mapping outlives file and file system") {
  auto files = std::make_unique<SimulatedFileSystem>(1);
  auto file = MustOpen(*files, "/file", OpenMode::kCreate);
  std::unique_ptr<Mapping> mapping;
  CHECK(file->Map(&mapping).code() == Code::kInvalidArgument);  // empty
  REQUIRE(file->Preallocate(8192).ok());
  mapping = MustMap(*file);
  CHECK(file->Truncate(4096).code() == Code::kInvalidArgument);
  CHECK(file->Write(8190, Bytes(3, 1)).code() == Code::kInvalidArgument);
  CHECK(mapping->Sync(8192, 1).code() == Code::kInvalidArgument);
  CHECK(mapping->Sync(1, ~0ull).code() == Code::kInvalidArgument);
  file.reset();
  files.reset();
  mapping->data()[8191] = 1;
  CHECK(mapping->Sync(0, 8192).ok());
}

#if PINNACLE_ADDRESS_SANITIZER
TEST_CASE("AddressSanitizer sees a store beyond a simulated mapping") {
  SimulatedFileSystem files(1);
  const auto file = MustOpen(files, "/file", OpenMode::kCreate);
  REQUIRE(file->Write(0, Bytes(1, 1)).ok());
  REQUIRE(file->Write(1, Bytes(8191, 1)).ok());  // grown in steps, so there was room to spare
  const auto mapping = MustMap(*file);
  const auto store = [&](uint64_t offset) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      close(STDERR_FILENO);  // the report is expected
      *static_cast<volatile uint8_t*>(mapping->data() + offset) = 1;
      _exit(42);
    }
    int result = 0;
    REQUIRE(waitpid(child, &result, 0) == child);
    return WIFEXITED(result) && WEXITSTATUS(result) == 42;
  };
  CHECK(store(8191));
  CHECK_FALSE(store(8192));
}
#endif

TEST_CASE("names behave as on the real file system") {
  SimulatedFileSystem files(1);
  std::unique_ptr<File> file;
  REQUIRE(files.CreateDirectory("/a").ok());
  CHECK(files.CreateDirectory("/a/").ok());
  CHECK(files.CreateDirectory("/x/y").code() == Code::kNotFound);
  MustOpen(files, "/a//two", OpenMode::kCreate);
  MustOpen(files, "/a/one", OpenMode::kCreate);
  CHECK(files.Open("/a/one", OpenMode::kCreate, &file).code() == Code::kAlreadyExists);
  CHECK(files.Open("/a/three", OpenMode::kRead, &file).code() == Code::kNotFound);
  CHECK(files.Open("/a/one/below", OpenMode::kCreate, &file).code() == Code::kNotADirectory);
  CHECK(files.Open("/a", OpenMode::kRead, &file).code() == Code::kNotOurFile);
  CHECK(files.CreateDirectory("/a/one").code() == Code::kNotADirectory);
  std::vector<std::string> names;
  REQUIRE(files.List("/a", &names).ok());
  CHECK(names == std::vector<std::string>{"one", "two"});
  REQUIRE(files.List("/", &names).ok());
  CHECK(names == std::vector<std::string>{"a"});
  CHECK(files.List("/x", &names).code() == Code::kNotFound);
  CHECK(files.List("/a/one", &names).code() == Code::kNotADirectory);

  REQUIRE(MustOpen(files, "/a/one", OpenMode::kReadWrite)->Write(0, Bytes(4, 9)).ok());
  REQUIRE(files.Rename("/a/one", "/a/two").ok());
  CHECK(MustRead(*MustOpen(files, "/a/two", OpenMode::kRead), 0, 10) == Bytes(4, 9));
  bool exists = true;
  REQUIRE(files.Exists("/a/one", &exists).ok());
  CHECK_FALSE(exists);
  CHECK(files.Rename("/a/one", "/a/two").code() == Code::kNotFound);
  REQUIRE(files.Remove("/a/two").ok());
  CHECK(files.Remove("/a/two").code() == Code::kNotFound);
  CHECK(files.SyncDirectory("/x").code() == Code::kNotFound);
}

TEST_CASE("an open file remains usable without its name, and a reader can't write") {
  SimulatedFileSystem files(1);
  const auto file = MustOpen(files, "/file", OpenMode::kCreate);
  REQUIRE(file->Write(0, Bytes(4, 9)).ok());
  const auto reader = MustOpen(files, "/file", OpenMode::kRead);
  REQUIRE(files.Remove("/file").ok());
  REQUIRE(files.SyncDirectory("/").ok());
  CHECK(MustRead(*file, 0, 10) == Bytes(4, 9));
  CHECK(reader->Write(0, Bytes(1, 1)).system_error() == EBADF);
  std::unique_ptr<Mapping> mapping;
  CHECK(reader->Map(&mapping).code() == Code::kPermission);
}

TEST_CASE("a simulated lock has one holder, until it is released or its process is killed") {
  SimulatedFileSystem files(1);
  std::unique_ptr<DirectoryLock> first, second, third;
  REQUIRE(files.Lock("/", &first).ok());
  CHECK(files.Lock("/", &second).code() == Code::kLocked);
  first.reset();
  REQUIRE(files.Lock("/", &second).ok());
  files.ProcessKill();
  REQUIRE(files.Lock("/", &third).ok());
  second.reset();  // the dead process's lock releases nothing
  CHECK(files.Lock("/", &first).code() == Code::kLocked);
}

TEST_CASE("only what was synced is sure to be durable") {
  SimulatedFileSystem files(1);
  const auto file = MakeDurable(files, "/file", 3, 1);
  const auto mapping = MustMap(*file);
  std::memset(mapping->data(), 2, 3 * kPageBytes);
  CHECK(Durable(files, "/file") == Bytes(3 * kPageBytes, 1));
  // One byte of the middle page: the sync takes the whole page and no other.
  REQUIRE(mapping->Sync(kPageBytes + 100, 1).ok());
  Bytes expected(3 * kPageBytes, 1);
  std::fill_n(expected.begin() + kPageBytes, kPageBytes, uint8_t{2});
  CHECK(Durable(files, "/file") == expected);
  REQUIRE(file->Sync().ok());
  CHECK(Durable(files, "/file") == Bytes(3 * kPageBytes, 2));
}

TEST_CASE("a file that was synced is lost unless its directory was synced too") {
  SimulatedFileSystem files(1);
  REQUIRE(files.CreateDirectory("/d").ok());
  const auto file = MustOpen(files, "/d/file", OpenMode::kCreate);
  REQUIRE(file->Write(0, Bytes(10, 1)).ok());
  REQUIRE(file->Sync().ok());
  CHECK(Durable(files, "/d/file").empty());
  REQUIRE(files.SyncDirectory("/d").ok());
  CHECK(Durable(files, "/d/file").empty());  // the directory itself is not durable yet
  REQUIRE(files.SyncDirectory("/").ok());
  CHECK(Durable(files, "/d/file") == Bytes(10, 1));
  REQUIRE(files.Remove("/d/file").ok());
  CHECK(Durable(files, "/d/file") == Bytes(10, 1));
  REQUIRE(files.SyncDirectory("/d").ok());
  CHECK(Durable(files, "/d/file").empty());
}

TEST_CASE("a power cut keeps the old, the new or a mixture of the sectors of each dirty page") {
  SimulatedFileSystem files(1);
  const auto file = MakeDurable(files, "/file", 4, 1);
  const auto mapping = MustMap(*file);
  std::memset(mapping->data() + kPageBytes, 2, 3 * kPageBytes);
  DeterministicRandom random(7);
  size_t old_pages = 0, new_pages = 0, mixed_pages = 0;
  std::set<Bytes> images;
  for (int cut = 0; cut < 300; ++cut) {
    const Bytes bytes = files.PowerCut(random).files.at("/file").Bytes();
    images.insert(bytes);
    REQUIRE(std::count(bytes.begin(), bytes.begin() + kPageBytes, 1) == kPageBytes);  // clean
    for (size_t page = 1; page < 4; ++page) {
      size_t changed = 0;
      for (size_t sector = 0; sector < kSectorsPerPage; ++sector) {
        const auto begin =
            bytes.begin() + static_cast<ptrdiff_t>(page * kPageBytes + sector * kSectorBytes);
        const auto count = std::count(begin, begin + kSectorBytes, 2);
        REQUIRE((count == 0 || count == kSectorBytes));  // a sector is never torn
        changed += count != 0;
      }
      old_pages += changed == 0;
      new_pages += changed == kSectorsPerPage;
      mixed_pages += changed != 0 && changed != kSectorsPerPage;
    }
  }
  CHECK(old_pages > 200);
  CHECK(new_pages > 200);
  CHECK(mixed_pages > 200);
  CHECK(images.size() > 200);
  CHECK(MustRead(*file, kPageBytes, 1).front() == 2);  // nothing changed here
}

TEST_CASE("a power cut tears a sector at any byte if requested") {
  SimulatedFileSystem files(1);
  const auto file = MakeDurable(files, "/file", 1, 1);
  REQUIRE(file->Write(512, Bytes(512, 2)).ok());
  DeterministicRandom random(7);
  std::set<size_t> tears;
  for (int cut = 0; cut < 200; ++cut) {
    const Bytes bytes =
        files.PowerCut(random, {.torn_sector_probability = 1}).files.at("/file").Bytes();
    const auto tear = static_cast<size_t>(std::count(bytes.begin(), bytes.end(), 2));
    REQUIRE(tear > 0);
    REQUIRE(tear < 512);
    REQUIRE(std::count(bytes.begin() + 512, bytes.begin() + 512 + static_cast<ptrdiff_t>(tear),
                       2) == static_cast<ptrdiff_t>(tear));
    tears.insert(tear);
  }
  CHECK(tears.size() > 100);
}

TEST_CASE("an unsynced change of size survives a power cut or does not") {
  for (const uint64_t new_size : {uint64_t{100}, 3 * kPageBytes + 5}) {
    CAPTURE(new_size);
    SimulatedFileSystem files(1);
    const auto file = MakeDurable(files, "/file", 2, 1);
    REQUIRE(file->Truncate(new_size).ok());
    DeterministicRandom random(7);
    size_t old_sizes = 0, new_sizes = 0;
    for (int cut = 0; cut < 100; ++cut) {
      const uint64_t size = files.PowerCut(random).files.at("/file").size();
      old_sizes += size == 2 * kPageBytes;
      new_sizes += size == new_size;
    }
    CHECK(old_sizes > 20);
    CHECK(new_sizes > 20);
    CHECK(old_sizes + new_sizes == 100);
    REQUIRE(file->Sync().ok());
    CHECK(Durable(files, "/file").size() == new_size);
  }
}

TEST_CASE("names that were not synced survive one by one, changes of one name in order") {
  SimulatedFileSystem files(1);
  for (const char* path : {"/a", "/b", "/c"}) MustOpen(files, path, OpenMode::kCreate);
  REQUIRE(files.Rename("/c", "/d").ok());
  DeterministicRandom random(7);
  std::set<std::set<std::string>> found;
  for (int cut = 0; cut < 400; ++cut) {
    std::set<std::string> names;
    for (const auto& [path, image] : files.PowerCut(random).files) names.insert(path);
    REQUIRE_FALSE((names.contains("/c") && names.contains("/d")));  // a rename is atomic
    found.insert(names);
  }
  // a or not, b or not, and none, c or d: every combination.
  CHECK(found.size() == 2 * 2 * 3);
}

TEST_CASE("renaming over a durable file leaves the old or the new one, never none") {
  SimulatedFileSystem files(1);
  MakeDurable(files, "/snapshot", 1, 1);
  const auto temporary = MustOpen(files, "/snapshot.tmp", OpenMode::kCreate);
  REQUIRE(temporary->Write(0, Bytes(kPageBytes, 2)).ok());
  REQUIRE(temporary->Sync().ok());
  REQUIRE(files.Rename("/snapshot.tmp", "/snapshot").ok());
  DeterministicRandom random(7);
  size_t first = 0, second = 0;
  for (int cut = 0; cut < 100; ++cut) {
    const Bytes bytes = files.PowerCut(random).files.at("/snapshot").Bytes();
    first += bytes == Bytes(kPageBytes, 1);
    second += bytes == Bytes(kPageBytes, 2);
  }
  CHECK(first > 10);
  CHECK(second > 10);
  CHECK(first + second == 100);
  REQUIRE(files.SyncDirectory("/").ok());
  CHECK(Durable(files, "/snapshot") == Bytes(kPageBytes, 2));
}

TEST_CASE("the content of a lost directory is lost with it") {
  SimulatedFileSystem files(1);
  REQUIRE(files.CreateDirectory("/d").ok());
  MustOpen(files, "/d/file", OpenMode::kCreate);
  DeterministicRandom random(7);
  size_t with_directory = 0, with_file = 0;
  for (int cut = 0; cut < 100; ++cut) {
    const DiskImage disk = files.PowerCut(random);
    with_directory += disk.directories.contains("/d");
    with_file += disk.files.contains("/d/file");
    REQUIRE((disk.directories.contains("/d") || !disk.files.contains("/d/file")));
  }
  CHECK(with_directory > 20);
  CHECK(with_file > 5);
  CHECK(with_file < with_directory);
}

TEST_CASE("the kernel may write back early, so older content may be found") {
  SimulatedFileSystem files(1);
  const auto file = MakeDurable(files, "/file", 8, 1);
  const auto mapping = MustMap(*file);
  std::memset(mapping->data(), 2, 8 * kPageBytes);
  MustOpen(files, "/new", OpenMode::kCreate);
  for (int round = 0; round < 3; ++round) files.BackgroundWriteback();
  std::memset(mapping->data(), 3, 8 * kPageBytes);
  const Bytes durable = Durable(files, "/file");
  const auto middle = std::count(durable.begin(), durable.end(), 2);
  CHECK(middle > 0);  // content neither synced nor newest
  CHECK(middle % static_cast<ptrdiff_t>(kPageBytes) == 0);

  SimulatedFileSystem busy(2);
  busy.set_background_writeback(0.5);
  const auto other = MustOpen(busy, "/file", OpenMode::kCreate);
  REQUIRE(other->Write(0, Bytes(kPageBytes, 5)).ok());
  uint64_t size = 0;
  for (int i = 0; i < 50; ++i) REQUIRE(other->Size(&size).ok());
  CHECK(Durable(busy, "/file") == Bytes(kPageBytes, 5));  // name, size and page, without a sync
}

TEST_CASE("a killed process loses its handles but no byte that it stored") {
  SimulatedFileSystem files(1);
  const auto file = MakeDurable(files, "/file", 2, 1);
  const auto mapping = MustMap(*file);
  mapping->data()[5] = 9;
  files.ProcessKill();
  mapping->data()[6] = 9;  // too late: it is not visible
  Bytes bytes(4);
  size_t got = 0;
  CHECK(file->Read(0, bytes, &got).code() == Code::kClosed);
  CHECK(file->Write(0, bytes).code() == Code::kClosed);
  CHECK(file->Sync().code() == Code::kClosed);
  CHECK(mapping->Sync(0, 10).code() == Code::kClosed);
  const auto reopened = MustOpen(files, "/file", OpenMode::kReadWrite);
  CHECK(MustRead(*reopened, 4, 4) == Bytes{1, 9, 1, 1});
  CHECK(Durable(files, "/file") == Bytes(2 * kPageBytes, 1));  // and power may still be cut
}

TEST_CASE("a machine starts on the image that a power cut left") {
  SimulatedFileSystem files(1);
  REQUIRE(files.CreateDirectory("/d").ok());
  REQUIRE(files.SyncDirectory("/").ok());
  MakeDurable(files, "/file", 1, 1);
  REQUIRE(MustOpen(files, "/file", OpenMode::kReadWrite)->Write(0, Bytes(512, 2)).ok());
  DeterministicRandom random(3);
  const DiskImage disk = files.PowerCut(random, kEverything);
  SimulatedFileSystem next(2, disk);
  CHECK(MustRead(*MustOpen(next, "/file", OpenMode::kRead), 511, 2) == Bytes{2, 1});
  CHECK(next.PowerCut(random, kNothingUnsynced) == disk);
  std::vector<std::string> names;
  REQUIRE(next.List("/", &names).ok());
  CHECK(names == std::vector<std::string>{"d", "file"});
}

TEST_CASE("the same seed gives the same disks, and another seed others") {
  const auto run = [](uint64_t seed) {
    SimulatedFileSystem files(seed);
    files.set_background_writeback(0.3);
    const auto file = MakeDurable(files, "/file", 8, 1);
    for (uint8_t round = 2; round < 20; ++round) {
      REQUIRE(file->Write(round * 1000u, Bytes(5000, round)).ok());
    }
    DeterministicRandom random(seed);
    return files.PowerCut(random);
  };
  CHECK(run(5) == run(5));
  CHECK_FALSE(run(5) == run(6));
}

TEST_CASE("a simulated environment has manual time and seeded randomness") {
  SimulatedEnvironment world(11), twin(11), other(12);
  const Environment environment = world.environment();
  const uint64_t start = environment.clock->NowNs();
  CHECK(environment.clock->NowNs() == start);
  world.clock().Advance(500);
  CHECK(environment.clock->NowNs() == start + 500);
  world.clock().SetWallNs(start - 1'000'000);  // set back
  CHECK(environment.clock->NowNs() == start - 1'000'000);
  CHECK(environment.clock->MonotonicNs() == 500);
  const uint64_t drawn = environment.random->NextU64();
  CHECK(drawn == twin.environment().random->NextU64());
  CHECK(drawn != other.environment().random->NextU64());
  CHECK(environment.file_system == &world.file_system());
}

}  // namespace pinnacle
