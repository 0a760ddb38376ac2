// How a transaction's entries get into the journal, through the window and straight into a mapped
// segment: in one segment, whole, or not at all.
#include <cerrno>
#include <cstring>

#include "doctest.h"
#include "journal/journal.h"
#include "journal/scan.h"
#include "simulator/simulated_environment.h"
#include "test/simulated_journal.h"
#include "window/window_files.h"

namespace pinnacle {
namespace {

constexpr WritePath kPaths[] = {WritePath::kWindow, WritePath::kMapped};

class Opened {
 public:
  SimulatedEnvironment world{1};
  FileSystem* fs = &world.file_system();
  std::unique_ptr<Journal> journal;

  explicit Opened(WritePath path, uint64_t segment_bytes = kMinSegmentBytes) {
    MakeJournalDirectories(fs);
    const JournalOptions options{segment_bytes, 2, {path, "", kMinWindowBytes}};
    OpenJournal(&world, options, EmptyPosition(), &journal);
  }

  // A transaction of entries with payloads of these sizes.
  Code Commit(const std::vector<uint32_t>& sizes) {
    StagedEntries staged;
    std::vector<std::vector<uint8_t>> added;
    for (const uint32_t size : sizes) {
      std::vector<uint8_t> payload(size);
      const uint64_t sequence = journal->appended() + staged.count() + 1;
      for (size_t i = 0; i < size; ++i) {
        payload[i] = static_cast<uint8_t>(i * 31 + sequence * 7 + 1);
      }
      staged.MakeRoom(EntryBytes(size));
      staged.Add({size, 0, 0x81, kFlagWritten, sequence, 5}, payload.data());
      added.push_back(std::move(payload));
    }
    const uint64_t before = journal->appended();
    const Code code = journal->AppendTransaction(&staged);
    CHECK(journal->appended() == before + (code == Code::kOk ? sizes.size() : 0));
    if (code != Code::kOk) return code;
    payloads_.insert(payloads_.end(), added.begin(), added.end());
    return code;
  }
  Code CommitLines(uint64_t count) { return Commit(std::vector<uint32_t>(count, 32)); }
  void Lines(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) REQUIRE(CommitLines(1) == Code::kOk);
  }
  uint64_t free_lines() {
    const ScanResult scan = Scan();
    const SegmentFacts& last = scan.segments[static_cast<size_t>(scan.stop_segment)];
    return (last.header.segment_bytes - last.end_offset) / kLineBytes;
  }

  // What is in the files; each entry must be as appended, and no transaction in two segments.
  ScanResult Scan() {
    REQUIRE(journal->CopyStep().ok());
    Visitor visitor(payloads_);
    ScanResult result;
    const Status status = ScanJournal(fs, kSimulatedJournal, {}, &visitor, &result);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    REQUIRE_MESSAGE(result.verdict.tail == Tail::kClean, result.verdict.reason);
    CHECK(result.entries == payloads_.size());
    return result;
  }

 private:
  class Visitor : public EntryVisitor {
   public:
    explicit Visitor(const std::vector<std::vector<uint8_t>>& payloads) : payloads_(payloads) {}
    Status Visit(const EntryView& entry) override {
      const EntryHeader& header = entry.header;
      const std::vector<uint8_t>& wanted = payloads_.at(header.sequence - 1);
      const bool same = header.payload_bytes == wanted.size() &&
                        std::equal(wanted.begin(), wanted.end(), entry.payload());
      if ((header.flags & kFlagContinues) != 0 && entry.place.segment->file.index != segment_) {
        return Status(Code::kCorrupt, "a transaction in two segments");
      }
      segment_ = entry.place.segment->file.index;
      return same ? Status() : Status(Code::kCorrupt, "entry " + std::to_string(header.sequence));
    }

   private:
    const std::vector<std::vector<uint8_t>>& payloads_;
    uint64_t segment_ = 0;
  };

