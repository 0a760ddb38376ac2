#include "journal/scan.h"

#include <fstream>

#include "doctest.h"
#include "test/journal_image.h"
#include "test/temporary_directory.h"

namespace pinnacle {
namespace {

class Directory {
 public:
  Directory() { REQUIRE(FileSystem::Real()->CreateDirectory(path()).ok()); }
  std::string path() const { return temporary_.path() + "/journal"; }
  void Write(uint64_t index, const std::vector<uint8_t>& bytes) {
    std::ofstream file(path() + "/" + SegmentName(index), std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }

 private:
  TemporaryDirectory temporary_;
};

class Collector : public EntryVisitor {
 public:
  Status Visit(const EntryView& entry) override {
    sequences.push_back(entry.header.sequence);
    return Status();
  }
  std::vector<uint64_t> sequences;
};

// Segments verified ahead by several threads: what is found must be the same.
void CheckAhead(const Directory& directory, ScanOptions options, const ScanResult& expected) {
  options.threads = 3;
  ScanResult result;
  REQUIRE(ScanJournal(FileSystem::Real(), directory.path(), options, nullptr, &result).ok());
  CHECK(result.verdict.tail == expected.verdict.tail);
  CHECK(result.verdict.reason == expected.verdict.reason);
  CHECK(result.stop_segment == expected.stop_segment);
  CHECK(result.damaged_segment == expected.damaged_segment);
  CHECK(result.entries == expected.entries);
  CHECK(result.bytes_dropped == expected.bytes_dropped);
  CHECK(result.entries_dropped == expected.entries_dropped);
  const TailEvidence& evidence = result.evidence;
  CHECK(evidence.next_sequence == expected.evidence.next_sequence);
  CHECK(evidence.known_durable == expected.evidence.known_durable);
  CHECK(evidence.state == expected.evidence.state);
  CHECK(evidence.bytes_follow == expected.evidence.bytes_follow);
  CHECK(evidence.valid_entries_follow == expected.evidence.valid_entries_follow);
  CHECK(evidence.wrong_sequence == expected.evidence.wrong_sequence);
  CHECK(evidence.older_follows == expected.evidence.older_follows);
  CHECK(evidence.segment_damaged == expected.evidence.segment_damaged);
  REQUIRE(result.segments.size() == expected.segments.size());
  for (size_t i = 0; i < result.segments.size(); ++i) {
    CHECK(result.segments[i].entries == expected.segments[i].entries);
    CHECK(result.segments[i].first_sequence == expected.segments[i].first_sequence);
    CHECK(result.segments[i].last_sequence == expected.segments[i].last_sequence);
    CHECK(result.segments[i].end_offset == expected.segments[i].end_offset);
  }
}

ScanResult Scan(const Directory& directory, Collector* collector = nullptr,
                ScanOptions options = {}) {
  ScanResult result;
  Collector unused;
  const Status status = ScanJournal(FileSystem::Real(), directory.path(), options,
                                    collector == nullptr ? &unused : collector, &result);
  CHECK_MESSAGE(status.ok(), status.ToString());
  CheckAhead(directory, options, result);
  return result;
}

// Ten one-line entries; each says that everything up to four before it was durable.
JournalImage TenEntries() {
  JournalImage image;
  for (uint64_t sequence = 1; sequence <= 10; ++sequence) {
    image.Entry(sequence, 32, sequence > 5 ? sequence - 5 : 0);
  }
  return image;
}

constexpr uint64_t OffsetOf(uint64_t sequence) { return 4096 + (sequence - 1) * 64; }

TEST_CASE("the decision table of the recovery scan") {
  TailEvidence clean;
  clean.next_sequence = 11;
  clean.known_durable = 10;
  CHECK(ClassifyTail(clean).tail == Tail::kClean);
  SUBCASE("an entry that was durable and is gone is corruption") {
    TailEvidence evidence = clean;
    evidence.known_durable = 11;
    CHECK(ClassifyTail(evidence).tail == Tail::kCorrupt);
  }
  SUBCASE("a torn shape above the durable frontier is a torn tail") {
    TailEvidence evidence = clean;
    evidence.state = EntryState::kTorn;
    CHECK(ClassifyTail(evidence).tail == Tail::kTorn);
    evidence.known_durable = 11;
    CHECK(ClassifyTail(evidence).tail == Tail::kCorrupt);
  }
  SUBCASE("a hole above the durable frontier with entries after it is a torn tail") {
    TailEvidence evidence = clean;
    evidence.valid_entries_follow = true;
    evidence.bytes_follow = true;
    CHECK(ClassifyTail(evidence).tail == Tail::kTorn);
  }
  SUBCASE("an entry that is all there and does not verify is corruption, durable or not") {
    TailEvidence evidence = clean;
    evidence.state = EntryState::kDamaged;
    CHECK(ClassifyTail(evidence).tail == Tail::kCorrupt);
  }
  SUBCASE("a valid entry in the wrong place is corruption") {
    TailEvidence evidence = clean;
    evidence.state = EntryState::kValid;
    evidence.wrong_sequence = true;
    CHECK(ClassifyTail(evidence).tail == Tail::kCorrupt);
  }
  SUBCASE("a damaged or missing segment is corruption") {
    TailEvidence evidence = clean;
    evidence.segment_damaged = true;
    CHECK(ClassifyTail(evidence).tail == Tail::kCorrupt);
  }
}

TEST_CASE("a clean journal is read whole and in order") {
  Directory directory;
  directory.Write(1, TenEntries().bytes());
  Collector collector;
  const ScanResult result = Scan(directory, &collector);
  CHECK(result.verdict.tail == Tail::kClean);
  CHECK(collector.sequences == std::vector<uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  CHECK(result.evidence.next_sequence == 11);
  CHECK(result.segments[0].end_offset == OffsetOf(11));
}

TEST_CASE("entries below the wanted sequence are verified and not visited") {
  Directory directory;
  directory.Write(1, TenEntries().bytes());
  Collector collector;
  ScanOptions options;
  options.from_sequence = 8;
  Scan(directory, &collector, options);
  CHECK(collector.sequences == std::vector<uint64_t>{8, 9, 10});
}

TEST_CASE("a torn last entry is a torn tail, named by place and sequence") {
  Directory directory;
  JournalImage image = TenEntries();
  image.Zero(OffsetOf(10) + 56, 8);
  directory.Write(1, image.bytes());
  const ScanResult result = Scan(directory);
  CHECK(result.verdict.tail == Tail::kTorn);
  CHECK(result.evidence.next_sequence == 10);
  CHECK(result.segments[0].end_offset == OffsetOf(10));
  CHECK(result.bytes_dropped == 64);
  CHECK(result.entries_dropped == 0);
}

TEST_CASE("a hole above what was durable is a torn tail, and what follows it is counted") {
  Directory directory;
  JournalImage image = TenEntries();
  image.Zero(OffsetOf(8), 64);
  directory.Write(1, image.bytes());
  const ScanResult result = Scan(directory);
  CHECK(result.verdict.tail == Tail::kTorn);
  CHECK(result.evidence.next_sequence == 8);
  CHECK(result.evidence.valid_entries_follow);
  CHECK(result.entries_dropped == 2);
}

TEST_CASE("the same hole below what a later entry claims durable is corruption") {
  Directory directory;
  JournalImage image = TenEntries();
  image.Zero(OffsetOf(5), 64);  // entry 10 says that 5 was durable
  directory.Write(1, image.bytes());
  const ScanResult result = Scan(directory);
  CHECK(result.verdict.tail == Tail::kCorrupt);
  CHECK(result.evidence.next_sequence == 5);
  CHECK(result.evidence.known_durable == 5);
}

TEST_CASE("a frontier mark makes a lost tail corruption") {
  Directory directory;
  JournalImage image = TenEntries();
  image.Mark(9, 1).Mark(10, 2);
  image.Zero(OffsetOf(10), 64);
  directory.Write(1, image.bytes());
  CHECK(Scan(directory).verdict.tail == Tail::kCorrupt);
}

TEST_CASE("a damaged frontier mark claims nothing") {
  Directory directory;
  JournalImage image = TenEntries();
  image.Mark(10, 2);
  image.FlipBit(2048 + 3, 1);
  image.Zero(OffsetOf(10), 64);
  directory.Write(1, image.bytes());
  CHECK(Scan(directory).verdict.tail == Tail::kClean);  // nothing says that entry 10 ever was
}

TEST_CASE("every single flipped bit of every entry is reported as corruption and never returned") {
  for (uint64_t sequence : {1u, 5u, 10u}) {
    for (uint64_t position = 0; position < 64; ++position) {
      for (int bit = 0; bit < 8; bit += 3) {
        Directory directory;
        JournalImage image = TenEntries();
        image.FlipBit(OffsetOf(sequence) + position, bit);
        directory.Write(1, image.bytes());
        Collector collector;
        const ScanResult result = Scan(directory, &collector);
        CAPTURE(sequence);
        CAPTURE(position);
        CHECK(result.verdict.tail == Tail::kCorrupt);
        CHECK(result.evidence.next_sequence == sequence);
        CHECK(collector.sequences.size() == sequence - 1);
      }
    }
  }
}

TEST_CASE("a line that a write for another place has overwritten is corruption") {
  Directory directory;
  JournalImage image = TenEntries();
  std::memcpy(image.bytes().data() + OffsetOf(10), image.bytes().data() + OffsetOf(3), 64);
  directory.Write(1, image.bytes());
  const ScanResult result = Scan(directory);
  CHECK(result.verdict.tail == Tail::kCorrupt);
  CHECK(result.evidence.wrong_sequence);
}

TEST_CASE("an entry with a flag that this version does not know is damage, the last one too") {
  for (const uint8_t flags : {0x90, 0xa0, 0xc0, 0xb8, 0x94, 0x00, 0x01}) {
    for (const bool followed : {true, false}) {
      Directory directory;
      JournalImage image = TenEntries();
      image.Put(0x80, 0, 11, std::vector<uint8_t>(32, 0x5a), 10, flags);
      if (followed) image.Entry(12);
      directory.Write(1, image.bytes());
      const ScanResult result = Scan(directory);
      CAPTURE(flags);
      CHECK(result.verdict.tail == Tail::kCorrupt);
      CHECK(result.evidence.next_sequence == 11);
      CHECK(result.evidence.state == EntryState::kDamaged);
    }
  }
  Directory directory;
  JournalImage image = TenEntries();
  image.Put(0x11, 1, 11, std::vector<uint8_t>(32, 0x5a), 10, 0x83);
  directory.Write(1, image.bytes());
  CHECK(Scan(directory).verdict.tail == Tail::kClean);
}

TEST_CASE("a mark in a segment that the next one continues counts up to its last entry only") {
  Directory directory;
  JournalImage first = TenEntries();
  first.Mark(5000, 3).Mark(10, 2);  // it can't have known of what came after it
  directory.Write(1, first.bytes());
  JournalImage second(65536, 0x99, 2);
  second.Entry(11);
  second.Entry(12);
  directory.Write(2, second.bytes());
  const ScanResult result = Scan(directory);
  CHECK(result.verdict.tail == Tail::kClean);
  CHECK(result.evidence.known_durable == 10);

  // If the journal ends with it, or if the next segment does not continue it, it counts.
  second.Zero(4096, 64);
  directory.Write(2, second.bytes());
  CHECK(Scan(directory).verdict.tail == Tail::kCorrupt);
  CHECK(Scan(directory).evidence.known_durable == 5000);
  second.Zero(4096, 128);
  directory.Write(2, second.bytes());
  CHECK(Scan(directory).verdict.tail == Tail::kCorrupt);
}

TEST_CASE("a journal goes on from segment to segment, with unused lines at the end of one") {
  Directory directory;
  JournalImage first = TenEntries();
  JournalImage second(65536, 0x99, 2);
  second.Entry(11, 60000, 10);
  second.Entry(12, 32, 10);
  JournalImage prepared(65536, 0x77, 3);
  directory.Write(1, first.bytes());
  directory.Write(2, second.bytes());
  directory.Write(3, prepared.bytes());
  Collector collector;
  const ScanResult result = Scan(directory, &collector);
  CHECK(result.verdict.tail == Tail::kClean);
  CHECK(collector.sequences.size() == 12);
  CHECK(result.stop_segment == 1);

  SUBCASE("reading starts with the segment that holds the wanted sequence") {
    ScanOptions options;
    options.from_sequence = 12;
    const ScanResult from = Scan(directory, nullptr, options);
    CHECK(from.below.size() == 1);
    CHECK(from.below[0].last_sequence == 10);
    CHECK(from.segments.size() == 2);
  }
  SUBCASE("a missing segment is corruption") {
    std::filesystem::remove(directory.path() + "/" + SegmentName(2));
    directory.Write(3, [&] {
      JournalImage third(65536, 0x77, 3);
      third.Entry(13, 32, 12);
      return third.bytes();
    }());
    const ScanResult missing = Scan(directory);
    CHECK(missing.verdict.tail == Tail::kCorrupt);
    CHECK(missing.evidence.next_sequence == 11);
    CHECK(missing.verdict.reason.find("segment 2 is missing") != std::string::npos);
  }
  SUBCASE("damage in the first entry of a segment is placed there") {
    second.FlipBit(4096 + 30, 2);
    directory.Write(2, second.bytes());
    const ScanResult damaged = Scan(directory);
    CHECK(damaged.verdict.tail == Tail::kCorrupt);
    CHECK(damaged.stop_segment == 1);
    CHECK(damaged.segments[1].end_offset == 4096);
  }
  SUBCASE("a damaged header is corruption if entries should follow") {
    second.FlipBit(70, 2);
    directory.Write(2, second.bytes());
    CHECK(Scan(directory).verdict.tail == Tail::kCorrupt);
  }
  SUBCASE("a segment of another journal is corruption") {
    JournalImage foreign(65536, 0x99, 2);
    foreign.bytes()[32] = 1;
    std::memset(foreign.bytes().data() + 12, 0, 4);
    const uint32_t checksum = ~Crc32cExtendPortable(~0u, foreign.bytes().data(), 128);
    std::memcpy(foreign.bytes().data() + 12, &checksum, 4);
    directory.Write(2, foreign.bytes());
    const ScanResult other = Scan(directory);
    CHECK(other.verdict.tail == Tail::kCorrupt);
    CHECK(other.verdict.reason.find("another journal") != std::string::npos);
  }
}

TEST_CASE("a snapshot's proof is checked against the journal's entry") {
  Directory directory;
  JournalImage image = TenEntries();
  directory.Write(1, image.bytes());
  uint32_t checksum = 0;
  std::memcpy(&checksum, image.bytes().data() + OffsetOf(6) + 60, 4);
  ScanOptions options;
  options.from_sequence = 7;
  options.proof_sequence = 6;
  options.proof_checksum = checksum;
  CHECK(Scan(directory, nullptr, options).verdict.tail == Tail::kClean);
  options.proof_checksum ^= 1;
  CHECK(Scan(directory, nullptr, options).verdict.tail == Tail::kCorrupt);
}

TEST_CASE("files that are not segments, or newer ones, are refused with their own codes") {
  Directory directory;
  JournalImage image = TenEntries();
  Collector collector;
  ScanResult result;
  SUBCASE("another kind of file") {
    std::fill_n(image.bytes().begin(), 8, uint8_t{'X'});
    directory.Write(1, image.bytes());
    CHECK(ScanJournal(FileSystem::Real(), directory.path(), {}, &collector, &result).code() ==
          Code::kNotOurFile);
  }
  SUBCASE("one flipped bit makes damage, neither another file nor a newer version") {
    for (const uint64_t offset : {0u, 7u, 8u, 9u}) {
      JournalImage rotten = TenEntries();
      rotten.FlipBit(offset, 1);
      directory.Write(1, rotten.bytes());
      CHECK(Scan(directory, &collector).verdict.tail == Tail::kCorrupt);
    }
    CHECK(collector.sequences.empty());
  }
  SUBCASE("a newer version") {
    image.bytes()[8] = 3;
    image.SealHeader();
    directory.Write(1, image.bytes());
    CHECK(ScanJournal(FileSystem::Real(), directory.path(), {}, &collector, &result).code() ==
          Code::kNewerVersion);
  }
}

TEST_CASE("reading does not start at a segment that begins before its predecessor") {
  Directory directory;
  directory.Write(1, TenEntries().bytes());
  JournalImage forged(65536, 0x99, 2);
  forged.Entry(1);
  directory.Write(2, forged.bytes());
  Collector collector;
  const ScanResult result = Scan(directory, &collector, {.from_sequence = 5});
  CHECK(collector.sequences == std::vector<uint64_t>{5, 6, 7, 8, 9, 10});
  CHECK(result.verdict.tail == Tail::kCorrupt);
}

TEST_CASE("a file shorter than its segment reads as unwritten past its end") {
  Directory directory;
  std::vector<uint8_t> bytes = TenEntries().bytes();
  bytes.resize(OffsetOf(11));
  directory.Write(1, bytes);
  CHECK(Scan(directory).verdict.tail == Tail::kClean);
  bytes.resize(OffsetOf(8) + 20);
  directory.Write(1, bytes);
  const ScanResult cut = Scan(directory);
  CHECK(cut.evidence.next_sequence == 8);
  CHECK(cut.verdict.tail == Tail::kTorn);
}

}  // namespace
}  // namespace pinnacle
