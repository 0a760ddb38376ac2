// The window's path of the journal: what is stored into the ring gets into the files whole, in its
// order, and byte for byte.
#include <cerrno>
#include <cstring>

#include "doctest.h"
#include "journal/journal.h"
#include "journal/reader.h"
#include "journal/scan.h"
#include "simulator/simulated_environment.h"
#include "test/simulated_journal.h"
#include "window/window_files.h"

namespace pinnacle {
namespace {

constexpr uint64_t kRing = kMinWindowBytes;

// A journal with a window, of a directory that has nothing yet.
struct Opened {
  SimulatedEnvironment world{1};
  FileSystem* fs = &world.file_system();
  std::unique_ptr<Journal> journal;
  std::vector<std::vector<uint8_t>> payloads;

  explicit Opened(uint64_t segment_bytes = 256 * 1024, uint64_t ring_bytes = kRing) {
    MakeJournalDirectories(fs);
    JournalOptions options{segment_bytes, 2, {WritePath::kWindow, "", ring_bytes}};
    OpenJournal(&world, options, EmptyPosition(), &journal);
    REQUIRE(journal->window() != nullptr);
  }

  Code Append(size_t bytes) {
    std::vector<uint8_t> payload(bytes);
    for (size_t i = 0; i < bytes; ++i) {
      payload[i] = static_cast<uint8_t>(i * 31 + payloads.size() * 7 + 1);
    }
    payloads.push_back(payload);
    return journal->Append(EntryType{kFirstUserType}, 0, 0, 5, payload.data(),
                           static_cast<uint32_t>(bytes));
  }
  void Lines(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) REQUIRE(Append(32) == Code::kOk);
  }
  void Copy(uint64_t max_bytes = UINT64_MAX) {
    const Status status = journal->CopyStep(max_bytes);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
  }
  void Flush() {
    const Status status = journal->Flush();
    REQUIRE_MESSAGE(status.ok(), status.ToString());
  }

