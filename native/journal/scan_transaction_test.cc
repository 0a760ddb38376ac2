// What the scan makes of transactions at the journal's end and inside it: whole, open, or
// contradicting themselves.
#include <cstring>

#include "doctest.h"
#include "journal/scan.h"
#include "test/directory_image.h"

namespace pinnacle {
namespace {

constexpr uint8_t kContinues = 0x04;
constexpr uint8_t kMore = 0x08;

class Collector : public EntryVisitor {
 public:
  Status Visit(const EntryView& entry) override {
    sequences.push_back(entry.header.sequence);
    return Status();
  }
  std::vector<uint64_t> sequences;
};

struct Scanned {
  ScanResult result;
  std::vector<uint64_t> visited;
  Tail tail() const { return result.verdict.tail; }
  std::string reason() const { return result.verdict.reason; }
};

Scanned Scan(DirectoryImage& directory, bool live = false) {
  Scanned scanned;
  ScanOptions options;
  options.live = live;
  Collector visitor;
  REQUIRE(ScanJournal(&directory.files(), "/d/journal", options, &visitor, &scanned.result).ok());
  scanned.visited = std::move(visitor.sequences);
  // A scan without a visitor finds the same.
  ScanResult again;
  REQUIRE(ScanJournal(&directory.files(), "/d/journal", options, nullptr, &again).ok());
  CHECK(again.verdict.tail == scanned.tail());
  CHECK(again.verdict.reason == scanned.reason());
  CHECK(again.evidence.next_sequence == scanned.result.evidence.next_sequence);
  CHECK(again.entries == scanned.visited.size());
  return scanned;
}

// A segment with the entries 1 to 5, that may have transactions.
JournalImage FiveEntries() {
  JournalImage image;
  image.Predecessor(0).Features(1);
  for (uint64_t sequence = 1; sequence <= 5; ++sequence) image.Entry(sequence);
  return image;
}

Scanned Scan(JournalImage& image, bool live = false) {
  DirectoryImage directory;
  directory.Write(1, image);
  return Scan(directory, live);
}

uint64_t Last(const Scanned& scanned) {
  return scanned.visited.empty() ? 0 : scanned.visited.back();
}

TEST_CASE("whole transactions are part of the run, back to back and between single entries") {
  JournalImage image = FiveEntries();
  image.Transaction(6, 9).Transaction(10, 11);
  image.Entry(12);
  image.Transaction(13, 212, 12);
  const Scanned scanned = Scan(image);
  CHECK(scanned.tail() == Tail::kClean);
  CHECK(Last(scanned) == 212);
  CHECK(scanned.result.evidence.known_durable == 12);
}

TEST_CASE("entries of several lines are part of a transaction as others are") {
  JournalImage image = FiveEntries();
  image.Part(6, kMore, 10'000);
  image.Part(7, kContinues | kMore, 0);
  image.Part(8, kContinues, 3000);
  CHECK(Last(Scan(image)) == 8);
  image.Zero(image.end() - 64, 64);
  const Scanned torn = Scan(image);
  CHECK(torn.tail() == Tail::kTorn);
  CHECK(Last(torn) == 5);
}

TEST_CASE("an open transaction at the end is cut back to before it, as torn") {
  for (const uint64_t last : {6, 7, 20}) {
    JournalImage image = FiveEntries();
    image.Part(6, kMore);
    for (uint64_t sequence = 7; sequence <= last; ++sequence) {
      image.Part(sequence, kContinues | kMore);
    }
    const Scanned scanned = Scan(image);
    CAPTURE(last);
    CHECK(scanned.tail() == Tail::kTorn);
    CHECK(Last(scanned) == 5);
    CHECK(scanned.result.evidence.next_sequence == 6);
    CHECK(scanned.result.segments[0].end_offset == 4096 + 5 * 64);
    CHECK(scanned.result.entries_dropped == last - 5);
    CHECK(scanned.reason().find("begins with entry 6") != std::string::npos);
  }
}

TEST_CASE("a transaction that lacks a line between others is cut back to before it") {
  JournalImage image = FiveEntries();
  image.Transaction(6, 12);
  image.Zero(4096 + 8 * 64, 64);  // entry 9
  const Scanned scanned = Scan(image);
  CHECK(scanned.tail() == Tail::kTorn);
  CHECK(Last(scanned) == 5);
  CHECK(scanned.result.entries_dropped == 6);
}

TEST_CASE("an open transaction of which something was durable is corruption") {
  JournalImage image = FiveEntries();
  image.Transaction(6, 9).Mark(9);
  image.Zero(4096 + 8 * 64, 64);
  CHECK(Scan(image).tail() == Tail::kCorrupt);
}

TEST_CASE("a changed entry inside the last transaction is corruption, and nothing of it is shown") {
  JournalImage image = FiveEntries();
  image.Transaction(6, 9);
  image.FlipBit(4096 + 7 * 64 + 30, 3);  // entry 8
  const Scanned scanned = Scan(image);
  CHECK(scanned.tail() == Tail::kCorrupt);
  CHECK(Last(scanned) == 5);
  CHECK(scanned.reason().find("entry 8 was written whole") != std::string::npos);
}

TEST_CASE("transactions that contradict themselves are corruption, whatever follows") {
  JournalImage image = FiveEntries();
  SUBCASE("one is continued that never began") { image.Part(6, kContinues); }
  SUBCASE("the same, with more of it") { image.Part(6, kContinues | kMore); }
  SUBCASE("a single entry although more of one must follow") {
    image.Part(6, kMore);
    image.Entry(7);
  }
  SUBCASE("another one begins although more of one must follow") {
    image.Part(6, kMore);
    image.Transaction(7, 8);
  }
  SUBCASE("a hole inside it") {
    image.Part(6, kMore);
    image.Hole(7, 8);
    image.Part(9, kContinues);
  }
  SUBCASE("a sequence that is not the next one") {
    image.Part(6, kMore);
    image.Part(8, kContinues);
  }
  SUBCASE("the segment may not have transactions") {
    image.Features(0);
    image.Transaction(6, 7);
  }
  const Scanned scanned = Scan(image);
  CHECK(scanned.tail() == Tail::kCorrupt);
  CHECK(Last(scanned) == 5);
  CHECK(scanned.result.evidence.next_sequence == 6);
  CHECK(scanned.reason().find("is contradicted by entry") != std::string::npos);
  // A writer beside it does not explain that either.
  const Scanned live = Scan(image, true);
  CHECK(live.tail() == Tail::kCorrupt);
  CHECK_FALSE(live.result.live_tail);
}

TEST_CASE("a transaction does not go on in the next segment") {
  JournalImage first(65536, 0x11, 1);
  first.Predecessor(0).Features(1);
  first.Entry(1);
  first.Part(2, kMore);
  JournalImage second(65536, 0x12, 2);
  second.Predecessor(0x11).Features(1);
  DirectoryImage directory;
  SUBCASE("the next segment has the rest of it: corruption") { second.Part(3, kContinues); }
  SUBCASE("the next segment has a later entry: it is torn, and nothing of it was durable") {
    second.Entry(7);
  }
  directory.Write(1, first);
  directory.Write(2, second);
  const Scanned scanned = Scan(directory);
  CHECK(scanned.tail() == (second.bytes()[4096 + 8] == 3 ? Tail::kCorrupt : Tail::kTorn));
  CHECK(Last(scanned) == 1);
}

TEST_CASE("beside a writer an open transaction is what it is just storing") {
  JournalImage image = FiveEntries();
  image.Part(6, kMore);
  image.Part(7, kContinues | kMore);
  const Scanned scanned = Scan(image, true);
  CHECK(scanned.tail() == Tail::kClean);
  CHECK(scanned.result.live_tail);
  CHECK(Last(scanned) == 5);
  // But not if it was durable once.
  image.Mark(7);
  CHECK(Scan(image, true).tail() == Tail::kCorrupt);
}

TEST_CASE("definitions and holes are of no transaction: with its flags they are damage") {
  for (const uint8_t type : {0x03, 0x05}) {
    JournalImage image = FiveEntries();
    image.Put(type, type == 0x03 ? 1 : 0, 6, std::vector<uint8_t>(48), 0, 0x80 | kMore);
    image.Part(7, kContinues);
    const Scanned scanned = Scan(image);
    CHECK(scanned.tail() == Tail::kCorrupt);
    CHECK(scanned.result.evidence.state == EntryState::kDamaged);
  }
}

}  // namespace
}  // namespace pinnacle
