#include "window/window.h"

#include <cstring>

#include "doctest.h"
#include "simulator/simulated_environment.h"

namespace pinnacle {
namespace {

constexpr uint64_t kMiB = 1024 * 1024;

struct Place {
  SimulatedEnvironment world{1};
  std::unique_ptr<Window> window;
  std::string why_none;

  Place() { REQUIRE(world.file_system().CreateDirectory("/d").ok()); }

  Status Make(const WindowOptions& options) {
    WindowOwner owner;
    owner.data_directory = "/d";
    owner.epoch = 7;
    owner.segment = 3;
    owner.segment_bytes = 256 * 1024;
    owner.offset = 8192;
    owner.sequence = 100;
    owner.later_segment_bytes = 128 * 1024;
    return Window::Make(world.environment(), options, owner, &window, &why_none);
  }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    REQUIRE(world.file_system().List("/shm", &names).ok());
    return names;
  }
};

TEST_CASE("no window is made if segments are mapped") {
  Place place;
  REQUIRE(place.Make({WritePath::kMapped, "", 64 * 1024}).ok());
  CHECK(place.window == nullptr);
  CHECK(place.why_none.empty());
  CHECK(place.Names().empty());
}

TEST_CASE("a window is a private, locked file that names its owner") {
  Place place;
  REQUIRE(place.Make({WritePath::kWindow, "", 64 * 1024}).ok());
  REQUIRE(place.window != nullptr);
  CHECK(place.Names() == std::vector<std::string>{WindowName(place.window->id())});
  CHECK(IsWindowName(place.Names().front()));
  const WindowHeader& header = place.window->header();
  CHECK(header.epoch == 7);
  CHECK(header.ring_bytes == 64 * 1024);
  CHECK(DirectoryOf(header) == "/d");
  FileIdentity own;
  REQUIRE(place.world.file_system().Identify("/d", &own).ok());
  CHECK(IdentityOf(header) == own);
  CHECK(place.window->Check().ok());
  std::unique_ptr<File> file;
  WindowHeader found;
  std::string reason;
  REQUIRE(OpenWindowFile(&place.world.file_system(), place.window->path(), &file, &found, &reason)
              .ok());
  REQUIRE(file != nullptr);
  CHECK(LockWindowFile(file.get(), place.window->path(), found).code() == Code::kLocked);
  CHECK(std::memcmp(&found, &header, sizeof(header)) == 0);
  // A line's place follows from its segment and offset.
  CHECK(place.window->PlaceOf(3, 8192) == 8192);
  CHECK(place.window->PlaceOf(4, 4096) == 256 * 1024 + 4096);
  CHECK(place.window->PlaceOf(5, 4096) == 384 * 1024 + 4096);
}

TEST_CASE("with too little room, 'auto' takes a smaller window or none, and 'window' fails") {
  Place place;
  place.world.file_system().set_memory_room(20 * kMiB);
  REQUIRE(place.Make({WritePath::kAuto, "", 16 * kMiB}).ok());
  REQUIRE(place.window != nullptr);
  CHECK(place.window->ring_bytes() == 8 * kMiB);
  REQUIRE(place.window->Remove().ok());

  const Status must = place.Make({WritePath::kWindow, "", 16 * kMiB});
  CHECK(must.code() == Code::kNoSpace);
  CHECK(must.message().find("bytes are free there") != std::string::npos);
  CHECK(place.window == nullptr);

  place.world.file_system().set_memory_room(6 * kMiB);
  REQUIRE(place.Make({WritePath::kAuto, "", 16 * kMiB}).ok());
  CHECK(place.window == nullptr);
  CHECK(place.why_none.find("bytes are too many") != std::string::npos);
  CHECK(place.Names().empty());
}

TEST_CASE("a directory that can't have windows is refused, or 'auto' does without") {
  Place place;
  const std::string too_long = "/shm/" + std::string(kWindowDirectoryBytes, 'x');
  for (const std::string& directory :
       {std::string("/d"), std::string("relative"), std::string("/nowhere"), too_long}) {
    CAPTURE(directory);
    CHECK_FALSE(place.Make({WritePath::kWindow, directory, 64 * 1024}).ok());
    CHECK(place.window == nullptr);
    CHECK(place.Make({WritePath::kAuto, directory, 64 * 1024}).ok());
    CHECK(place.window == nullptr);
    CHECK(place.why_none.find(directory) != std::string::npos);
  }
  CHECK(place.Make({WritePath::kWindow, "/d", 64 * 1024}).code() == Code::kInvalidArgument);
}

TEST_CASE("a window that can't be finished leaves no file") {
  for (const CallKind kind :
       {CallKind::kCreate, CallKind::kPreallocate, CallKind::kWrite, CallKind::kMap}) {
    Place place;
    place.world.file_system().faults().Add({.kind = kind, .fault = Fault::Error(12)});
    CHECK_FALSE(place.Make({WritePath::kWindow, "", 64 * 1024}).ok());
    CHECK(place.Names().empty());
  }
}

TEST_CASE("bytes are stored across the ring's end") {
  Place place;
  REQUIRE(place.Make({WritePath::kWindow, "", 64 * 1024}).ok());
  std::vector<uint8_t> bytes(300);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i);
  for (const uint64_t before_end : {64u, 128u, 256u}) {
    bytes.resize(320);
    const uint64_t begin = 5 * 64 * 1024 - before_end;
    place.window->Store(begin, bytes);
    CHECK(place.window->ContiguousAt(begin) == before_end);
    bool same = true;
    for (size_t i = 0; i < bytes.size(); ++i)
      same = same && *place.window->At(begin + i) == bytes[i];
    CHECK(same);
  }
}