  // How many entries a reader finds in the files; each must be as appended.
  uint64_t EntriesInFiles() {
    std::unique_ptr<JournalReader> reader;
    REQUIRE(JournalReader::Open(fs, kSimulatedJournal, 1, &reader).ok());
    uint64_t count = 0;
    const Status status = VisitEntries(reader.get(), [&](const EntryView& entry, bool*) {
      const EntryHeader& header = entry.header;
      const std::vector<uint8_t>& payload = payloads.at(count);
      ++count;
      const bool same = header.sequence == count && header.payload_bytes == payload.size() &&
                        std::equal(payload.begin(), payload.end(), entry.payload());
      return same ? Status() : Status(Code::kCorrupt, "entry " + std::to_string(count));
    });
    CHECK_MESSAGE(status.ok(), status.ToString());
    return count;
  }
  uint64_t DurableEntries() {
    DeterministicRandom random(1);
    const DiskImage disk =
        world.file_system().PowerCut(random, {.unsynced = PowerCutOptions::Unsynced::kNothing});
    SimulatedEnvironment after(2, disk);
    ScanResult result;
    REQUIRE(ScanJournal(&after.file_system(), kSimulatedJournal, {}, nullptr, &result).ok());
    CHECK(result.verdict.tail != Tail::kCorrupt);
    return result.entries;
  }
  std::vector<uint8_t> Bytes(const std::string& path, uint64_t offset, size_t length) {
    std::unique_ptr<File> file;
    REQUIRE(fs->Open(path, OpenMode::kRead, &file).ok());
    std::vector<uint8_t> bytes(length);
    size_t got = 0;
    REQUIRE(file->Read(offset, bytes, &got).ok());
    return bytes;
  }
  HeadRecord Head() {
    HeadFinding finding;
    REQUIRE(ReadHead(fs, "/d", &finding).ok());
    REQUIRE(finding.valid);
    return finding.record;
  }
};

std::string SegmentPath(uint64_t index) {
  return std::string(kSimulatedJournal) + "/" + SegmentName(index);
}

TEST_CASE("an entry is appended in the window, written after a copy, durable after a sync") {
  Opened opened;
  opened.Lines(3);
  CHECK(opened.journal->appended() == 3);
  CHECK(opened.journal->written() == 0);
  CHECK(opened.EntriesInFiles() == 0);
  opened.Copy();
  CHECK(opened.journal->written() == 3);
  CHECK(opened.journal->durable() == 0);
  CHECK(opened.EntriesInFiles() == 3);
  CHECK(opened.DurableEntries() == 0);
  opened.Flush();
  CHECK(opened.journal->durable() == 3);
  CHECK(opened.DurableEntries() == 3);
}

TEST_CASE("the ring wraps many times, the writer waits when it is full, and nothing is lost") {
  Opened opened;
  opened.Lines(20'000);
  const WindowCounters counters = opened.journal->window_counters();
  CHECK(counters.ring_bytes == kRing);
  CHECK(counters.waits > 10);
  CHECK(counters.copied_bytes > 10 * kRing);
  opened.Copy();
  CHECK(opened.EntriesInFiles() == 20'000);
  CHECK(opened.journal->window_counters().copied_bytes == 20'000 * kLineBytes);
}

TEST_CASE("entries of several lines go across the ring's end") {
  Opened opened;
  for (size_t i = 0; i < 300; ++i) REQUIRE(opened.Append(1000 + i * 37 % 9000) == Code::kOk);
  opened.Flush();
  CHECK(opened.EntriesInFiles() == 300);
}

TEST_CASE("entries larger than half the ring, and than the ring, are written in their place") {
  Opened opened;
  for (size_t i = 0; i < 40; ++i) {
    REQUIRE(opened.Append(100) == Code::kOk);
    REQUIRE(opened.Append(kRing / 2 + 1) == Code::kOk);
    REQUIRE(opened.Append(4000) == Code::kOk);
    REQUIRE(opened.Append(kRing + 100 * i) == Code::kOk);
    REQUIRE(opened.Append(3 * kRing) == Code::kOk);
    if (i % 3 == 0) opened.Copy();
    if (i % 5 == 0) opened.Flush();
  }
  opened.Flush();
  CHECK(opened.EntriesInFiles() == 200);
  CHECK(opened.DurableEntries() == 200);
}

TEST_CASE("the ring has the bytes that the file gets") {
  Opened opened(256 * 1024, 128 * 1024);
  opened.Lines(500);
  REQUIRE(opened.Append(70'000) == Code::kOk);  // written past the ring
  opened.Lines(100);
  opened.Copy();
  const Window& window = *opened.journal->window();
  const uint64_t end =
      kSegmentHeaderBytes + 500 * kLineBytes + EntryBytes(70'000) + 100 * kLineBytes;
  const uint64_t begin = end - window.ring_bytes() > end ? kSegmentHeaderBytes
                         : end > window.ring_bytes()     ? end - window.ring_bytes()
                                                         : kSegmentHeaderBytes;
  const std::vector<uint8_t> bytes = opened.Bytes(SegmentPath(1), begin, end - begin);
  bool same = true;
  for (uint64_t offset = begin; offset < end; offset += kLineBytes) {
    same = same && std::memcmp(window.At(window.PlaceOf(1, offset)), bytes.data() + offset - begin,
                               kLineBytes) == 0;
  }
  CHECK(same);
}

TEST_CASE("a copy of few bytes continues from the one before, also from segment to segment") {
  Opened opened(64 * 1024, 256 * 1024);
  opened.Lines(2500);  // of three segments
  for (int i = 0; i < 20; ++i) opened.Copy(1000);
  CHECK(opened.journal->written() < 2500);
  for (int i = 0; i < 300; ++i) opened.Copy(1000);
  CHECK(opened.journal->written() == 2500);
  CHECK(opened.EntriesInFiles() == 2500);
}

TEST_CASE("the unused rest of a segment may be larger than the ring") {
  Opened opened(256 * 1024);
  for (int i = 0; i < 5; ++i) {
    opened.Lines(700);                             // uncopied, most of the ring
    REQUIRE(opened.Append(250'000) == Code::kOk);  // does not fit what is left
    opened.Lines(1200);
  }
  opened.Flush();
  CHECK(opened.EntriesInFiles() == 5 * 1901);
}

TEST_CASE("a sync covers what was copied before it, and segments that were rolled") {
  Opened opened;
  opened.Lines(103);
  opened.Flush();
  opened.Lines(100);
  opened.Copy();
  opened.Lines(1);
  opened.Flush();
  CHECK(opened.DurableEntries() == 204);
  while (opened.journal->segment_index() == 1) opened.Lines(1);
  opened.Flush();
  CHECK(opened.DurableEntries() == opened.payloads.size());
}

TEST_CASE("a mark is written once a second if there is something new, and at the end") {
  Opened opened;
  const auto marks = [&] {
    const std::vector<uint8_t> page = opened.Bytes(SegmentPath(1), 0, kSegmentHeaderBytes);
    uint64_t newest = 0;
    for (const uint64_t offset : kFrontierMarkOffsets) {
      FrontierMark mark;
      std::memcpy(&mark, page.data() + offset, sizeof(mark));
      newest = std::max(newest, mark.durable_sequence);
    }
    return newest;
  };
  opened.Lines(3);
  opened.Flush();
  CHECK(marks() == 0);
  opened.world.clock().Advance(2'000'000'000);
  REQUIRE(opened.journal->MarkStep().ok());
  CHECK(marks() == 3);
  opened.Lines(1);
  opened.Flush();
  REQUIRE(opened.journal->MarkStep().ok());
  CHECK(marks() == 3);
  REQUIRE(opened.journal->Close().ok());
  CHECK(marks() == 4);
}

TEST_CASE("closing removes the window, and the head record names none") {
  Opened opened;
  CHECK(NamesWindow(opened.Head()));
  const std::string path = opened.journal->window()->path();
  CHECK(WindowPathOf(opened.Head()) == path);
  opened.Lines(10);
  REQUIRE(opened.journal->Close().ok());
  CHECK_FALSE(NamesWindow(opened.Head()));
  bool exists = true;
  REQUIRE(opened.fs->Exists(path, &exists).ok());
  CHECK_FALSE(exists);
  CHECK(opened.EntriesInFiles() == 10);
  CHECK(opened.Append(1) == Code::kClosed);
}

TEST_CASE("after a failed sync nothing is accepted, and the window stays for the next open") {
  Opened opened;
  opened.Lines(10);
  const std::string path = opened.journal->window()->path();
  opened.world.file_system().faults().Add(
      {.kind = CallKind::kSync, .fault = Fault::Error(EIO), .path_contains = ".segment"});
  CHECK(opened.journal->Flush().code() == Code::kJournalFailed);
  CHECK(opened.journal->durable() == 0);
  CHECK(opened.Append(1) == Code::kJournalFailed);
  CHECK(opened.journal->CopyStep().code() == Code::kJournalFailed);
  CHECK_FALSE(opened.journal->Close().ok());
  bool exists = false;
  REQUIRE(opened.fs->Exists(path, &exists).ok());
  CHECK(exists);
  CHECK(NamesWindow(opened.Head()));
}

TEST_CASE("a copy that fails when the ring is full fails the append, with its cause") {
  Opened opened;
  opened.world.file_system().faults().Add({.kind = CallKind::kWrite,
                                           .fault = Fault::Error(ENOSPC),
                                           .and_after = true,
                                           .path_contains = ".segment"});
  Code code = Code::kOk;
  for (int i = 0; i < 2000 && code == Code::kOk; ++i) code = opened.Append(32);
  CHECK(code == Code::kJournalFailed);
  CHECK(opened.journal->last_error().system_error() == ENOSPC);
  CHECK(opened.journal->appended() == opened.payloads.size() - 1);
}

TEST_CASE("the head record calls the segment the newest that the files have come to") {
  Opened opened(64 * 1024, 256 * 1024);
  opened.Lines(2100);  // of three segments, none of them copied
  CHECK(opened.journal->segment_index() == 3);
  REQUIRE(opened.journal->PrepareStep().ok());
  CHECK(opened.Head().newest_index <= 1);
  CHECK(opened.Head().ready_index == 4);
  opened.Copy();
  opened.Lines(1000);
  REQUIRE(opened.journal->PrepareStep().ok());
  CHECK(opened.Head().newest_index == 3);
}

TEST_CASE("zeros are written ahead if syncs are short, and change no entry") {
  Opened opened(4 * 1024 * 1024, 4 * 1024 * 1024);
  opened.Lines(10);
  opened.Flush();
  const auto fills = [&] { return opened.journal->flush_counters().fills; };
  REQUIRE(opened.journal->FillStep().ok());
  CHECK(fills() == 1);
  opened.Lines(100);  // not copied: what is written ahead comes after the copied bytes
  REQUIRE(opened.journal->FillStep().ok());
  opened.Flush();
  CHECK(opened.EntriesInFiles() == 110);
  opened.Lines(12'000);
  opened.Flush();  // long
  const uint64_t before = fills();
  REQUIRE(opened.journal->FillStep().ok());
  CHECK(fills() == before);
  opened.Lines(10);
  opened.Flush();
  REQUIRE(opened.journal->FillStep().ok());
  CHECK(fills() > before);
  CHECK(opened.EntriesInFiles() == 12'120);
}

TEST_CASE("a window that is removed while it is in use is noticed at the next sync") {
  Opened opened;
  opened.Lines(1);
  opened.Flush();
  CHECK_FALSE(opened.journal->window_lost());
  REQUIRE(opened.fs->Remove(opened.journal->window()->path()).ok());
  opened.Lines(1);
  opened.Flush();
  CHECK(opened.journal->window_lost());
  CHECK(opened.journal->durable() == 2);
}

}  // namespace
}  // namespace pinnacle
