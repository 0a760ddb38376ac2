// What the next open makes of the window of a writer that was killed.
#include "engine/adoption.h"

#include <cerrno>
#include <cstring>

#include "checksum/crc32c.h"
#include "doctest.h"
#include "engine/engine.h"
#include "simulator/simulated_environment.h"
#include "test/killed_machine.h"
#include "window/window_files.h"

namespace pinnacle {
namespace {

// Another entry, sound by itself, in the place of one that is in the file.
void ChangeEntry(Machine& machine, uint64_t offset, uint64_t entry_bytes) {
  std::vector<uint8_t> entry = machine.Bytes(kSegment, offset, entry_bytes);
  const std::vector<uint8_t> page = machine.Bytes(kSegment, 0, kSegmentHeaderBytes);
  SegmentHeader header;
  std::memcpy(&header, page.data(), sizeof(header));
  entry[24] ^= 1;
  const uint64_t covered = entry_bytes - sizeof(uint32_t);
  const uint32_t checksum = Crc32cExtend(SeedOfSegment(header.segment_id), entry.data(), covered);
  std::memcpy(entry.data() + covered, &checksum, sizeof(checksum));
  machine.Change(kSegment, offset, entry);
}

TEST_CASE("a killed process loses nothing: what only the window has is taken, once") {
  Machine machine;
  const std::string path = machine.WriteAndKill();
  machine.CheckForetold();
  CHECK(machine.report.window.fate == WindowFate::kUsed);
  CHECK(machine.report.window.entries == 5);
  CHECK(machine.report.window.last_sequence == 15);
  CHECK(machine.report.window.reason.empty());
  CHECK(machine.engine->appended() == 15);
  CHECK(machine.engine->durable() == 15);
  CHECK_FALSE(machine.Exists(path));
  CHECK(machine.Windows().size() == 1);
  machine.Write(3);
  machine.Kill();
  machine.MustOpen();
  CHECK(machine.engine->appended() == 18);
  REQUIRE(machine.engine->Close().ok());
  CHECK(machine.Windows().empty());
  machine.MustOpen();
  CHECK(machine.report.window.fate == WindowFate::kNone);
}

TEST_CASE("entries of several segments, and ones that go across the ring's end, are taken") {
  Machine machine;
  machine.options.journal.segment_bytes = kMinSegmentBytes;
  machine.options.journal.window.bytes = 4 * kMinWindowBytes;
  machine.MustOpen();
  for (int round = 0; round < 8; ++round) {
    for (uint64_t i = 0; i < 60; ++i) {
      const std::vector<uint8_t> payload(1 + i * 83 % 5000, static_cast<uint8_t>(i));
      uint64_t sequence = 0;
      REQUIRE(machine.engine->AppendPayload(1, 0, 0, payload.data(),
                                            static_cast<uint32_t>(payload.size()),
                                            &sequence) == Code::kOk);
    }
    if (round % 2 == 0) machine.Copy();
    const uint64_t last = machine.engine->appended();
    machine.Kill();
    machine.MustOpen();
    CHECK(machine.engine->appended() == last);
    CHECK(machine.report.tail == Tail::kClean);
  }
}

TEST_CASE("a writer that stores straight into the segments takes the window of the one before") {
  Machine machine;
  machine.WriteAndKill();
  machine.options.journal.window.path = WritePath::kMapped;
  machine.MustOpen();
  CHECK(machine.report.window.fate == WindowFate::kUsed);
  CHECK(machine.engine->appended() == 15);
  CHECK(machine.Windows().empty());
}

TEST_CASE("a window of an earlier boot has nothing to say") {
  Machine machine;
  machine.MustOpen();
  machine.Write(10);
  REQUIRE(machine.engine->SyncNow().ok());
  machine.Write(5);
  machine.Kill();
  DiskImage image = machine.FilesNow();
  image.files.merge(machine.files().MemoryFiles().files);
  machine.world = std::make_unique<SimulatedEnvironment>(3, image);
  CHECK(machine.Windows().size() == 1);
  machine.CheckForetold();
  CHECK(machine.report.window.fate == WindowFate::kOtherBoot);
  CHECK(machine.engine->appended() == 10);
  CHECK(machine.Windows().size() == 1);  // the new one: the old is a leftover, and removed
}

TEST_CASE("a window that is gone is reported, and the files go on") {
  Machine machine;
  machine.MustOpen();
  machine.Write(10);
  machine.Copy();
  machine.Write(5);
  machine.Kill(true);
  machine.CheckForetold();
  CHECK(machine.report.window.fate == WindowFate::kGone);
  CHECK(machine.report.window.reason.find("is gone, and with it the entries") != std::string::npos);
  CHECK(machine.engine->appended() == 10);
}

TEST_CASE("a window that is not as it was left is refused, reported, and kept under another name") {
  Machine machine;
  const std::string path = machine.WriteAndKill();
  std::string why;
  SUBCASE("it has a second name") {
    bool done = false;
    REQUIRE(machine.files().Link(path, "/shm/other", &done).ok());
    why = "not private to this user";
  }
  SUBCASE("it was cut short") {
    std::unique_ptr<File> file;
    REQUIRE(machine.files().Open(path, OpenMode::kReadWrite, &file).ok());
    REQUIRE(file->Truncate(kWindowHeaderBytes).ok());
    why = "it was cut short or grew";
  }
  SUBCASE("its header does not verify") {
    machine.Change(path, 100, {0xff});
    why = "its header does not verify";
  }
  SUBCASE("the directory in its header was changed with it") {
    machine.Change(path, 96, {0xff});
    why = "its header does not verify";
  }
  SUBCASE("its header is another one") {
    const std::vector<uint8_t> bytes = machine.Bytes(path, 0, sizeof(WindowHeader));
    WindowHeader header;
    std::memcpy(&header, bytes.data(), sizeof(header));
    header.epoch += 1;
    header.checksum = 0;
    SealWindowHeader(&header);
    const auto* sealed = reinterpret_cast<const uint8_t*>(&header);
    machine.Change(path, 0, {sealed, sealed + sizeof(header)});
    why = "not the one that the head record names";
  }
  machine.CheckForetold();
  REQUIRE(machine.engine != nullptr);
  CHECK(machine.report.window.fate == WindowFate::kRefused);
  CHECK_FALSE(machine.report.window.is_others);
  CHECK_MESSAGE(machine.report.window.reason.find(why) != std::string::npos,
                machine.report.window.reason);
  CHECK(machine.engine->appended() == 10);
  CHECK(machine.report.window.path == RefusedName(path));
  CHECK(machine.Exists(RefusedName(path)));
  CHECK_FALSE(machine.Exists(path));
  // Nothing takes or removes it from now on.
  machine.Write(1);
  machine.Kill();
  machine.MustOpen();
  CHECK(machine.engine->appended() == 11);
  CHECK(machine.Exists(RefusedName(path)));
}

TEST_CASE("something else in the window's place is refused") {
  Machine machine;
  const std::string path = machine.WriteAndKill();
  REQUIRE(machine.files().Remove(path).ok());
  REQUIRE(machine.files().CreateDirectory(path).ok());
  machine.MustOpen();
  CHECK(machine.report.window.fate == WindowFate::kRefused);
  CHECK(machine.engine->appended() == 10);
}

TEST_CASE("a call that fails on the window is the open's error, and the next open loses nothing") {
  const struct {
    CallKind kind;
    int system_error;
    Code code;
  } failing[] = {{CallKind::kOpen, EMFILE, Code::kTooManyFiles},
                 {CallKind::kOpen, EIO, Code::kIo},
                 {CallKind::kRead, EIO, Code::kIo},
                 {CallKind::kSize, EIO, Code::kIo},
                 {CallKind::kLock, EIO, Code::kIo}};
  for (const auto& call : failing) {
    Machine machine;
    const std::string path = machine.WriteAndKill();
    machine.files().faults().Add(
        {.kind = call.kind, .fault = Fault::Error(call.system_error), .path_contains = path});
    CHECK(machine.Open().code() == call.code);
    CHECK(machine.Exists(path));
    machine.MustOpen();
    CHECK(machine.report.window.fate == WindowFate::kUsed);
    CHECK(machine.engine->appended() == 15);
  }
  // A short read is not a failure.
  Machine machine;
  machine.WriteAndKill();
  machine.files().faults().Add({.kind = CallKind::kRead,
                                .fault = Fault::ShortRead(100),
                                .and_after = true,
                                .path_contains = ".window"});
  machine.MustOpen();
  CHECK(machine.engine->appended() == 15);
}

TEST_CASE("an open that fails while it takes the entries leaves the window to the next one") {
  for (const CallKind kind : {CallKind::kWrite, CallKind::kSync, CallKind::kPreallocate}) {
    Machine machine;
    machine.WriteAndKill();
    machine.files().faults().Add(
        {.kind = kind, .fault = Fault::Error(EIO), .path_contains = ".segment"});
    CHECK(machine.Open().code() == Code::kIo);
    machine.MustOpen();
    CHECK(machine.engine->appended() == 15);
    // The device has them, although the kernel forgot them after the failed sync.
    DeterministicRandom random(1);
    SimulatedEnvironment after(
        5, machine.files().PowerCut(random, {.unsynced = PowerCutOptions::Unsynced::kNothing}));
    std::unique_ptr<Engine> engine;
    RecoveryReport report;
    REQUIRE(Engine::Open(after.environment(), machine.options, nullptr, &engine, &report).ok());
    CHECK(engine->appended() == 15);
  }
}

TEST_CASE("what an open refused stays refused if that open failed later") {
  Machine machine;
  const std::string path = machine.WriteAndKill();
  machine.Change(path, 100, {0xff});
  machine.files().faults().Add(
      {.kind = CallKind::kCreate, .fault = Fault::Error(EMFILE), .path_contains = ".window"});
  CHECK_FALSE(machine.Open().ok());
  machine.CheckForetold();
  REQUIRE(machine.engine != nullptr);
  CHECK(machine.report.window.fate == WindowFate::kRefused);
  CHECK(machine.report.window.reason.find("which did not finish, refused it") != std::string::npos);
  CHECK(machine.Exists(RefusedName(path)));
}

TEST_CASE("a copy of the directory does not touch the original's window") {
  Machine machine;
  const std::string path = machine.WriteAndKill();
  DiskImage both = machine.FilesNow();
  const DiskImage original = both;
  both.directories.insert("/copy");
  for (const std::string& directory : original.directories) {
    if (directory.starts_with("/d/")) both.directories.insert("/copy" + directory.substr(2));
  }
  for (const auto& [name, content] : original.files) {
    both.files["/copy" + name.substr(2)] = content;
  }
  machine.Replace(both);
  EngineOptions options = machine.options;
  options.data_directory = "/copy";
  std::unique_ptr<Engine> copy;
  RecoveryReport report;
  const auto open_copy = [&] {
    const Status status =
        Engine::Open(machine.world->environment(), options, nullptr, &copy, &report);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    CHECK(report.window.fate == WindowFate::kRefused);
    CHECK(report.window.is_others);
    CHECK(report.window.reason.find("it belongs to /d, of which this directory is a copy") !=
          std::string::npos);
    CHECK(copy->appended() == 10);
    CHECK(machine.Exists(path));
  };
  SUBCASE("left by a killed writer") { open_copy(); }
  SUBCASE("in use") {
    machine.MustOpen();
    machine.Write(2);
    // The head record of the copy names the window that the original has now.
    const std::string live = machine.engine->journal()->window()->path();
    const std::vector<uint8_t> head = machine.Bytes("/d/HEAD", 0, 8192);
    machine.Change("/copy/HEAD", 0, head);
    machine.Change("/copy/journal" + std::string(kSegment).substr(10), 0,
                   machine.Bytes(kSegment, 0, OffsetOf(16)));
    Status status = Engine::Open(machine.world->environment(), options, nullptr, &copy, &report);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    CHECK(report.window.is_others);
    CHECK(machine.Exists(live));
    REQUIRE(copy->Close().ok());
    CHECK(machine.engine->journal()->window()->Check().ok());
    machine.Kill();
  }
  machine.MustOpen();
  CHECK(machine.engine->appended() >= 15);
}

TEST_CASE("a window that differs from the files in any line that both have is refused") {
  Machine machine;
  const std::string path = machine.WriteAndKill();
  ChangeEntry(machine, OffsetOf(10), kLineBytes);
  machine.CheckForetold();
  REQUIRE(machine.engine != nullptr);
  CHECK(machine.report.window.fate == WindowFate::kRefused);
  CHECK(machine.report.window.reason.find("it differs from") != std::string::npos);
  CHECK(machine.engine->appended() == 10);
  CHECK(machine.Exists(RefusedName(path)));
}

TEST_CASE("the last entry of the files is compared even if the window is nearly full") {
  for (const size_t payload_bytes : {size_t{32}, size_t{3000}}) {
    Machine machine;
    machine.MustOpen();
    uint64_t sequence = 0;
    const std::vector<uint8_t> payload(payload_bytes, 7);
    REQUIRE(machine.engine->AppendPayload(1, 0, 0, payload.data(),
                                          static_cast<uint32_t>(payload_bytes),
                                          &sequence) == Code::kOk);
    machine.Copy();
    machine.Write(kMinWindowBytes / kLineBytes - 100);
    const std::string path = machine.engine->journal()->window()->path();
    machine.Kill();
    ChangeEntry(machine, OffsetOf(1), EntryBytes(static_cast<uint32_t>(payload_bytes)));
    machine.MustOpen();
    CHECK(machine.report.window.fate == WindowFate::kRefused);
    CHECK(machine.engine->appended() == 1);
    CHECK(machine.Exists(RefusedName(path)));
  }
}

TEST_CASE("the line before the first tells a fork that was written to in between") {
  Machine machine;
  machine.MustOpen();
  machine.Write(10);
  REQUIRE(machine.engine->Close().ok());
  machine.MustOpen();  // its window has entry 10, which it did not write
  machine.Write(5);
  const std::string path = machine.engine->journal()->window()->path();
  machine.Kill();
  CHECK(machine.Bytes(path, InWindow(10), kLineBytes) ==
        machine.Bytes(kSegment, OffsetOf(10), kLineBytes));
  SUBCASE("it is the same") {
    machine.MustOpen();
    CHECK(machine.engine->appended() == 15);
  }
  SUBCASE("it is another one") {
    machine.Change(path, InWindow(10) + 24, {0xaa});
    machine.MustOpen();
    CHECK(machine.report.window.fate == WindowFate::kRefused);
    CHECK(machine.engine->appended() == 10);
  }
}

TEST_CASE(
    "files that end before the window begins have lost entries: strict refuses, salvage goes on") {
  Machine machine;
  machine.MustOpen();
  machine.Write(10);
  machine.Copy();
  const DiskImage older = machine.FilesNow();
  machine.Write(3000);  // round the ring more than once
  const std::string path = machine.engine->journal()->window()->path();
  machine.Kill();
  machine.Replace(older);
  machine.CheckForetold();
  CHECK(machine.Open().code() == Code::kCorrupt);
  const Status refused = machine.Open();
  CHECK(refused.message().find("have lost entries that were written to them") != std::string::npos);
  CHECK(machine.Exists(path));

  machine.options.policy = RecoveryPolicy::kSalvage;
  machine.MustOpen();
  CHECK(machine.report.window.fate == WindowFate::kRefused);
  CHECK_FALSE(machine.report.window.reason.empty());
  CHECK(machine.engine->appended() == 10);
  CHECK(machine.Exists(RefusedName(path)));
}

TEST_CASE("older files beside a window that still has all that they lack lose nothing") {
  Machine machine;
  machine.MustOpen();
  machine.Write(10);
  machine.Copy();
  const DiskImage older = machine.FilesNow();
  machine.Write(200);
  REQUIRE(machine.engine->SyncNow().ok());
  machine.Kill();
  machine.Replace(older);
  machine.MustOpen();
  CHECK(machine.report.window.entries == 200);
  CHECK(machine.engine->appended() == 210);
}

TEST_CASE("a window that is damaged after what could be taken says so") {
  Machine machine;
  const std::string path = machine.WriteAndKill();
  machine.Change(path, InWindow(13) + 30, {0xff});
  machine.CheckForetold();
  REQUIRE(machine.engine != nullptr);
  CHECK(machine.report.window.fate == WindowFate::kUsed);
  CHECK(machine.report.window.entries == 2);
  CHECK(machine.report.window.reason.find(
            "is damaged: entry 14 is in it, and entry 13 is neither") != std::string::npos);
  CHECK(machine.engine->appended() == 12);
}

TEST_CASE("an entry whose store was cut off is not there, and nothing is wrong with that") {
  Machine machine;
  const std::string path = machine.WriteAndKill();
  machine.Change(path, InWindow(15) + kLineBytes - 4, {0, 0, 0, 0});
  machine.MustOpen();
  CHECK(machine.report.window.reason.empty());
  CHECK(machine.engine->appended() == 14);
}

TEST_CASE("an entry of the ring's lap before is not taken for the next one") {
  Machine machine;
  machine.MustOpen();
  // The next place has an entry of this very segment, one lap older.
  const uint64_t lap = kMinWindowBytes / kLineBytes;
  machine.Write(lap + 100);
  machine.Copy();
  machine.Write(7);
  machine.Kill();
  machine.MustOpen();
  CHECK(machine.report.window.entries == 7);
  CHECK(machine.engine->appended() == lap + 107);
}

TEST_CASE("windows that earlier writers left go with the next open, a neighbour's stays") {
  Machine machine;
  const std::string path = machine.WriteAndKill();
  const std::string left = "/shm/pinnacle-00000000000000000000000000000000.window";
  DiskImage image = machine.FilesNow();
  image.files[left] = machine.files().MemoryFiles().files.at(path);
  image.files["/shm/pinnacle-notes.window"] = FileImage();
  machine.Replace(image);
  // A neighbour that writes, and one that was killed.
  EngineOptions options = machine.options;
  std::unique_ptr<Engine> killed;
  std::unique_ptr<Engine> neighbour;
  RecoveryReport report;
  options.data_directory = "/killed";
  REQUIRE(Engine::Open(machine.world->environment(), options, nullptr, &killed, &report).ok());
  const std::string of_killed = killed->journal()->window()->path();
  machine.files().ProcessKill();
  killed.reset();
  options.data_directory = "/neighbour";
  REQUIRE(Engine::Open(machine.world->environment(), options, nullptr, &neighbour, &report).ok());
  const std::string of_neighbour = neighbour->journal()->window()->path();

  machine.MustOpen();
  CHECK(machine.engine->appended() == 15);
  CHECK_FALSE(machine.Exists(left));
  CHECK_FALSE(machine.Exists(path));
  CHECK(machine.Exists(of_neighbour));
  CHECK(machine.Exists(of_killed));
  CHECK(machine.Exists("/shm/pinnacle-notes.window"));
  REQUIRE(machine.engine->Close().ok());
  CHECK(machine.Exists(of_neighbour));
  CHECK(neighbour->journal()->window()->Check().ok());
}

TEST_CASE("if the head record is damaged the directory's window is found, and reported") {
  Machine machine;
  const std::string path = machine.WriteAndKill();
  machine.Change("/d/HEAD", 20, {0xff});
  machine.Change("/d/HEAD", 4096 + 20, {0xff});
  machine.CheckForetold();
  CHECK(machine.engine == nullptr);
  CHECK(machine.Exists(path));
  machine.options.policy = RecoveryPolicy::kSalvage;
  machine.MustOpen();
  CHECK(machine.report.window.fate == WindowFate::kRefused);
  CHECK(machine.report.window.reason.find("the files are damaged at the place that it continues") !=
        std::string::npos);
  CHECK(machine.engine->appended() == 10);
  CHECK(machine.Exists(RefusedName(path)));
}

TEST_CASE("a writer that was killed before its first segment left a window with nothing in it") {
  Machine machine;
  machine.files().faults().Add(
      {.kind = CallKind::kCreate, .fault = Fault::Error(EIO), .path_contains = "/d/journal"});
  CHECK_FALSE(machine.Open().ok());
  CHECK(machine.Windows().size() == 1);
  machine.MustOpen();
  CHECK(machine.report.window.fate == WindowFate::kUsed);
  CHECK(machine.report.window.entries == 0);
  CHECK(machine.Windows().size() == 1);
}

}  // namespace
}  // namespace pinnacle
