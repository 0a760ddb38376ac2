// Mandatory features of segments: durable in the header before an entry that needs one can follow.
#include <cerrno>
#include <string>
#include <vector>

#include "doctest.h"
#include "journal/journal.h"
#include "journal/scan.h"
#include "simulator/simulated_environment.h"
#include "test/simulated_journal.h"

namespace pinnacle {
namespace {

constexpr uint64_t kFeature = kFeatureSignedPrices;

std::string PathOf(uint64_t index) {
  return std::string(kSimulatedJournal) + "/" + SegmentName(index);
}

// 0xff…: the header does not verify.
uint64_t FeaturesIn(FileSystem* fs, uint64_t index) {
  std::unique_ptr<File> file;
  SegmentHeader header{};
  REQUIRE(fs->Open(PathOf(index), OpenMode::kRead, &file).ok());
  const Status status = ReadSegmentHeader(*file, {index, PathOf(index)}, &header);
  CHECK_MESSAGE(status.ok(), status.ToString());
  return status.ok() ? header.mandatory_features : UINT64_MAX;
}

// A journal in a directory of a simulated world, with a window or with mapped segments.
struct Opened {
  SimulatedEnvironment world;
  FileSystem* fs = &world.file_system();
  WritePath write_path;
  std::unique_ptr<Journal> journal;

