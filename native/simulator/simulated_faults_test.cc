// Calls that fail, devices that lie, bits that rot, and disks rebuilt from a recording.
#include <cerrno>
#include <cstring>

#include "simulator/simulated_file_system.h"
#include "simulator/simulator_test_support.h"

namespace pinnacle {

using namespace simulator_test;  // NOLINT: test words only

namespace {

// Makes the call of `kind` on a file system prepared for it.
Status MakeCall(CallKind kind, SimulatedFileSystem& files, File& file, Mapping& mapping) {
  std::unique_ptr<File> opened;
  std::unique_ptr<Mapping> mapped;
  std::unique_ptr<DirectoryLock> lock;
  std::vector<std::string> names;
  Bytes bytes(10);
  size_t got = 0;
  uint64_t size = 0;
  bool exists = false;
  switch (kind) {
    case CallKind::kOpen:
      return files.Open("/file", OpenMode::kRead, &opened);
    case CallKind::kCreate:
      return files.Open("/created", OpenMode::kCreate, &opened);
    case CallKind::kRead:
      return file.Read(0, bytes, &got);
    case CallKind::kWrite:
      return file.Write(0, bytes);
    case CallKind::kSync:
      return file.Sync();
    case CallKind::kMapSync:
      return mapping.Sync(0, 1);
    case CallKind::kSize:
      return file.Size(&size);
    case CallKind::kTruncate:
      return file.Truncate(2 * kPageBytes);
    case CallKind::kPreallocate:
      return file.Preallocate(2 * kPageBytes);
    case CallKind::kZeroBlocks:
      return file.ZeroBlocks(0, kPageBytes, &exists);
    case CallKind::kMap:
      return file.Map(&mapped);
    case CallKind::kList:
      return files.List("/", &names);
    case CallKind::kCreateDirectory:
      return files.CreateDirectory("/directory");
    case CallKind::kExists:
      return files.Exists("/file", &exists);
    case CallKind::kRename:
      return files.Rename("/other", "/renamed");
    case CallKind::kRemove:
      return files.Remove("/removed");
    case CallKind::kLink:
      return files.Link("/other", "/linked", &exists);
    case CallKind::kSyncDirectory:
      return files.SyncDirectory("/");
    case CallKind::kLock:
      return files.Lock("/", &lock);
    case CallKind::kMark:
      break;
  }
  return Status();
}

}  // namespace

TEST_CASE("any kind of call fails on demand, and changes nothing") {
  for (size_t i = 0; i < static_cast<size_t>(CallKind::kMark); ++i) {
    const auto kind = static_cast<CallKind>(i);
    CAPTURE(CallKindName(kind));
    SimulatedFileSystem files(1);
    const auto file = MakeDurable(files, "/file", 2, 1);
    MakeDurable(files, "/other", 1, 2);
    MakeDurable(files, "/removed", 1, 3);
    const auto mapping = MustMap(*file);
    DeterministicRandom random(1);
    const DiskImage before = files.PowerCut(random, kEverything);
    files.faults().Add({.kind = kind, .fault = Fault::Error(EMFILE)});
    const Status failed = MakeCall(kind, files, *file, *mapping);
    CHECK(failed.code() == Code::kTooManyFiles);
    CHECK(failed.system_error() == EMFILE);
    CHECK(files.faults().FiredCount() == 1);
    CHECK(files.PowerCut(random, kEverything) == before);
    const Status next = MakeCall(kind, files, *file, *mapping);
    CHECK_MESSAGE(next.ok(), next.ToString());
  }
}

TEST_CASE("a rule counts calls of its kind and path, or fires by chance, or for ever") {
  SimulatedFileSystem files(1);
  const auto first = MustOpen(files, "/first", OpenMode::kCreate);
  const auto second = MustOpen(files, "/second", OpenMode::kCreate);
  files.faults().Add(
      {.kind = CallKind::kWrite, .fault = Fault::Error(EIO), .nth = 3, .path_contains = "sec"});
  std::vector<bool> results;
  for (int i = 0; i < 4; ++i) {
    CHECK(first->Write(0, Bytes(1, 1)).ok());
    results.push_back(second->Write(0, Bytes(1, 1)).ok());
  }
  CHECK(results == std::vector<bool>{true, true, false, true});
  CHECK(files.faults().CallCount(CallKind::kWrite) == 8);

  files.faults().Clear();
  files.faults().Add(
      {.kind = CallKind::kWrite, .fault = Fault::Error(EIO), .nth = 0, .probability = 0.25});
  int failures = 0;
  for (int i = 0; i < 400; ++i) failures += !first->Write(0, Bytes(1, 1)).ok();
  CHECK(failures > 60);
  CHECK(failures < 140);

  files.faults().Clear();
  files.faults().Add(
      {.kind = CallKind::kWrite, .fault = Fault::Error(EIO), .nth = 2, .and_after = true});
  CHECK(first->Write(0, Bytes(1, 1)).ok());
  for (int i = 0; i < 5; ++i) CHECK_FALSE(first->Write(0, Bytes(1, 1)).ok());

  files.faults().Clear();
  files.faults().SetHook([](CallKind kind, const std::string& path) {
    return kind == CallKind::kWrite && path == "/second" ? Fault::Error(ENOSPC) : Fault{};
  });
  CHECK(first->Write(0, Bytes(1, 1)).ok());
  CHECK(second->Write(0, Bytes(1, 1)).code() == Code::kNoSpace);
}

TEST_CASE("a read may be short and a write may stop in the middle") {
  SimulatedFileSystem files(1);
  const auto file = MakeDurable(files, "/file", 1, 1);
  files.faults().Add({.kind = CallKind::kRead, .fault = Fault::ShortRead(10)});
  CHECK(MustRead(*file, 0, 100).size() == 10);
  CHECK(MustRead(*file, 0, 100).size() == 100);
  files.faults().Add({.kind = CallKind::kWrite, .fault = Fault::ErrorAfter(ENOSPC, 3)});
  CHECK(file->Write(0, Bytes(8, 2)).code() == Code::kNoSpace);
  CHECK(MustRead(*file, 0, 5) == Bytes{2, 2, 2, 1, 1});
}

TEST_CASE("a full disk refuses to grow and still lets bytes be overwritten") {
  SimulatedFileSystem files(1);
  const auto file = MakeDurable(files, "/file", 2, 1);
  files.set_capacity(3 * kPageBytes);
  const auto other = MustOpen(files, "/other", OpenMode::kCreate);
  CHECK(other->Preallocate(2 * kPageBytes).code() == Code::kNoSpace);
  CHECK(other->Truncate(2 * kPageBytes).code() == Code::kNoSpace);
  CHECK(other->Write(kPageBytes, Bytes(1, 1)).code() == Code::kNoSpace);
  uint64_t size = 1;
  REQUIRE(other->Size(&size).ok());
  CHECK(size == 0);
  CHECK(other->Preallocate(kPageBytes).ok());
  CHECK(file->Write(0, Bytes(2 * kPageBytes, 3)).ok());
  REQUIRE(file->Truncate(0).ok());
  CHECK(other->Preallocate(3 * kPageBytes).ok());
}

TEST_CASE("after a failed sync a retry says ok and the bytes are lost all the same") {
  for (const CallKind kind : {CallKind::kSync, CallKind::kMapSync}) {
    CAPTURE(CallKindName(kind));
    SimulatedFileSystem files(1);
    const auto file = MakeDurable(files, "/file", 2, 1);
    const auto mapping = MustMap(*file);
    const auto sync = [&] {
      return kind == CallKind::kSync ? file->Sync() : mapping->Sync(0, 2 * kPageBytes);
    };
    std::memset(mapping->data(), 2, 2 * kPageBytes);
    files.faults().Add({.kind = kind, .fault = Fault::Error(EIO)});
    CHECK(sync().code() == Code::kIo);
    CHECK(sync().ok());
    CHECK(Durable(files, "/file") == Bytes(2 * kPageBytes, 1));
    DeterministicRandom random(1);
    CHECK(files.PowerCut(random, kEverything).files.at("/file").Bytes() ==
          Bytes(2 * kPageBytes, 1));
    CHECK(MustRead(*file, 0, 1).front() == 2);  // while reads show them
    // A new store makes its page dirty again, and only that page is written.
    mapping->data()[0] = 3;
    CHECK(sync().ok());
    const Bytes durable = Durable(files, "/file");
    CHECK(durable[0] == 3);
    CHECK(durable[1] == 2);
    CHECK(durable[kPageBytes] == 1);
  }
}

TEST_CASE("a failed sync of a directory leaves its names pending") {
  SimulatedFileSystem files(1);
  const auto file = MustOpen(files, "/file", OpenMode::kCreate);
  REQUIRE(file->Write(0, Bytes(5, 1)).ok());
  REQUIRE(file->Sync().ok());
  files.faults().Add({.kind = CallKind::kSyncDirectory, .fault = Fault::Error(EIO)});
  CHECK(files.SyncDirectory("/").code() == Code::kIo);
  CHECK(Durable(files, "/file").empty());
  CHECK(files.SyncDirectory("/").ok());
  CHECK(Durable(files, "/file") == Bytes(5, 1));
}

TEST_CASE("a lying device loses a page or a sector of a sync that succeeded") {
  for (const auto device : {Fault::Device::kLosePage, Fault::Device::kLoseSector}) {
    const size_t lost_bytes =
        device == Fault::Device::kLosePage ? size_t{kPageBytes} : size_t{kSectorBytes};
    CAPTURE(lost_bytes);
    SimulatedFileSystem files(1);
    const auto file = MakeDurable(files, "/file", 4, 1);
    REQUIRE(file->Write(0, Bytes(4 * kPageBytes, 2)).ok());
    files.faults().Add({.kind = CallKind::kSync, .fault = Fault::Lying(device)});
    CHECK(file->Sync().ok());
    const Bytes durable = Durable(files, "/file");
    CHECK(static_cast<size_t>(std::count(durable.begin(), durable.end(), 1)) == lost_bytes);
    const auto start = std::find(durable.begin(), durable.end(), 1) - durable.begin();
    CHECK(start % static_cast<ptrdiff_t>(lost_bytes) == 0);
    CHECK(MustRead(*file, 0, 4 * kPageBytes) == Bytes(4 * kPageBytes, 2));  // the cache hides it
    file->DropCache();
    CHECK(MustRead(*file, 0, 4 * kPageBytes) == durable);
  }
}

TEST_CASE("a misdirected write leaves its place old and damages another, in any file") {
  size_t same_file = 0, other_file = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SimulatedFileSystem files(seed);
    MakeDurable(files, "/other", 2, 7);
    const auto file = MakeDurable(files, "/file", 2, 1);
    REQUIRE(file->Write(0, Bytes(kPageBytes, 2)).ok());
    files.faults().Add(
        {.kind = CallKind::kSync, .fault = Fault::Lying(Fault::Device::kMisdirectSector)});
    CHECK(file->Sync().ok());
    const Bytes durable = Durable(files, "/file");
    const Bytes other = Durable(files, "/other");
    const auto new_in_other = std::count(other.begin(), other.end(), 2);
    const auto new_in_second_page = std::count(durable.begin() + kPageBytes, durable.end(), 2);
    const auto old_in_first_page = std::count(durable.begin(), durable.begin() + kPageBytes, 1);
    CHECK(old_in_first_page == kSectorBytes);  // its own place
    CHECK((new_in_other == 0 || new_in_other == kSectorBytes));
    CHECK((new_in_second_page == 0 || new_in_second_page == kSectorBytes));
    other_file += new_in_other != 0;
    same_file += new_in_second_page != 0;
    CHECK(MustRead(*file, 0, kPageBytes) == Bytes(kPageBytes, 2));
  }
  CHECK(same_file > 0);
  CHECK(other_file > 0);
}

