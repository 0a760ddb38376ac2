// The scan of a whole data directory: with its head record, from a snapshot on, and with files in
// it that do not belong.
#include "doctest.h"
#include "journal/scan.h"
#include "test/directory_image.h"

namespace pinnacle {
namespace {

ScanResult Scan(DirectoryImage& directory, const ScanOptions& options = {}) {
  Layout layout;
  REQUIRE(ReadLayout(&directory.files(), directory.path(), false, &layout).ok());
  ScanResult result;
  const Status status =
      ScanJournal(&directory.files(), std::move(layout), options, nullptr, &result);
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  return result;
}

ScanResult Scan(Chain& chain, const ScanOptions& options = {}) {
  DirectoryImage directory;
  chain.Write(&directory);
  return Scan(directory, options);
}

TEST_CASE("an intact directory is clean, up to the frontier that its head record names") {
  Chain chain(4, 5);
  const ScanResult result = Scan(chain);
  CHECK(result.verdict.tail == Tail::kClean);
  CHECK(result.evidence.next_sequence == 21);
  CHECK(result.evidence.known_durable == 20);
  CHECK(result.entries == 20);
}

TEST_CASE("the head record's durable sequence makes a lost tail corruption") {
  Chain chain(4, 5);
  chain.segment(4).Zero(4096 + 4 * 64, 64);
  const ScanResult lost = Scan(chain);
  CHECK(lost.verdict.tail == Tail::kCorrupt);
  CHECK(lost.evidence.next_sequence == 20);
  chain.head.durable = 19;
  CHECK(Scan(chain).verdict.tail == Tail::kClean);
}

TEST_CASE("what a segment that does not belong says of what is durable does not count") {
  for (const bool foreign : {true, false}) {
    for (const uint64_t index : {2u, 4u}) {
      Chain chain(4, 5);
      JournalImage other(65536, 0x77, index);
      if (foreign) other.Journal(1, 2);
      other.Predecessor(0x1234).Mark(9000, 1);
      const uint64_t first = (index - 1) * 5 + 1;
      other.Entry(first, 32, first - 1);
      other.Entry(8000, 32, 7999);
      DirectoryImage directory;
      chain.Write(&directory);
      directory.Write(index, other);
      const ScanResult result = Scan(directory);
      CAPTURE(index);
      CHECK(result.verdict.tail == Tail::kCorrupt);
      CHECK(result.evidence.segment_damaged);
      CHECK(result.evidence.known_durable == 20);
      CHECK(result.damaged_segment == static_cast<int64_t>(index) - 1);
    }
  }
}

TEST_CASE("marks and lags of segments that belong count, also after the place of the damage") {
  Chain chain(4, 5);
  chain.head.durable = 0;
  chain.segment(2).FlipBit(4096 + 70, 1);
  chain.segment(4).Mark(19);
  ScanResult result = Scan(chain);
  CHECK(result.verdict.tail == Tail::kCorrupt);
  CHECK(result.evidence.next_sequence == 7);
  CHECK(result.evidence.known_durable == 19);
  // Of a header that does not verify, the page and the lines say nothing.
  chain.segment(4).FlipBit(50, 1);
  CHECK(Scan(chain).evidence.known_durable == 14);
}

// Reading starts in the segment with the snapshot's entry; what the head record says of those
// before it is checked all the same.
TEST_CASE("damage of the directory below the snapshot is corruption, and the file is named") {
  const auto options = [] {
    ScanOptions from;
    from.from_sequence = 18;
    from.known_durable = 17;
    return from;
  }();
  Chain chain(4, 5);
  DirectoryImage directory;
  chain.Write(&directory);
  const ScanResult intact = Scan(directory, options);
  CHECK(intact.verdict.tail == Tail::kClean);
  REQUIRE(intact.below.size() == 3);
  CHECK(intact.below[0].last_sequence == 5);

  const auto check = [&](uint64_t index, const char* words) {
    const ScanResult result = Scan(directory, options);
    CHECK(result.verdict.tail == Tail::kCorrupt);
    CHECK(result.evidence.directory_damaged);
    CHECK_FALSE(result.evidence.segment_damaged);
    CHECK(result.damaged_path == directory.SegmentPath(index));
    CHECK_MESSAGE(result.verdict.reason.find(words) != std::string::npos, result.verdict.reason);
    // The run itself is whole.
    CHECK(result.evidence.next_sequence == 21);
  };
  SUBCASE("a missing segment") {
    for (const uint64_t index : {1u, 2u, 3u}) {
      chain.Write(&directory);
      directory.Remove(index);
      check(index, "is missing");
    }
  }
  SUBCASE("a damaged header") {
    chain.segment(2).FlipBit(60, 0);
    directory.Write(2, chain.segment(2));
    check(2, "does not match its checksum");
  }
  SUBCASE("a segment of another journal") {
    JournalImage foreign(65536, 0x77, 1);
    foreign.Journal(1, 2).Predecessor(0).Entry(1);
    directory.Write(1, foreign);
    check(1, "another journal");
  }
  SUBCASE("a segment of a copy that was written on elsewhere") {
    chain.segment(2).Link(0x5151);
    directory.Write(2, chain.segment(2));
    check(2, "not the segment that the next one continues");
  }
  SUBCASE("a missing head record") {
    directory.Remove("/d/HEAD");
    const ScanResult result = Scan(directory, options);
    CHECK(result.verdict.tail == Tail::kCorrupt);
    CHECK(result.verdict.reason.find("/d/HEAD is missing") != std::string::npos);
  }
  SUBCASE("damaged entries there are none of the directory: the snapshot covers them") {
    chain.segment(2).FlipBit(4096 + 70, 1);
    directory.Write(2, chain.segment(2));
    CHECK(Scan(directory, options).verdict.tail == Tail::kClean);
    ScanOptions all = options;
    all.all_segments = true;
    CHECK(Scan(directory, all).verdict.tail == Tail::kCorrupt);
  }
}

TEST_CASE("a used segment above the last one is corruption, an empty one is not") {
  Chain chain(4, 5);
  DirectoryImage directory;
  chain.Write(&directory);
  JournalImage unnamed(65536, 0x600, 6);
  directory.Write(6, unnamed.Predecessor(Chain::IdOf(5)));
  CHECK(Scan(directory).verdict.tail == Tail::kClean);
  unnamed.Entry(21);
  directory.Write(6, unnamed);
  CHECK(Scan(directory).verdict.tail == Tail::kCorrupt);
}

TEST_CASE("left-over segments of a compaction are not read") {
  Chain chain(4, 5);
  chain.head.oldest_index = 3;
  chain.head.oldest_id = Chain::IdOf(3);
  chain.segment(1).FlipBit(4096 + 30, 1);
  chain.segment(2).FlipBit(60, 1);
  const ScanResult result = Scan(chain);
  CHECK(result.verdict.tail == Tail::kClean);
  CHECK(result.segments.size() == 3);
  CHECK(result.entries == 10);
}

}  // namespace
}  // namespace pinnacle