  explicit Opened(WritePath path) : world(1), write_path(path) {
    MakeJournalDirectories(fs);
    Open(EmptyPosition());
  }
  void Open(const JournalPosition& position) {
    const JournalOptions options{kMinSegmentBytes, 2, {write_path, "", kMinWindowBytes}};
    OpenJournal(&world, options, position, &journal);
  }
  // The end of the segment that was written to last.
  JournalPosition Position() {
    ScanResult scan;
    REQUIRE(ScanJournal(fs, kSimulatedJournal, {}, nullptr, &scan).ok());
    JournalPosition position;
    position.head_directory = "/d";
    REQUIRE(ReadHead(fs, "/d", &position.head).ok());
    const SegmentFacts& segment = scan.segments.front();
    position.next_sequence = scan.entries + 1;
    position.file = segment.file;
    position.header = segment.header;
    position.first_sequence = 1;
    position.end_offset = segment.end_offset;
    position.link = segment.link;
    position.next_index = 2;
    for (size_t i = 1; i < scan.segments.size(); ++i) {
      position.trailing.push_back(scan.segments[i].file);
    }
    return position;
  }
  void Line() {
    const uint64_t payload[4] = {1, 0, 2, 3};
    REQUIRE(journal->AppendLine(EntryType{0x11}, 1, 0, 5, payload) == Code::kOk);
  }
  void Roll() {
    const uint64_t index = journal->segment_index();
    while (journal->segment_index() == index) Line();
  }
  void Require() {
    const Status status = journal->RequireFeature(kFeature);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
  }
  // What a power cut leaves if the device has nothing that was not synced.
  SimulatedEnvironment AfterPowerCut() {
    DeterministicRandom random(1);
    return SimulatedEnvironment(
        2, world.file_system().PowerCut(random, {PowerCutOptions::Unsynced::kNothing}));
  }
};

TEST_CASE("the segment in use, the ready one and all later ones durably get a required feature") {
  for (const WritePath path : {WritePath::kWindow, WritePath::kMapped}) {
    Opened opened(path);
    opened.Line();
    REQUIRE(opened.journal->Flush().ok());
    REQUIRE(opened.journal->PrepareStep().ok());
    CHECK(FeaturesIn(opened.fs, 1) == 0);
    CHECK(FeaturesIn(opened.fs, 2) == 0);
    opened.Require();
    SimulatedEnvironment after = opened.AfterPowerCut();
    CHECK(FeaturesIn(&after.file_system(), 1) == kFeature);
    CHECK(FeaturesIn(&after.file_system(), 2) == kFeature);
    CHECK(opened.journal->features() == kFeature);
  }
}

TEST_CASE("a segment that is made later is made with the required features") {
  for (const WritePath path : {WritePath::kWindow, WritePath::kMapped}) {
    Opened opened(path);
    opened.Require();
    opened.Roll();
    opened.Roll();
    REQUIRE(opened.journal->Flush().ok());
    SimulatedEnvironment after = opened.AfterPowerCut();
    for (const uint64_t index : {1, 2, 3}) {
      CHECK(FeaturesIn(&after.file_system(), index) == kFeature);
    }
  }
}

TEST_CASE("what was appended before and comes after a required feature reads back") {
  for (const WritePath path : {WritePath::kWindow, WritePath::kMapped}) {
    Opened opened(path);
    for (int i = 0; i < 100; ++i) opened.Line();
    REQUIRE(opened.journal->PrepareStep().ok());
    opened.Require();
    for (int i = 0; i < 1900; ++i) opened.Line();
    REQUIRE(opened.journal->Flush().ok());
    SimulatedEnvironment after = opened.AfterPowerCut();
    ScanResult scan;
    REQUIRE(ScanJournal(&after.file_system(), kSimulatedJournal, {}, nullptr, &scan).ok());
    CHECK(scan.verdict.tail == Tail::kClean);
    CHECK(scan.entries == 2000);
  }
}

TEST_CASE("a feature that is required again costs no call") {
  Opened opened(WritePath::kWindow);
  opened.Require();
  const FaultPlan& calls = opened.world.file_system().faults();
  const uint64_t before = calls.CallCount(CallKind::kRead) + calls.CallCount(CallKind::kSync);
  opened.Require();
  CHECK(calls.CallCount(CallKind::kRead) + calls.CallCount(CallKind::kSync) == before);
}

TEST_CASE("a journal that is opened again has the features of the segment that it goes on in") {
  for (const WritePath path : {WritePath::kWindow, WritePath::kMapped}) {
    Opened opened(path);
    opened.Line();
    opened.Require();
    REQUIRE(opened.journal->Close().ok());
    opened.Open(opened.Position());
    CHECK(opened.journal->features() == kFeature);
    opened.Roll();
    CHECK(FeaturesIn(opened.fs, 2) == kFeature);
  }
}

TEST_CASE("a crash at any moment of it leaves every segment whole, with the feature or without") {
  for (const WritePath path : {WritePath::kWindow, WritePath::kMapped}) {
    Opened opened(path);
    opened.Line();
    REQUIRE(opened.journal->Flush().ok());
    REQUIRE(opened.journal->PrepareStep().ok());
    SimulatedFileSystem& files = opened.world.file_system();
    files.StartRecording();
    opened.Require();
    files.Mark(1);
    DeterministicRandom random(7);
    REQUIRE(files.steps().size() >= 7);
    for (size_t step = 0; step < files.steps().size(); ++step) {
      for (int i = 0; i < 20; ++i) {
        SimulatedEnvironment after(2, files.ImageAt(step, random));
        for (const uint64_t index : {1, 2}) {
          CHECK((FeaturesIn(&after.file_system(), index) & ~kFeature) == 0);
        }
        ScanResult scan;
        REQUIRE(ScanJournal(&after.file_system(), kSimulatedJournal, {}, nullptr, &scan).ok());
        CHECK(scan.entries == 1);
        CHECK(scan.verdict.tail == Tail::kClean);
      }
    }
  }
}

TEST_CASE("if a header can't be made durable the journal fails, and an open writes it again") {
  for (const WritePath path : {WritePath::kWindow, WritePath::kMapped}) {
    Opened opened(path);
    opened.Line();
    REQUIRE(opened.journal->Flush().ok());
    // The second sync is that of the change.
    opened.world.file_system().faults().Add({.kind = CallKind::kSync,
                                             .fault = Fault::Error(EIO),
                                             .nth = 2,
                                             .path_contains = SegmentName(1)});
    const Status status = opened.journal->RequireFeature(kFeature);
    CHECK(status.code() == Code::kJournalFailed);
    CHECK(status.system_error() == EIO);
    CHECK(opened.journal->failed());
    CHECK(opened.journal->features() == 0);
    CHECK(opened.journal->RequireFeature(kFeature).code() == Code::kJournalFailed);
    (void)opened.journal->Close();
    opened.journal.reset();
    // The cache has the feature and says that the device has it too.
    REQUIRE(FeaturesIn(opened.fs, 1) == kFeature);
    opened.Open(opened.Position());
    CHECK(opened.journal->features() == kFeature);
    SimulatedEnvironment after = opened.AfterPowerCut();
    CHECK(FeaturesIn(&after.file_system(), 1) == kFeature);
  }
}

TEST_CASE("a closed journal learns no feature") {
  Opened opened(WritePath::kWindow);
  REQUIRE(opened.journal->Close().ok());
  CHECK(opened.journal->RequireFeature(kFeature).code() == Code::kClosed);
}

TEST_CASE("a header of which half a change was seen is looked at again") {
  Opened opened(WritePath::kWindow);
  opened.Line();
  REQUIRE(opened.journal->Flush().ok());
  std::unique_ptr<File> file;
  REQUIRE(opened.fs->Open(PathOf(1), OpenMode::kReadWrite, &file).ok());
  SegmentHeader whole{};
  REQUIRE(ReadSegmentHeader(*file, {1, PathOf(1)}, &whole).ok());
  SegmentHeader half = whole;
  half.mandatory_features = kFeature;
  const auto write = [&](const SegmentHeader& header) {
    const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(&header), sizeof(header));
    REQUIRE(file->Write(0, bytes).ok());
  };
  write(half);
  int reads = 0;
  opened.world.file_system().faults().SetHook([&](CallKind kind, const std::string&) {
    if (kind == CallKind::kRead && ++reads == 2) write(whole);
    return Fault();
  });
  SegmentHeader header{};
  CHECK(ReadSegmentHeader(*file, {1, PathOf(1)}, &header).ok());
  opened.world.file_system().faults().Clear();
  write(half);
  CHECK(ReadSegmentHeader(*file, {1, PathOf(1)}, &header).code() == Code::kCorrupt);
}

}  // namespace
}  // namespace pinnacle
