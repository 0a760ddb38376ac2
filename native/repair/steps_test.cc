#include "repair/steps.h"

#include <algorithm>
#include <cerrno>

#include "doctest.h"
#include "platform/path_parts.h"
#include "test/directory_image.h"

namespace pinnacle {
namespace {

std::vector<uint8_t> Content(uint8_t fill) { return std::vector<uint8_t>(5000, fill); }

// A directory with four files and a repair that replaces two, adds one and removes one.
struct Prepared {
  DirectoryImage directory;
  RepairSteps steps;

  Prepared() {
    for (const char* path : {"/d/quarantine", "/d/quarantine/7"}) {
      REQUIRE(files().CreateDirectory(path).ok());
      REQUIRE(files().SyncDirectory(ParentOf(path)).ok());
    }
    directory.Write("/d/HEAD", Content(1));
    directory.Write("/d/journal/a", Content(2));
    directory.Write("/d/journal/b", Content(3));
    directory.Write("/d/snapshots/s", Content(4));
    directory.Write("/d/HEAD.repair", Content(11));
    directory.Write("/d/journal/a.repair", Content(12));
    directory.Write("/d/journal/c.repair", Content(13));
    steps.out = {{"journal/a", "quarantine/7/a"},
                 {"snapshots/s", "quarantine/7/s"},
                 {"HEAD", "quarantine/7/HEAD"}};
    steps.in = {{"journal/a.repair", "journal/a"},
                {"journal/c.repair", "journal/c"},
                {"HEAD.repair", "HEAD"}};
  }
  SimulatedFileSystem& files() { return directory.files(); }
};

using Contents = std::map<std::string, std::vector<uint8_t>>;

Contents After() {
  return {{"/d/HEAD", Content(11)},
          {"/d/journal/a", Content(12)},
          {"/d/journal/b", Content(3)},
          {"/d/journal/c", Content(13)},
          {"/d/quarantine/7/a", Content(2)},
          {"/d/quarantine/7/s", Content(4)},
          {"/d/quarantine/7/HEAD", Content(1)}};
}

Contents ContentsOf(const DiskImage& disk) {
  Contents contents;
  for (const auto& [path, file] : disk.files) contents[path] = file.Bytes();
  return contents;
}

bool SameMoves(const std::vector<Move>& left, const std::vector<Move>& right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const Move& a, const Move& b) { return a.from == b.from && a.to == b.to; });
}

TEST_CASE("a list of steps reads back as it was written, and is durable") {
  Prepared prepared;
  REQUIRE(WriteSteps(&prepared.files(), "/d", prepared.steps).ok());
  DeterministicRandom random(1);
  SimulatedFileSystem found(
      1, prepared.files().PowerCut(random, {.unsynced = PowerCutOptions::Unsynced::kNothing}));
  bool there = false;
  RepairSteps steps;
  REQUIRE(ReadSteps(&found, "/d", &there, &steps).ok());
  CHECK(there);
  CHECK(SameMoves(steps.out, prepared.steps.out));
  CHECK(SameMoves(steps.in, prepared.steps.in));
}

TEST_CASE("a directory without a list of steps has none to finish") {
  Prepared prepared;
  bool there = true;
  RepairSteps steps;
  REQUIRE(ReadSteps(&prepared.files(), "/d", &there, &steps).ok());
  CHECK_FALSE(there);
  // An empty list is valid.
  REQUIRE(WriteSteps(&prepared.files(), "/d", RepairSteps()).ok());
  REQUIRE(ReadSteps(&prepared.files(), "/d", &there, &steps).ok());
  CHECK(there);
}

TEST_CASE("a list that is cut anywhere, or has a changed byte, is refused and nothing is moved") {
  Prepared prepared;
  REQUIRE(WriteSteps(&prepared.files(), "/d", prepared.steps).ok());
  const std::vector<uint8_t> list = prepared.directory.Read("/d/REPAIR");
  const auto check_refused = [&](const std::vector<uint8_t>& bytes) {
    prepared.directory.Write("/d/REPAIR", bytes);
    const Contents before = prepared.directory.Contents();
    bool finished = false;
    const Status status = FinishRepair(&prepared.files(), "/d", &finished);
    CHECK(status.code() == Code::kCorrupt);
    CHECK(status.message().find("/d/REPAIR") != std::string::npos);
    CHECK(prepared.directory.Contents() == before);
  };
  for (size_t bytes = 0; bytes < list.size(); ++bytes) {
    check_refused({list.begin(), list.begin() + static_cast<long>(bytes)});
  }
  for (size_t byte = 0; byte < list.size(); ++byte) {
    std::vector<uint8_t> changed = list;
    changed[byte] ^= 0x01;
    check_refused(changed);
  }
  std::vector<uint8_t> longer = list;
  longer.push_back('\n');
  check_refused(longer);
}

TEST_CASE("the steps are taken, and their list is removed") {
  Prepared prepared;
  REQUIRE(WriteSteps(&prepared.files(), "/d", prepared.steps).ok());
  bool finished = false;
  REQUIRE(FinishRepair(&prepared.files(), "/d", &finished).ok());
  CHECK(finished);
  CHECK(prepared.directory.Contents() == After());
  // A second call has nothing to do.
  REQUIRE(FinishRepair(&prepared.files(), "/d", &finished).ok());
  CHECK_FALSE(finished);
  CHECK(prepared.directory.Contents() == After());
}

