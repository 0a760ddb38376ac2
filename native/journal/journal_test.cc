#include "journal/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "doctest.h"
#include "journal/background.h"
#include "journal/reader.h"
#include "journal/scan.h"
#include "test/temporary_directory.h"

namespace pinnacle {
namespace {

constexpr uint64_t kSmallSegment = 64 * 1024;
constexpr uint64_t kEntriesPerSegment = (kSmallSegment - kSegmentHeaderBytes) / kLineBytes;

struct Opened {
  TemporaryDirectory directory;
  std::unique_ptr<Journal> journal;

  Opened() { Open(JournalPosition()); }
  void Open(const JournalPosition& position) {
    const Status status = Journal::Open(Environment::Real(), directory.path(), JournalId{1, 2},
                                        {kSmallSegment, 2, {}}, position, &journal);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
  }
  Code Line(uint64_t value) {
    const uint64_t payload[4] = {value, 0, value, 1};
    return journal->AppendLine(EntryType{0x11}, 1, 0, 1000 + value, payload);
  }
  ScanResult Scan() {
    ScanResult result;
    const Status status =
        ScanJournal(FileSystem::Real(), directory.path(), ScanOptions(), nullptr, &result);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    return result;
  }
};

TEST_CASE("appended entries read back in order, over many segments") {
  Opened opened;
  for (uint64_t i = 1; i <= 5 * kEntriesPerSegment + 7; ++i) REQUIRE(opened.Line(i) == Code::kOk);
  CHECK(opened.journal->appended() == 5 * kEntriesPerSegment + 7);
  const ScanResult result = opened.Scan();
  CHECK(result.verdict.tail == Tail::kClean);
  CHECK(result.entries == 5 * kEntriesPerSegment + 7);
}

TEST_CASE("payloads of every size around the line bounds come back as they were") {
  Opened opened;
  std::vector<std::vector<uint8_t>> payloads;
  for (uint32_t size : {0u, 1u, 31u, 32u, 33u, 95u, 96u, 97u, 1000u, 50000u}) {
    std::vector<uint8_t> payload(size);
    for (uint32_t i = 0; i < size; ++i) payload[i] = static_cast<uint8_t>(i * 31 + size);
    REQUIRE(opened.journal->Append(EntryType{kFirstUserType}, 0, 0, 5, payload.data(), size) ==
            Code::kOk);
    payloads.push_back(payload);
  }
  std::unique_ptr<JournalReader> reader;
  REQUIRE(JournalReader::Open(FileSystem::Real(), opened.directory.path(), 1, &reader).ok());
  std::vector<uint8_t> bytes;
  REQUIRE(reader->Read(1 << 20, &bytes).ok());
  size_t offset = 0;
  for (const std::vector<uint8_t>& payload : payloads) {
    const EntryHeader header = LoadHeader(bytes.data() + offset);
    REQUIRE(header.payload_bytes == payload.size());
    CHECK(std::equal(payload.begin(), payload.end(), bytes.data() + offset + sizeof(header)));
    offset += EntryBytes(header.payload_bytes);
  }
  CHECK(offset == bytes.size());
}

TEST_CASE("a payload above the segment's room is refused and leaves no entry") {
  Opened opened;
  std::vector<uint8_t> payload(kSmallSegment);
  CHECK(opened.journal->Append(EntryType{kFirstUserType}, 0, 0, 5, payload.data(),
                               static_cast<uint32_t>(payload.size())) == Code::kEntryTooLarge);
  CHECK(opened.journal->last_error().code() == Code::kEntryTooLarge);
  CHECK(opened.journal->appended() == 0);
  CHECK(opened.Line(1) == Code::kOk);
}

TEST_CASE("a flush moves the durable frontier to what was appended, and later entries say so") {
  Opened opened;
  REQUIRE(opened.Line(1) == Code::kOk);
  REQUIRE(opened.Line(2) == Code::kOk);
  CHECK(opened.journal->durable() == 0);
  REQUIRE(opened.journal->Flush().ok());
  CHECK(opened.journal->durable() == 2);
  REQUIRE(opened.Line(3) == Code::kOk);
  CHECK(opened.Scan().evidence.known_durable == 2);
}

TEST_CASE("lines appended together are the bytes of lines appended one by one, over segments too") {
  constexpr uint64_t kCount = 2 * kEntriesPerSegment + 21;
  Opened singles;
  Opened together;
  std::vector<uint64_t> payloads;
  for (uint64_t i = 1; i <= kCount; ++i) {
    for (const uint64_t word : {i, i * 3, uint64_t{0}, ~i}) payloads.push_back(word);
  }
  for (uint64_t i = 0; i < kCount; ++i) {
    REQUIRE(singles.journal->AppendLine(EntryType{kFirstUserType}, 3, kFlagGivenTime, 77,
                                        payloads.data() + 4 * i) == Code::kOk);
  }
  uint64_t taken = 0;
  REQUIRE(together.journal->AppendLines(EntryType{kFirstUserType}, 3, kFlagGivenTime, 77,
                                        payloads.data(), kCount, &taken) == Code::kOk);
  CHECK(taken == kCount);
  CHECK(together.journal->appended() == kCount);
  // Checksums differ by the segments' seeds, all else is the same.
  const auto entries = [](Opened& opened) {
    std::unique_ptr<JournalReader> reader;
    REQUIRE(JournalReader::Open(FileSystem::Real(), opened.directory.path(), 1, &reader).ok());
    std::vector<uint8_t> all;
    size_t before = 0;
    do {
      before = all.size();
      REQUIRE(reader->Read(1 << 20, &all).ok());
    } while (all.size() > before);
    for (size_t at = 0; at < all.size(); at += kLineBytes) {
      std::fill_n(all.begin() + static_cast<std::ptrdiff_t>(at + kLineBytes - 4), 4, uint8_t{0});
    }
    return all;
  };
  const std::vector<uint8_t> expected = entries(singles);
  CHECK(expected.size() == kCount * kLineBytes);
  CHECK((entries(together) == expected));
  REQUIRE(together.journal->Close().ok());
  CHECK(together.journal->AppendLines(EntryType{kFirstUserType}, 3, 0, 77, payloads.data(), 5,
                                      &taken) == Code::kClosed);
  CHECK(taken == 0);
}

TEST_CASE("a closed journal refuses appends and keeps its mark") {
  Opened opened;
  REQUIRE(opened.Line(1) == Code::kOk);
  REQUIRE(opened.journal->Close().ok());
  CHECK(opened.Line(2) == Code::kClosed);
  CHECK(opened.Scan().evidence.known_durable == 1);
}

TEST_CASE("a journal goes on at the scan's stop") {
  Opened opened;
  for (uint64_t i = 1; i <= kEntriesPerSegment + 3; ++i) REQUIRE(opened.Line(i) == Code::kOk);
  opened.journal.reset();
  const ScanResult before = opened.Scan();
  JournalPosition position;
  position.next_sequence = before.evidence.next_sequence;
  const SegmentFacts& stop = before.segments[static_cast<size_t>(before.stop_segment)];
  position.file = stop.file;
  position.header = stop.header;
  position.end_offset = stop.end_offset;
  position.older.push_back({before.segments[0].file, 1, kEntriesPerSegment, kSmallSegment});
  for (size_t i = static_cast<size_t>(before.stop_segment) + 1; i < before.segments.size(); ++i) {
    position.trailing.push_back(before.segments[i].file);
  }
  position.next_index = stop.file.index + 1;
  opened.Open(position);
  CHECK(opened.journal->durable() == kEntriesPerSegment + 3);
  for (uint64_t i = 0; i < 2 * kEntriesPerSegment; ++i) REQUIRE(opened.Line(i) == Code::kOk);
  const ScanResult after = opened.Scan();
  CHECK(after.verdict.tail == Tail::kClean);
  CHECK(after.entries == 3 * kEntriesPerSegment + 3);
}

TEST_CASE("release removes or recycles only segments wholly below the bound, oldest first") {
  Opened opened;
  for (uint64_t i = 1; i <= 6 * kEntriesPerSegment; ++i) REQUIRE(opened.Line(i) == Code::kOk);
  ReleaseReport report;
  REQUIRE(opened.journal->Release(4 * kEntriesPerSegment, &report).ok());
  CHECK(report.removed + report.recycled == 0);  // nothing is durable yet
  REQUIRE(opened.journal->Flush().ok());
  REQUIRE(opened.journal->Release(3 * kEntriesPerSegment + 5, &report).ok());
  CHECK(report.recycled == 2);
  CHECK(report.removed == 1);
  CHECK(opened.journal->oldest_sequence() == 3 * kEntriesPerSegment + 1);

  SUBCASE("recycled segments serve again, and their old entries are never seen") {
    for (uint64_t i = 1; i <= 3 * kEntriesPerSegment; ++i) REQUIRE(opened.Line(i) == Code::kOk);
    CHECK(opened.journal->supply_counters().recycled >= 2);
    ScanResult result;
    ScanOptions options;
    options.from_sequence = 3 * kEntriesPerSegment + 1;
    REQUIRE(
        ScanJournal(FileSystem::Real(), opened.directory.path(), options, nullptr, &result).ok());
    CHECK(result.verdict.tail == Tail::kClean);
    CHECK(result.evidence.next_sequence == 9 * kEntriesPerSegment + 1);
  }
  SUBCASE("a reader of what is gone gets an error") {
    std::unique_ptr<JournalReader> reader;
    CHECK(JournalReader::Open(FileSystem::Real(), opened.directory.path(), 1, &reader).code() ==
          Code::kOutOfReach);
  }
}

TEST_CASE("a reader follows the writer, over segment ends, and sees every entry once") {
  Opened opened;
  std::unique_ptr<JournalReader> reader;
  REQUIRE(JournalReader::Open(FileSystem::Real(), opened.directory.path(), 1, &reader).ok());
  uint64_t seen = 0;
  std::vector<uint8_t> bytes;
  for (uint64_t i = 1; i <= 3 * kEntriesPerSegment; ++i) {
    REQUIRE(opened.Line(i) == Code::kOk);
    if (i % 97 != 0) continue;
    bytes.clear();
    REQUIRE(reader->Read(1 << 20, &bytes).ok());
    for (size_t offset = 0; offset < bytes.size(); offset += kLineBytes) {
      CHECK(LoadHeader(bytes.data() + offset).sequence == ++seen);
    }
    CHECK(seen == i);
  }
  bytes.clear();
  REQUIRE(reader->Read(64, &bytes).ok());
  CHECK(bytes.size() == 64);
}

TEST_CASE("a reader started ahead of the journal waits for its entry") {
  Opened opened;
  REQUIRE(opened.Line(1) == Code::kOk);
  std::unique_ptr<JournalReader> reader;
  REQUIRE(JournalReader::Open(FileSystem::Real(), opened.directory.path(), 3, &reader).ok());
  std::vector<uint8_t> bytes;
  REQUIRE(reader->Read(4096, &bytes).ok());
  CHECK(bytes.empty());
  REQUIRE(opened.Line(2) == Code::kOk);
  REQUIRE(opened.Line(3) == Code::kOk);
  REQUIRE(reader->Read(4096, &bytes).ok());
  REQUIRE(bytes.size() == 64);
  CHECK(LoadHeader(bytes.data()).sequence == 3);
}

TEST_CASE("segments are made of real blocks, whole, before they are used") {
  Opened opened;
  struct stat info{};
  REQUIRE(stat((opened.directory.path() + "/" + SegmentName(1)).c_str(), &info) == 0);
  CHECK(static_cast<uint64_t>(info.st_size) == kSmallSegment);
  CHECK(static_cast<uint64_t>(info.st_blocks) * 512 >= kSmallSegment);
  CHECK((info.st_mode & 0777) == 0600);
}

uint64_t AllocatedBytes(const std::string& path) {
  struct stat info{};
  REQUIRE(stat(path.c_str(), &info) == 0);
  return static_cast<uint64_t>(info.st_blocks) * 512;
}

// Takes the blocks of [begin, end) away, as a copy with holes or a sparse backup does. False if the
// file system can't.
bool PunchHole([[maybe_unused]] const std::string& path, [[maybe_unused]] uint64_t begin,
               [[maybe_unused]] uint64_t end) {
#if defined(FALLOC_FL_PUNCH_HOLE)
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(file >= 0);
  const int result = fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                               static_cast<off_t>(begin), static_cast<off_t>(end - begin));
  close(file);
  return result == 0;
#else
  return false;
#endif
}

// Without it a store into a hole would find the disk full as a SIGBUS.
TEST_CASE("a reopened segment is allocated in full, whatever a copy made of its blocks") {
  constexpr uint64_t kEntries = 300;
  constexpr uint64_t kEnd = kSegmentHeaderBytes + kEntries * kLineBytes;
  Opened opened;
  for (uint64_t i = 1; i <= kEntries; ++i) REQUIRE(opened.Line(i) == Code::kOk);
  REQUIRE(opened.journal->Close().ok());
  opened.journal.reset();
  const std::string path = opened.directory.path() + "/" + SegmentName(1);
  SUBCASE("a hole after the last entry") {
    if (!PunchHole(path, (kEnd / kPageBytes + 1) * kPageBytes, kSmallSegment)) {
      MESSAGE("skipped: this file system punches no holes");
      return;
    }
    REQUIRE(AllocatedBytes(path) < kSmallSegment);
  }
  SUBCASE("a file that ends after the last entry") {
    std::filesystem::resize_file(path, kEnd);
    REQUIRE(AllocatedBytes(path) < kSmallSegment);
  }
  SUBCASE("a file that was made longer without blocks") {
    std::filesystem::resize_file(path, kEnd);
    std::filesystem::resize_file(path, kSmallSegment);
    REQUIRE(AllocatedBytes(path) < kSmallSegment);
  }
  const ScanResult found = opened.Scan();
  REQUIRE(found.verdict.tail == Tail::kClean);
  REQUIRE(found.evidence.next_sequence == kEntries + 1);
  JournalPosition position;
  position.next_sequence = kEntries + 1;
  position.file = found.segments[0].file;
  position.header = found.segments[0].header;
  position.first_sequence = 1;
  position.end_offset = found.segments[0].end_offset;
  position.link = found.segments[0].link;
  position.next_index = 2;
  opened.Open(position);
  CHECK(std::filesystem::file_size(path) == kSmallSegment);
  CHECK(AllocatedBytes(path) >= kSmallSegment);
  for (uint64_t i = kEntries + 1; i <= kEntriesPerSegment; ++i) {
    REQUIRE(opened.Line(i) == Code::kOk);
  }
  REQUIRE(opened.journal->Flush().ok());
  CHECK(opened.Scan().entries == kEntriesPerSegment);
  CHECK(opened.Scan().verdict.tail == Tail::kClean);
}

TEST_CASE("the sync thread makes a requested sequence durable and says so") {
  Opened opened;
  std::atomic<uint64_t> told{0};
  {
    JournalThreads threads(opened.journal.get(), Clock::Real(), std::chrono::nanoseconds(0), {},
                           [&](uint64_t durable, const Status& status) {
                             if (status.ok()) told = durable;
                           });
    REQUIRE(threads.Start().ok());
    for (uint64_t i = 1; i <= 1000; ++i) REQUIRE(opened.Line(i) == Code::kOk);
    threads.RequestDurable(1000);
    for (int i = 0; i < 5000 && told < 1000; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    CHECK(told == 1000);
    CHECK(threads.syncs() >= 1);
  }
  CHECK(opened.journal->durable() == 1000);
}

TEST_CASE("with an interval, entries become durable without being asked for") {
  Opened opened;
  JournalThreads threads(opened.journal.get(), Clock::Real(), std::chrono::milliseconds(2), {},
                         [](uint64_t, const Status&) {});
  REQUIRE(threads.Start().ok());
  REQUIRE(opened.Line(1) == Code::kOk);
  for (int i = 0; i < 5000 && opened.journal->durable() < 1; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(opened.journal->durable() == 1);
}

TEST_CASE("a request made before the thread runs is reported, even if its entries are synced") {
  Opened opened;
  std::atomic<int> told{0};
  JournalThreads threads(opened.journal.get(), Clock::Real(), std::chrono::nanoseconds(0), {},
                         [&](uint64_t durable, const Status&) { told += durable == 1 ? 1 : 100; });
  REQUIRE(opened.Line(1) == Code::kOk);
  threads.RequestDurable(1);
  REQUIRE(threads.SyncNow().ok());
  REQUIRE(threads.Start().ok());
  for (int i = 0; i < 5000 && told == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(told == 1);
}

TEST_CASE("the supply thread has the next segment ready before it is needed") {
  Opened opened;
  JournalThreads threads(opened.journal.get(), Clock::Real(), std::chrono::milliseconds(5), {},
                         [](uint64_t, const Status&) {});
  REQUIRE(threads.Start().ok());
  for (int segment = 0; segment < 4; ++segment) {
    for (int i = 0; i < 5000 && !opened.journal->next_segment_ready(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    for (uint64_t i = 0; i < kEntriesPerSegment; ++i) REQUIRE(opened.Line(i) == Code::kOk);
  }
  CHECK(opened.journal->supply_counters().stalls ==
        1);  // the very first, before there was a thread
}

}  // namespace
}  // namespace pinnacle