TEST_CASE("bit rot is on the device, hidden by the cache") {
  SimulatedFileSystem files(1);
  const auto file = MakeDurable(files, "/file", 2, 1);
  CHECK_FALSE(files.FlipBit("/missing", 0, 0));
  CHECK_FALSE(files.FlipBit("/file", 2 * kPageBytes, 0));
  CHECK_FALSE(files.FlipBit("/file", 0, 8));
  REQUIRE(files.FlipBit("/file", 5000, 3));
  CHECK(MustRead(*file, 5000, 1).front() == 1);
  CHECK(Durable(files, "/file")[5000] == (1 ^ 8));
  file->DropCache();
  CHECK(MustRead(*file, 4999, 3) == Bytes{1, 1 ^ 8, 1});

  DeterministicRandom random(1);
  DiskImage disk = files.PowerCut(random);
  REQUIRE(disk.files.at("/file").FlipBit(5000, 3));
  CHECK(disk.files.at("/file").Bytes() == Bytes(2 * kPageBytes, 1));
}

TEST_CASE("dropping the cache keeps what is dirty") {
  SimulatedFileSystem files(1);
  const auto file = MakeDurable(files, "/file", 2, 1);
  REQUIRE(file->Write(0, Bytes(10, 2)).ok());
  REQUIRE(files.FlipBit("/file", 100, 0));
  file->DropCache();
  CHECK(MustRead(*file, 0, 10) == Bytes(10, 2));
  CHECK(MustRead(*file, 100, 1).front() == 1);  // its page is dirty and will be written whole
}

