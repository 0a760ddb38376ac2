// Holes as the scan reads them: entries that replace lost ones, or that only fill lines.
#include "doctest.h"
#include "journal/scan.h"
#include "test/directory_image.h"
#include "test/sanitizers.h"

namespace pinnacle {
namespace {

struct Visit {
  uint64_t first;
  uint64_t last;
  friend bool operator==(const Visit&, const Visit&) = default;
};

class Collector : public EntryVisitor {
 public:
  Status Visit(const EntryView& entry) override {
    visits.push_back({entry.first_sequence(), entry.header.sequence});
    return Status();
  }
  std::vector<pinnacle::Visit> visits;
};

struct Scanned {
  ScanResult result;
  std::vector<Visit> visits;
};

// One entry after the other, and with segments verified ahead: both find the same.
Scanned Scan(DirectoryImage& directory, ScanOptions options = {}) {
  Scanned scanned;
  Collector collector;
  REQUIRE(ScanJournal(&directory.files(), "/d/journal", options, &collector, &scanned.result).ok());
  scanned.visits = collector.visits;
  ScanResult ahead;
#if !PINNACLE_THREAD_SANITIZER  // the simulated file system is for one thread
  options.threads = 1;
#endif
  REQUIRE(ScanJournal(&directory.files(), "/d/journal", options, nullptr, &ahead).ok());
  CHECK(ahead.verdict.tail == scanned.result.verdict.tail);
  CHECK(ahead.evidence.next_sequence == scanned.result.evidence.next_sequence);
  CHECK(ahead.evidence.known_durable == scanned.result.evidence.known_durable);
  CHECK(ahead.entries == scanned.result.entries);
  return scanned;
}

Scanned Scan(JournalImage& image, const ScanOptions& options = {}) {
  DirectoryImage directory;
  directory.Write(1, image);
  return Scan(directory, options);
}

// The entries 1 to 3, then what `put` appends.
template <typename Put>
Scanned ScanAfterThree(Put put) {
  JournalImage image;
  for (uint64_t sequence = 1; sequence <= 3; ++sequence) image.Entry(sequence);
  put(image);
  return Scan(image);
}

TEST_CASE("a hole takes the place of the sequences that it names, and the next entry follows it") {
  for (const uint32_t payload_bytes : {24u, 32u, 96u, 1000u}) {
    const Scanned scanned = ScanAfterThree([&](JournalImage& image) {
      image.Hole(4, 9, 7, 2, payload_bytes);
      image.Entry(10);
      image.Entry(11);
    });
    CHECK(scanned.result.verdict.tail == Tail::kClean);
    CHECK(scanned.visits == std::vector<Visit>{{1, 1}, {2, 2}, {3, 3}, {4, 9}, {10, 10}, {11, 11}});
    CHECK(scanned.result.evidence.next_sequence == 12);
    CHECK(scanned.result.entries == 6);
  }
}

TEST_CASE("a hole of one entry, the first and the last entry of a journal may be holes") {
  JournalImage image;
  image.Hole(1, 1);
  image.Entry(2);
  image.Hole(3, 5);
  const Scanned scanned = Scan(image);
  CHECK(scanned.result.verdict.tail == Tail::kClean);
  CHECK(scanned.visits == std::vector<Visit>{{1, 1}, {2, 2}, {3, 5}});
  CHECK(scanned.result.evidence.next_sequence == 6);
}

TEST_CASE("a hole that replaces no entry only fills lines, also several in a row") {
  const Scanned scanned = ScanAfterThree([](JournalImage& image) {
    image.Hole(4, 3);
    image.Hole(4, 3, 0, 0, 500);
    image.Entry(4);
    image.Hole(5, 4);
  });
  CHECK(scanned.result.verdict.tail == Tail::kClean);
  CHECK(scanned.result.evidence.next_sequence == 5);
  CHECK(scanned.visits.size() == 7);
}

TEST_CASE("a hole whose first sequence is not the next one is corruption, whatever its last is") {
  struct Case {
    uint64_t first;
    uint64_t last;
  };
  for (const Case hole : {Case{5, 9}, Case{3, 9}, Case{3, 4}, Case{1, 4}, Case{5, 4}, Case{3, 3},
                          Case{9, 4}, Case{0, 4}, Case{0, 0}}) {
    const Scanned scanned = ScanAfterThree([&](JournalImage& image) {
      image.Hole(hole.first, hole.last);
      image.Entry(hole.last + 1);
    });
    CAPTURE(hole.first);
    CAPTURE(hole.last);
    CHECK(scanned.result.verdict.tail == Tail::kCorrupt);
    CHECK(scanned.result.evidence.wrong_sequence);
    CHECK(scanned.result.evidence.next_sequence == 4);
    CHECK(scanned.visits.size() == 3);
  }
}

TEST_CASE("a hole too short to say what it replaces is corruption") {
  for (const uint32_t payload_bytes : {0u, 8u, 23u}) {
    const Scanned scanned = ScanAfterThree([&](JournalImage& image) {
      image.Hole(4, 4, 0, 0, payload_bytes);
      image.Entry(5);
    });
    CHECK(scanned.result.verdict.tail == Tail::kCorrupt);
    CHECK(scanned.result.evidence.next_sequence == 4);
    CHECK(scanned.visits.size() == 3);
  }
}

TEST_CASE("any flipped bit of a hole is corruption") {
  for (uint64_t position = 0; position < 64; ++position) {
    const Scanned scanned = ScanAfterThree([&](JournalImage& image) {
      const uint64_t offset = image.Hole(4, 9, 8, 7);
      image.Entry(10);
      image.FlipBit(offset + position, static_cast<int>(position % 8));
    });
    CAPTURE(position);
    CHECK(scanned.result.verdict.tail == Tail::kCorrupt);
    CHECK(scanned.visits.size() == 3);
  }
}

TEST_CASE("a hole says nothing of what is durable, and what is lost in it may have been") {
  const Scanned scanned = ScanAfterThree([](JournalImage& image) {
    image.Hole(4, 9);
    image.Entry(10, 32, 9);
  });
  CHECK(scanned.result.verdict.tail == Tail::kClean);
  CHECK(scanned.result.evidence.known_durable == 9);
  CHECK(ScanAfterThree([](JournalImage& image) {
          image.Hole(4, 9);
        }).result.evidence.known_durable == 0);
}

TEST_CASE("a hole at a segment's start opens it with the first lost sequence") {
  DirectoryImage directory;
  JournalImage first;
  first.Entry(1);
  first.Entry(2);
  directory.Write(1, first);
  JournalImage second(65536, 0x99, 2);
  second.Hole(3, 6);
  second.Entry(7);
  directory.Write(2, second);
  const Scanned scanned = Scan(directory);
  CHECK(scanned.result.verdict.tail == Tail::kClean);
  CHECK(scanned.visits == std::vector<Visit>{{1, 1}, {2, 2}, {3, 6}, {7, 7}});
  REQUIRE(scanned.result.segments.size() == 2);
  CHECK(scanned.result.segments[1].first_sequence == 3);
  CHECK(scanned.result.segments[1].last_sequence == 7);

  SUBCASE("one that only fills lines opens it with the sequence that is next") {
    JournalImage filled(65536, 0x99, 2);
    filled.Hole(3, 2);
    filled.Entry(3);
    directory.Write(2, filled);
    const Scanned after = Scan(directory);
    CHECK(after.result.verdict.tail == Tail::kClean);
    CHECK(after.result.evidence.next_sequence == 4);
    CHECK(after.result.segments[1].first_sequence == 3);
  }
  SUBCASE("a segment may hold a hole that fills lines and nothing else") {
    JournalImage filled(65536, 0x99, 2);
    filled.Hole(3, 2);
    directory.Write(2, filled);
    JournalImage third(65536, 0xaa, 3);
    third.Entry(3);
    directory.Write(3, third);
    const Scanned after = Scan(directory);
    CHECK(after.result.verdict.tail == Tail::kClean);
    CHECK(after.result.evidence.next_sequence == 4);
    CHECK(after.result.stop_segment == 2);
  }
  SUBCASE("one that begins elsewhere is corruption") {
    JournalImage wrong(65536, 0x99, 2);
    wrong.Hole(2, 6);
    wrong.Entry(7);
    directory.Write(2, wrong);
    CHECK(Scan(directory).result.verdict.tail == Tail::kCorrupt);
  }
  SUBCASE("reading begins in it if the wanted sequence is among the lost ones") {
    const Scanned from = Scan(directory, {.from_sequence = 5});
    CHECK(from.visits == std::vector<Visit>{{3, 6}, {7, 7}});
    REQUIRE(from.result.below.size() == 1);
    CHECK(from.result.below[0].last_sequence == 2);
  }
}

TEST_CASE("a snapshot's sequence may be within a hole: then no entry proves it") {
  JournalImage image;
  image.Entry(1);
  image.Hole(2, 6, 4);
  image.Entry(7);
  for (const uint64_t snapshot : {2u, 4u, 6u}) {
    ScanOptions options;
    options.from_sequence = snapshot + 1;
    options.known_durable = snapshot;
    options.proof_sequence = snapshot;
    options.proof_checksum = 0x12345678;
    const Scanned scanned = Scan(image, options);
    CAPTURE(snapshot);
    CHECK(scanned.result.verdict.tail == Tail::kClean);
    // The hole is seen if a part of it comes after the snapshot.
    CHECK(scanned.visits.size() == (snapshot == 6 ? 1 : 2));
  }
}

TEST_CASE("a journal that ends in a hole is not torn, and what follows it is judged as usual") {
  const Scanned torn = ScanAfterThree([](JournalImage& image) {
    image.Hole(4, 9);
    const uint64_t offset = image.Entry(10);
    image.Zero(offset + 56, 8);
  });
  CHECK(torn.result.verdict.tail == Tail::kTorn);
  CHECK(torn.result.evidence.next_sequence == 10);
}

TEST_CASE("a hole after a damaged entry does not move the place of the damage") {
  const Scanned scanned = ScanAfterThree([](JournalImage& image) {
    const uint64_t offset = image.Entry(4);
    image.Hole(5, 4);  // of an earlier repair: it fills lines after entry 4
    image.Entry(5);
    image.FlipBit(offset + 30, 1);
  });
  CHECK(scanned.result.verdict.tail == Tail::kCorrupt);
  CHECK(scanned.result.evidence.next_sequence == 4);
  CHECK(scanned.result.entries_dropped == 2);
}

}  // namespace
}  // namespace pinnacle