TEST_CASE("partly taken steps are finished from every state that a power cut leaves") {
  Prepared prepared;
  prepared.files().StartRecording();
  REQUIRE(WriteSteps(&prepared.files(), "/d", prepared.steps).ok());
  REQUIRE(FinishSteps(&prepared.files(), "/d", prepared.steps).ok());
  const Contents after = prepared.directory.Contents();
  CHECK(after == After());
  DeterministicRandom random(5);
  size_t with_list = 0;
  for (size_t step = 0; step < prepared.files().steps().size(); ++step) {
    for (int outcome = 0; outcome < 200; ++outcome) {
      const DiskImage disk = prepared.files().ImageAt(step, random);
      const Contents found = ContentsOf(disk);
      SimulatedFileSystem files(1, disk);
      bool finished = false;
      const Status status = FinishRepair(&files, "/d", &finished);
      CAPTURE(step);
      REQUIRE_MESSAGE(status.ok(), status.ToString());
      const Contents now =
          ContentsOf(files.PowerCut(random, {.unsynced = PowerCutOptions::Unsynced::kNothing}));
      with_list += finished ? 1 : 0;
      if (finished) {
        CHECK(now == after);
      } else if (now != after) {
        // The list was never written, or it is gone: prepared files are removed, the rest stays.
        CHECK(now.at("/d/journal/a") == Content(2));
        CHECK(now.at("/d/HEAD") == Content(1));
        CHECK(now.at("/d/snapshots/s") == Content(4));
        CHECK_FALSE(now.contains("/d/journal/c"));
      }
    }
  }
  CHECK(with_list > 500);
}

TEST_CASE("steps continue after each failed call") {
  for (uint64_t failing = 1;; ++failing) {
    Prepared prepared;
    REQUIRE(WriteSteps(&prepared.files(), "/d", prepared.steps).ok());
    uint64_t calls = 0;
    prepared.files().faults().SetHook([&](CallKind, const std::string&) {
      return ++calls == failing ? Fault::Error(EIO) : Fault();
    });
    bool finished = false;
    const Status status = FinishRepair(&prepared.files(), "/d", &finished);
    prepared.files().faults().Clear();
    CAPTURE(failing);
    if (calls < failing) {
      CHECK(status.ok());
      CHECK(failing > 20);
      break;
    }
    CHECK(status.code() == Code::kIo);
    REQUIRE(FinishRepair(&prepared.files(), "/d", &finished).ok());
    CHECK(prepared.directory.Contents() == After());
  }
}

TEST_CASE("a new file in the place of a quarantined one is left alone") {
  Prepared prepared;
  REQUIRE(WriteSteps(&prepared.files(), "/d", prepared.steps).ok());
  REQUIRE(prepared.files().Rename("/d/snapshots/s", "/d/quarantine/7/s").ok());
  prepared.directory.Write("/d/snapshots/s", Content(44));
  bool finished = false;
  REQUIRE(FinishRepair(&prepared.files(), "/d", &finished).ok());
  CHECK(prepared.directory.Read("/d/snapshots/s") == Content(44));
  CHECK(prepared.directory.Read("/d/quarantine/7/s") == Content(4));
}

TEST_CASE("a step whose files are both gone fails, and the list stays") {
  for (const char* path : {"/d/journal/a", "/d/journal/c.repair"}) {
    Prepared prepared;
    REQUIRE(WriteSteps(&prepared.files(), "/d", prepared.steps).ok());
    prepared.directory.Remove(path);
    bool finished = false;
    const Status status = FinishRepair(&prepared.files(), "/d", &finished);
    CHECK(status.code() == Code::kCorrupt);
    CHECK(status.message().find(path) != std::string::npos);
    CHECK(prepared.directory.Has("/d/REPAIR"));
  }
}

TEST_CASE("without a list a repair's prepared files are removed, and nothing else") {
  Prepared prepared;
  prepared.directory.Write("/d/REPAIR.repair", Content(9));
  prepared.directory.Write("/d/snapshots/x.repair", Content(9));
  prepared.directory.Write("/d/quarantine/7/y.repair", Content(9));
  Contents expected = prepared.directory.Contents();
  for (const char* path : {"/d/HEAD.repair", "/d/journal/a.repair", "/d/journal/c.repair",
                           "/d/REPAIR.repair", "/d/snapshots/x.repair"}) {
    REQUIRE(expected.erase(path) == 1);
  }
  bool finished = true;
  REQUIRE(FinishRepair(&prepared.files(), "/d", &finished).ok());
  CHECK_FALSE(finished);
  CHECK(prepared.directory.Contents() == expected);
}

TEST_CASE("an empty directory has no repair to finish") {
  SimulatedFileSystem files(1);
  REQUIRE(files.CreateDirectory("/d").ok());
  bool finished = true;
  REQUIRE(FinishRepair(&files, "/d", &finished).ok());
  CHECK_FALSE(finished);
}

}  // namespace
}  // namespace pinnacle
