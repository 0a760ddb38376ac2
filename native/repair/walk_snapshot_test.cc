// What a repair keeps with a snapshot, and next to the holes of an earlier repair.
#include "doctest.h"
#include "repair/walk.h"
#include "test/repaired_directory.h"

namespace pinnacle {
namespace {

constexpr Policy kBoth[] = {Policy::kPointInTime, Policy::kSalvage};

uint64_t Line(uint64_t number) { return 4096 + number * 64; }

struct Journal {
  Chain chain{4, 5};
  DirectoryImage directory;

  Journal() { Write(); }
  void Write() { chain.Write(&directory); }
  uint32_t ChecksumAt(uint64_t sequence) {
    uint32_t checksum = 0;
    std::memcpy(
        &checksum,
        chain.segment((sequence - 1) / 5 + 1).bytes().data() + Line((sequence - 1) % 5) + 60, 4);
    return checksum;
  }
};

// One segment; tests append its entries.
struct Single {
  JournalImage image;
  DirectoryImage directory;

  explicit Single(uint64_t segment_bytes = 65536) : image(segment_bytes, Chain::IdOf(1), 1) {
    image.Predecessor(0);
  }
  void Write(uint64_t durable) { WriteOnly(image, durable, &directory); }
};

std::vector<HolePayload> Holes(const std::vector<ReadBack>& entries) {
  std::vector<HolePayload> holes;
  for (const ReadBack& entry : entries) {
    if (entry.is_hole) holes.push_back(entry.hole);
  }
  return holes;
}

TEST_CASE("damage before the snapshot costs nothing: a hole names the snapshot that covers it") {
  for (const Policy policy : kBoth) {
    Journal journal;
    journal.chain.segment(1).FlipBit(Line(2) + 30, 1);  // entry 3
    journal.Write();
    const Repaired repaired =
        Repair(journal.directory, policy, SnapshotAt(12, journal.ChecksumAt(12)));
    CHECK(KeptSequences(repaired.entries) == Range(13, 20));
    CHECK(repaired.result().last_sequence == 20);
    REQUIRE(repaired.result().losses.size() == 1);
    CHECK(repaired.result().losses[0].first_sequence == 3);
    const std::vector<ReadBack> all = ReadClean(journal.directory);
    CHECK(KeptSequences(all) == Join(Range(1, 2), Range(4, 20)));
    REQUIRE(Holes(all).size() == 1);
    CHECK(Holes(all)[0].first_sequence == 3);
    CHECK(Holes(all)[0].snapshot_sequence == 12);
  }
}

TEST_CASE("segments missing before the snapshot are filled by both policies") {
  for (const Policy policy : kBoth) {
    Journal journal;
    journal.directory.Remove(1);
    journal.directory.Remove(2);
    const Repaired repaired = Repair(journal.directory, policy, SnapshotAt(12));
    CHECK(KeptSequences(repaired.entries) == Range(13, 20));
    const std::vector<ReadBack> all = ReadClean(journal.directory);
    CHECK(KeptSequences(all) == Range(11, 20));
    REQUIRE(Holes(all).size() == 2);
    CHECK(Holes(all)[0].snapshot_sequence == 12);
    CHECK(Holes(all)[1].snapshot_sequence == 0);  // it covers no entry
  }
}

TEST_CASE("a loss on both sides of the snapshot: point-in-time ends at the snapshot") {
  Journal journal;
  journal.directory.Remove(3);  // 11 to 15
  const SnapshotMeta snapshot = SnapshotAt(12);
  {
    const Repaired repaired = Repair(journal.directory, Policy::kPointInTime, snapshot);
    CHECK(repaired.result().last_sequence == 12);
    const std::vector<ReadBack> all = ReadClean(journal.directory);
    CHECK(KeptSequences(all) == Range(1, 10));
    REQUIRE(Holes(all).size() == 1);
    CHECK(Holes(all)[0].first_sequence == 11);
    CHECK(Holes(all)[0].snapshot_sequence == 12);
  }
  journal.Write();
  journal.directory.Remove(3);
  const Repaired repaired = Repair(journal.directory, Policy::kSalvage, snapshot);
  CHECK(KeptSequences(repaired.entries) == Range(16, 20));
  REQUIRE(Holes(repaired.entries).size() == 1);
  CHECK(repaired.entries[0].first == 11);
  CHECK(repaired.entries[0].last == 15);
  CHECK(repaired.entries[0].hole.snapshot_sequence == 12);
}

TEST_CASE(
    "a snapshot past the journal's end: a hole leads there, and the journal continues after it") {
  for (const Policy policy : kBoth) {
    Journal journal;
    const Repaired repaired = Repair(journal.directory, policy, SnapshotAt(25));
    CHECK(repaired.result().last_sequence == 25);
    CHECK(repaired.entries.empty());
    const std::vector<ReadBack> all = ReadClean(journal.directory);
    CHECK(KeptSequences(all) == Range(1, 20));
    CHECK(all.back().first == 21);
    CHECK(all.back().last == 25);
    CHECK(all.back().hole.snapshot_sequence == 25);
    CHECK(all.back().segment == 4);
  }
}

TEST_CASE("a snapshot past the end of a segment that is full gets a segment of its own") {
  for (const Policy policy : kBoth) {
    Single journal;
    for (uint64_t sequence = 1; sequence <= 960; ++sequence) {
      journal.image.Entry(sequence, 32, sequence - 1);
    }
    journal.Write(970);
    const Repaired repaired = Repair(journal.directory, policy, SnapshotAt(970));
    CHECK(repaired.result().last_sequence == 970);
    CHECK(repaired.result().segments.size() == 2);
    const std::vector<ReadBack> all = ReadClean(journal.directory);
    CHECK(KeptSequences(all) == Range(1, 960));
    CHECK(all.back().segment == 2);
    CHECK(all.back().last == 970);
  }
}

TEST_CASE("if all segments are lost, the journal continues after the snapshot") {
  for (const Policy policy : kBoth) {
    Journal journal;
    for (uint64_t index = 1; index <= 5; ++index) journal.directory.Remove(index);
    const Repaired repaired = Repair(journal.directory, policy, SnapshotAt(12));
    CHECK(repaired.result().last_sequence == 12);
    CHECK(ReadClean(journal.directory).back().last == 12);
    // The same for a compacted journal.
    journal.chain.head.oldest_index = 3;
    journal.chain.head.oldest_id = Chain::IdOf(3);
    journal.Write();
    for (uint64_t index = 1; index <= 5; ++index) journal.directory.Remove(index);
    const Repaired compacted = Repair(journal.directory, policy, SnapshotAt(12));
    CHECK(compacted.result().last_sequence == 12);
    CHECK(compacted.result().losses.empty());
  }
}

TEST_CASE(
    "a journal that begins after the snapshot lost the entries between, and salvage marks them") {
  Journal journal;
  journal.chain.head.oldest_index = 3;
  journal.chain.head.oldest_id = Chain::IdOf(3);
  journal.Write();
  journal.directory.Remove(1);
  journal.directory.Remove(2);
  {
    const Repaired repaired = Repair(journal.directory, Policy::kPointInTime, SnapshotAt(7));
    CHECK(repaired.result().last_sequence == 7);
    CHECK(repaired.entries.empty());
    CHECK(repaired.result().entries_dropped == 10);
  }
  journal.Write();
  journal.directory.Remove(1);
  journal.directory.Remove(2);
  // No line precedes entry 11, so it gives up its own.
  const Repaired repaired = Repair(journal.directory, Policy::kSalvage, SnapshotAt(7));
  CHECK(KeptSequences(repaired.entries) == Range(12, 20));
  REQUIRE(Holes(repaired.entries).size() == 1);
  CHECK(repaired.entries[0].first == 8);
  CHECK(repaired.entries[0].last == 11);
  CHECK(repaired.entries[0].hole.snapshot_sequence == 0);
  CHECK(repaired.result().entries_dropped == 1);
}

TEST_CASE("if the entry at the snapshot's sequence is a different one, the plan says so") {
  for (const Policy policy : kBoth) {
    Journal journal;
    journal.chain.segment(1).FlipBit(Line(2) + 30, 1);
    journal.Write();
    CHECK(Walk(journal.directory, policy, SnapshotAt(12, 0x1234)).result.contradicts_snapshot);
    CHECK_FALSE(Walk(journal.directory, policy, SnapshotAt(12, journal.ChecksumAt(12)))
                    .result.contradicts_snapshot);
    CHECK_FALSE(Walk(journal.directory, policy, SnapshotAt(12)).result.contradicts_snapshot);
  }
}

TEST_CASE("a hole of an earlier repair is kept, and is not damage") {
  for (const Policy policy : kBoth) {
    Single journal;
    journal.image.Entry(1);
    journal.image.Hole(2, 4, 0, 1, 150);
    journal.image.Hole(5, 4);
    journal.image.Entry(5, 32, 4);
    journal.Write(5);
    const Walked walked = Walk(journal.directory, policy);
    REQUIRE(walked.status.ok());
    CHECK_FALSE(walked.result.segments[0].changes());
    CHECK(walked.result.losses.empty());
    CHECK(walked.result.last_sequence == 5);
    CHECK(walked.books.last_sequence() == 5);
  }
}

TEST_CASE(
    "a repair next to an earlier hole leaves that one unchanged, and counts no hole as kept") {
  Single journal;
  journal.image.Entry(1);
  const uint64_t damaged = journal.image.Entry(2);
  journal.image.Hole(3, 6, 0, 2);
  journal.image.Entry(7, 32, 6);
  journal.image.FlipBit(damaged + 30, 1);
  journal.Write(7);
  const Repaired repaired = Repair(journal.directory, Policy::kSalvage);
  CHECK(KeptSequences(repaired.entries) == std::vector<uint64_t>{1, 7});
  REQUIRE(Holes(repaired.entries).size() == 2);
  CHECK(Holes(repaired.entries)[0].first_sequence == 2);
  CHECK(Holes(repaired.entries)[1].entries_left_out == 2);
  CHECK(repaired.result().losses.size() == 1);
  CHECK(repaired.result().entries_after_damage == 1);
  journal.Write(7);
  CHECK(Repair(journal.directory, Policy::kPointInTime).result().entries_dropped == 1);
}

TEST_CASE("a damaged hole is a loss of the same entries") {
  Single journal;
  journal.image.Entry(1);
  const uint64_t hole = journal.image.Hole(2, 6, 0, 2);
  journal.image.Entry(7, 32, 6);
  journal.image.FlipBit(hole + 30, 1);
  journal.Write(7);
  const Repaired repaired = Repair(journal.directory, Policy::kSalvage);
  REQUIRE(repaired.entries.size() == 3);
  CHECK(repaired.entries[1].first == 2);
  CHECK(repaired.entries[1].last == 6);
}

TEST_CASE("a hole that a lost snapshot covered ends the journal, or is a loss from now on") {
  Single journal;
  journal.image.Entry(1);
  journal.image.Hole(2, 4, 9, 3);  // snapshot 9 had what these did
  journal.image.Entry(5, 32, 4);
  journal.Write(5);
  // With that snapshot the hole is unchanged.
  CHECK(Repair(journal.directory, Policy::kPointInTime, SnapshotAt(9)).result().last_sequence == 9);
  CHECK(ReadClean(journal.directory)[1].hole.snapshot_sequence == 9);
  journal.Write(5);
  {
    const Repaired repaired = Repair(journal.directory, Policy::kPointInTime);
    CHECK(KeptSequences(repaired.entries) == std::vector<uint64_t>{1});
    CHECK(repaired.result().entries_dropped == 1);
  }
  journal.Write(5);
  const Repaired repaired = Repair(journal.directory, Policy::kSalvage);
  CHECK(KeptSequences(repaired.entries) == std::vector<uint64_t>{1, 5});
  REQUIRE(repaired.entries.size() == 3);
  CHECK(repaired.entries[1].first == 2);
  CHECK(repaired.entries[1].last == 4);
  CHECK(repaired.entries[1].hole.snapshot_sequence == 0);
  CHECK(repaired.entries[1].hole.entries_left_out == 3);
  CHECK(repaired.result().losses.size() == 1);
}

TEST_CASE("a state within a hole continues after it") {
  for (const Policy policy : kBoth) {
    Single journal;
    journal.image.Entry(1);
    journal.image.Hole(2, 8, 5);
    journal.image.Entry(9, 32, 8);
    const uint64_t damaged = journal.image.Entry(10, 32, 9);
    journal.image.FlipBit(damaged + 30, 1);
    journal.Write(10);
    const Repaired repaired = Repair(journal.directory, policy, SnapshotAt(5));
    CHECK(KeptSequences(repaired.entries) == std::vector<uint64_t>{9});
    CHECK(repaired.result().last_sequence == 9);
  }
}

TEST_CASE("a second repair of a repaired journal changes nothing") {
  for (const Policy policy : kBoth) {
    for (const uint64_t snapshot : {0u, 12u}) {
      Journal journal;
      journal.chain.segment(1).FlipBit(Line(4) + 30, 1);
      journal.chain.segment(3).Zero(Line(0), 128);
      journal.Write();
      journal.directory.Remove(2);
      const Repaired repaired = Repair(journal.directory, policy, SnapshotAt(snapshot));
      const Walked again = Walk(journal.directory, policy, SnapshotAt(snapshot));
      REQUIRE(again.status.ok());
      for (const SegmentPlan& plan : again.result.segments) CHECK_FALSE(plan.changes());
      CHECK(again.result.taken_out.empty());
      CHECK(again.result.last_sequence == repaired.result().last_sequence);
    }
  }
}

}  // namespace
}  // namespace pinnacle