  std::vector<std::vector<uint8_t>> payloads_;
};

TEST_CASE("a transaction is appended as one: lines, entries of several lines, and empty ones") {
  for (const WritePath path : kPaths) {
    Opened opened(path);
    REQUIRE(opened.Commit({32, 32, 32}) == Code::kOk);
    REQUIRE(opened.Commit({0, 33, 5000, 1, 480}) == Code::kOk);
    REQUIRE(opened.Commit({}) == Code::kOk);
    REQUIRE(opened.Commit({100}) == Code::kOk);
    REQUIRE(opened.CommitLines(17) == Code::kOk);
    CHECK(opened.Scan().entries == 26);
    CHECK((opened.journal->features() & kFeatureTransactions) != 0);
  }
}

TEST_CASE("one entry alone is not a transaction, and needs no feature") {
  for (const WritePath path : kPaths) {
    Opened opened(path);
    opened.Lines(5);
    CHECK(opened.journal->features() == 0);
  }
}

TEST_CASE("a transaction that does not fit what is left of the segment opens the next one") {
  for (const WritePath path : kPaths) {
    Opened opened(path);
    opened.Lines(900);
    const uint64_t left = opened.free_lines();
    REQUIRE(left == 60);
    REQUIRE(opened.CommitLines(left + 1) == Code::kOk);
    ScanResult scan = opened.Scan();
    CHECK(scan.segments[0].last_sequence == 900);
    CHECK(scan.segments[1].first_sequence == 901);
    // One that fits exactly stays, and what follows opens the next.
    opened.Lines(opened.free_lines() - 100);
    REQUIRE(opened.CommitLines(100) == Code::kOk);
    CHECK(opened.free_lines() == 0);
    REQUIRE(opened.CommitLines(2) == Code::kOk);
    scan = opened.Scan();
    CHECK(scan.segments[1].end_offset == kMinSegmentBytes);
    CHECK(scan.segments[2].entries == 2);
  }
}

TEST_CASE("transactions of all sizes over many segments and laps of the ring are in the files") {
  for (const WritePath path : kPaths) {
    Opened opened(path);
    DeterministicRandom random(3);
    for (int i = 0; i < 120; ++i) {
      std::vector<uint32_t> sizes(1 + random.Below(40));
      for (uint32_t& size : sizes) {
        size = static_cast<uint32_t>(random.Below(random.Chance(0.1) ? 1500 : 64));
      }
      REQUIRE(opened.Commit(sizes) == Code::kOk);
      if (random.Chance(0.3)) REQUIRE(opened.journal->CopyStep(1 + random.Below(9000)).ok());
    }
    CHECK(opened.Scan().segments.size() > 3);
  }
}

TEST_CASE("one that is larger than what is free in the ring waits for it, and is stored whole") {
  Opened opened(WritePath::kWindow, 1024 * 1024);
  const uint64_t most = opened.journal->most_transaction_bytes();
  CHECK(most == kMinWindowBytes / 2 - kSegmentHeaderBytes);
  for (int i = 0; i < 7; ++i) REQUIRE(opened.CommitLines(most / kLineBytes) == Code::kOk);
  CHECK(opened.journal->window_counters().waits >= 3);
  CHECK(opened.Scan().segments[0].entries == 7 * most / kLineBytes);
}

TEST_CASE("one that is too large is refused, and nothing has changed") {
  for (const WritePath path : kPaths) {
    Opened opened(path);
    opened.Lines(3);
    const uint64_t most = opened.journal->most_transaction_bytes() / kLineBytes;
    CHECK(opened.CommitLines(most + 1) == Code::kTransactionTooLarge);
    CHECK(opened.Commit({60'000, 60'000}) == Code::kTransactionTooLarge);
    CHECK(std::string(opened.journal->last_error().message()).find("raise segmentSize") !=
          std::string::npos);
    CHECK(opened.Scan().segments.size() == 1);
    REQUIRE(opened.CommitLines(most) == Code::kOk);
    CHECK(opened.Scan().entries == 3 + most);
  }
}

TEST_CASE("a full disk refuses the one that needs a new segment; with room it is taken") {
  for (const WritePath path : kPaths) {
    Opened opened(path);
    REQUIRE(opened.CommitLines(2) == Code::kOk);
    opened.Lines(900);
    opened.world.file_system().set_capacity(0);
    CHECK(opened.CommitLines(100) == Code::kNoSpace);
    CHECK_FALSE(opened.journal->failed());
    opened.world.file_system().set_capacity(~uint64_t{0});
    REQUIRE(opened.CommitLines(100) == Code::kOk);
    CHECK(opened.Scan().segments.size() == 2);
  }
}

TEST_CASE("a failed or closed journal takes none, even if the feature is not there yet") {
  for (const WritePath path : kPaths) {
    for (const bool closed : {false, true}) {
      Opened opened(path);
      opened.Lines(2);
      if (closed) {
        REQUIRE(opened.journal->Close().ok());
        CHECK(opened.CommitLines(3) == Code::kClosed);
        CHECK(opened.CommitLines(1) == Code::kClosed);
        continue;
      }
      opened.world.file_system().faults().SetHook([](CallKind kind, const std::string&) {
        return kind == CallKind::kSync || kind == CallKind::kMapSync ? Fault::Error(EIO) : Fault();
      });
      CHECK(opened.CommitLines(3) == Code::kJournalFailed);  // its feature can't be made durable
      opened.world.file_system().faults().Clear();
      CHECK(opened.CommitLines(3) == Code::kJournalFailed);
      CHECK(opened.CommitLines(1) == Code::kJournalFailed);
    }
  }
}

TEST_CASE("a large transaction and the unused rest before it leave what the window is known by") {
  // The line before the first one that is not in the files must still be in the ring when the
  // writer ends, whatever was being stored then.
  Opened opened(WritePath::kWindow, 256 * 1024);
  const uint64_t most = opened.journal->most_transaction_bytes() / kLineBytes;
  const uint64_t in_segment = (256 * 1024 - kSegmentHeaderBytes) / kLineBytes;
  opened.Lines(in_segment - (most - 1));
  REQUIRE(opened.journal->CopyStep().ok());
  const uint64_t last_offset = kSegmentHeaderBytes + (opened.journal->appended() - 1) * kLineBytes;
  const Window* window = opened.journal->window();
  const uint64_t place = window->PlaceOf(1, last_offset);
  uint8_t before[kLineBytes];
  std::memcpy(before, const_cast<Window*>(window)->At(place), kLineBytes);
  REQUIRE(opened.CommitLines(most) == Code::kOk);
  CHECK(opened.journal->segment_index() == 2);
  CHECK(std::memcmp(before, const_cast<Window*>(window)->At(place), kLineBytes) == 0);
}

}  // namespace
}  // namespace pinnacle