TEST_CASE("all of a window is touched exactly once") {
  Place place;
  REQUIRE(place.Make({WritePath::kWindow, "", 64 * 1024}).ok());
  uint64_t touched = 0;
  while (const uint64_t bytes = place.window->TouchStep(10'000)) touched += bytes;
  CHECK(touched == 64 * 1024);
}

TEST_CASE("a window that lost its name, or got another one, is noticed") {
  Place removed;
  REQUIRE(removed.Make({WritePath::kWindow, "", 64 * 1024}).ok());
  REQUIRE(removed.window->Remove().ok());
  CHECK(removed.window->Check().code() == Code::kDirectoryLost);
  Place linked;
  REQUIRE(linked.Make({WritePath::kWindow, "", 64 * 1024}).ok());
  bool done = false;
  REQUIRE(linked.world.file_system().Link(linked.window->path(), "/shm/other", &done).ok());
  CHECK(linked.window->Check().code() == Code::kDirectoryLost);
}

TEST_CASE("a changed header is ignored, and one of an impossible window is refused") {
  Place place;
  REQUIRE(place.Make({WritePath::kWindow, "", 64 * 1024}).ok());
  const WindowHeader good = place.window->header();
  const std::string path = place.window->path();
  place.window.reset();
  std::unique_ptr<File> file;
  REQUIRE(place.world.file_system().Open(path, OpenMode::kReadWrite, &file).ok());
  const auto reason_of = [&](WindowHeader header, bool seal, WindowHeader* read) {
    if (seal) {
      header.checksum = 0;
      const uint16_t version = header.version;
      SealWindowHeader(&header);
      header.version = version;
    }
    REQUIRE(file->Write(0, {reinterpret_cast<const uint8_t*>(&header), sizeof(header)}).ok());
    std::string reason;
    REQUIRE(ReadWindowHeader(*file, read, &reason).ok());
    return reason;
  };
  WindowHeader read;
  CHECK(reason_of(good, false, &read).empty());
  CHECK(std::memcmp(&read, &good, sizeof(good)) == 0);

  WindowHeader changed = good;
  changed.directory_inode ^= 1;
  CHECK(reason_of(changed, false, &read) == "its header does not verify");
  CHECK(read.directory_inode == 0);

  WindowHeader feature = good;
  feature.mandatory_features = 1;
  CHECK(reason_of(feature, true, &read) == "it has a format that this version does not know");
  for (const uint64_t ring :
       {uint64_t{0}, kMinWindowBytes - 1, kMinWindowBytes + 64, 2 * kMaxWindowBytes}) {
    WindowHeader impossible = good;
    impossible.ring_bytes = ring;
    CHECK(reason_of(impossible, true, &read) == "its header names an impossible size");
  }
  WindowHeader larger = good;
  larger.ring_bytes *= 2;
  CHECK(reason_of(larger, true, &read).find("it was cut short or grew") == 0);
}

}  // namespace
}  // namespace pinnacle