TEST_CASE("a recording gives the disks of every step, with everything promised before it") {
  SimulatedFileSystem files(1);
  const auto file = MakeDurable(files, "/file", 4, 0);
  const auto mapping = MustMap(*file);
  files.StartRecording();
  for (uint8_t value = 1; value <= 20; ++value) {
    for (size_t page = 0; page < 4; ++page) mapping->data()[page * kPageBytes + 700] = value;
    REQUIRE(mapping->Sync(0, 4 * kPageBytes).ok());
    files.Mark(value);
  }
  REQUIRE(files.steps().size() == 40);
  DeterministicRandom random(1);
  uint64_t promised = 0;
  std::set<uint8_t> ahead;
  for (size_t step = 0; step < files.steps().size(); ++step) {
    for (int cut = 0; cut < 20; ++cut) {
      const Bytes bytes = files.ImageAt(step, random).files.at("/file").Bytes();
      for (size_t page = 0; page < 4; ++page) {
        const uint8_t value = bytes[page * kPageBytes + 700];
        REQUIRE(value >= promised);
        REQUIRE(value <= promised + 1);
        ahead.insert(static_cast<uint8_t>(value - promised));
      }
    }
    const SimulatedFileSystem::Step& taken = files.steps()[step];
    if (taken.kind == CallKind::kMark) {
      promised = taken.mark;
    } else {
      CHECK(taken.kind == CallKind::kMapSync);
      CHECK(taken.path == "/file");
      CHECK(taken.length == 4 * kPageBytes);
    }
  }
  CHECK(ahead == std::set<uint8_t>{0, 1});
}

TEST_CASE("thousands of disks of one run share their unchanged pages") {
  SimulatedFileSystem files(1);
  const auto file = MakeDurable(files, "/file", 64, 1);
  REQUIRE(file->Write(0, Bytes(10, 2)).ok());
  DeterministicRandom random(1);
  std::vector<DiskImage> disks;
  for (int cut = 0; cut < 2000; ++cut) disks.push_back(files.PowerCut(random));
  for (const DiskImage& disk : disks) {
    for (uint64_t page = 1; page < 64; ++page) {
      REQUIRE(disk.files.at("/file").page(page) == disks[0].files.at("/file").page(page));
    }
  }
}

}  // namespace pinnacle
