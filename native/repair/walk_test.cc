// What both policies keep of a journal with damaged entries and segments, without a snapshot. Each
// plan is carried out and the result read back.
#include "repair/walk.h"

#include "doctest.h"
#include "test/repaired_directory.h"

namespace pinnacle {
namespace {

constexpr Policy kBoth[] = {Policy::kPointInTime, Policy::kSalvage};
constexpr uint64_t kStart = 4096;

uint64_t Line(uint64_t number) { return kStart + number * 64; }

// Four segments with five entries of one line each, and a fifth prepared one.
struct Journal {
  Chain chain{4, 5};
  DirectoryImage directory;

  Journal() { Write(); }
  void Write() { chain.Write(&directory); }
  std::string Path(uint64_t index) { return directory.SegmentPath(index); }
};

TEST_CASE("a repair of an intact journal keeps all of it and changes nothing") {
  for (const Policy policy : kBoth) {
    Journal journal;
    const Walked walked = Walk(journal.directory, policy);
    REQUIRE(walked.status.ok());
    CHECK(walked.result.segments.size() == 4);
    for (const SegmentPlan& plan : walked.result.segments) CHECK_FALSE(plan.changes());
    CHECK(walked.result.taken_out.empty());
    CHECK(walked.result.losses.empty());
    CHECK(walked.result.last_sequence == 20);
    CHECK(walked.result.entries_dropped == 0);
  }
}

TEST_CASE("one damaged entry: point-in-time keeps those before it, salvage all others") {
  Journal journal;
  journal.chain.segment(2).FlipBit(Line(2) + 30, 1);  // entry 8
  journal.Write();
  SUBCASE("point-in-time") {
    const Repaired repaired = Repair(journal.directory, Policy::kPointInTime);
    CHECK(KeptSequences(repaired.entries) == Range(1, 7));
    CHECK(LostIn(repaired.entries).empty());
    CHECK(repaired.result().losses.empty());
    CHECK(repaired.result().entries_dropped == 12);
    CHECK(repaired.result().entries_after_damage == 0);
    CHECK(repaired.result().taken_out ==
          std::vector<std::string>{journal.Path(3), journal.Path(4), journal.Path(5)});
  }
  SUBCASE("salvage") {
    const Repaired repaired = Repair(journal.directory, Policy::kSalvage);
    CHECK(KeptSequences(repaired.entries) == Join(Range(1, 7), Range(9, 20)));
    CHECK(LostIn(repaired.entries) == std::vector<Loss>{{8, 8}});
    CHECK(Losses(repaired.result()) == std::vector<Loss>{{8, 8}});
    CHECK(repaired.result().entries_dropped == 0);
    CHECK(repaired.result().entries_after_damage == 12);
    CHECK(repaired.result().taken_out.empty());
    // Only the damaged segment is written again.
    for (const SegmentPlan& plan : repaired.result().segments) {
      CHECK(plan.changes() == (plan.facts.file.index == 2));
    }
  }
}

TEST_CASE("a damaged entry of several lines is one loss, and so is a range of zeros") {
  for (const Policy policy : kBoth) {
    for (const int damage : {0, 1, 2, 3}) {
      JournalImage image(65536, Chain::IdOf(1), 1);
      image.Predecessor(0);
      image.Entry(1, 300, 0);
      image.Entry(2, 300, 1);
      const uint64_t third = image.Entry(3, 5000, 2);
      const uint64_t fourth = image.Entry(4, 300, 3);
      image.Entry(5, 300, 4);
      if (damage == 0) image.FlipBit(third + 2000, 4);
      if (damage == 1) image.Zero(third, fourth - third);
      if (damage == 2) image.FlipBit(third + 2, 0);  // its length
      if (damage == 3) image.Zero(third + 512, 1024);
      DirectoryImage directory;
      WriteOnly(image, 5, &directory);
      const Repaired repaired = Repair(directory, policy);
      CAPTURE(damage);
      if (policy == Policy::kPointInTime) {
        CHECK(KeptSequences(repaired.entries) == Range(1, 2));
        CHECK(repaired.result().entries_dropped == 2);
        continue;
      }
      CHECK(KeptSequences(repaired.entries) == std::vector<uint64_t>{1, 2, 4, 5});
      CHECK(LostIn(repaired.entries) == std::vector<Loss>{{3, 3}});
      REQUIRE(repaired.result().segments[0].fillers.size() == 1);
      CHECK(repaired.result().segments[0].fillers[0].begin == third);
      CHECK(repaired.result().segments[0].fillers[0].end == fourth);
    }
  }
}

TEST_CASE("two losses in one segment are two holes") {
  Journal journal;
  journal.chain.segment(2).FlipBit(Line(1) + 3, 1);
  journal.chain.segment(2).Zero(Line(3), 64);
  journal.Write();
  const Repaired repaired = Repair(journal.directory, Policy::kSalvage);
  CHECK(LostIn(repaired.entries) == std::vector<Loss>{{7, 7}, {9, 9}});
  CHECK(repaired.result().entries_after_damage == 12);
}

TEST_CASE(
    "a loss at a segment's start is filled there, one at its end there or in the next segment") {
  Journal journal;
  SUBCASE("its first entries") {
    journal.chain.segment(3).FlipBit(Line(0) + 9, 1);
    journal.chain.segment(3).FlipBit(Line(1) + 9, 1);
    journal.Write();
    const Repaired repaired = Repair(journal.directory, Policy::kSalvage);
    CHECK(LostIn(repaired.entries) == std::vector<Loss>{{11, 12}});
    CHECK(repaired.entries[10].segment == 3);
    CHECK(repaired.entries[10].bytes.size() == 128);
  }
  SUBCASE("its last entries: one line is enough, the rest is cut") {
    journal.chain.segment(2).FlipBit(Line(3) + 9, 1);
    journal.chain.segment(2).FlipBit(Line(4) + 9, 1);
    journal.Write();
    const Repaired repaired = Repair(journal.directory, Policy::kSalvage);
    CHECK(LostIn(repaired.entries) == std::vector<Loss>{{9, 10}});
    CHECK(repaired.entries[8].segment == 2);
    CHECK(repaired.entries[8].offset == Line(3));
    CHECK(repaired.entries[8].bytes.size() == 64);
    CHECK(KeptSequences(repaired.entries) == Join(Range(1, 8), Range(11, 20)));
  }
  SUBCASE("both sides of a segment's end: one hole") {
    journal.chain.segment(2).FlipBit(Line(4) + 9, 1);
    journal.chain.segment(3).FlipBit(Line(0) + 9, 1);
    journal.Write();
    const Repaired repaired = Repair(journal.directory, Policy::kSalvage);
    CHECK(LostIn(repaired.entries) == std::vector<Loss>{{10, 11}});
    CHECK(repaired.entries[9].segment == 3);
  }
  SUBCASE("all entries of a segment") {
    for (int line = 0; line < 5; ++line) journal.chain.segment(3).FlipBit(Line(line) + 9, 1);
    journal.Write();
    const Repaired repaired = Repair(journal.directory, Policy::kSalvage);
    CHECK(LostIn(repaired.entries) == std::vector<Loss>{{11, 15}});
    CHECK(repaired.entries[10].segment == 3);
    CHECK(KeptSequences(repaired.entries) == Join(Range(1, 10), Range(16, 20)));
    CHECK(repaired.result().taken_out.empty());
  }
  SUBCASE("the journal's first entry") {
    journal.chain.segment(1).FlipBit(Line(0) + 9, 1);
    journal.Write();
    const Repaired repaired = Repair(journal.directory, Policy::kSalvage);
    CHECK(LostIn(repaired.entries) == std::vector<Loss>{{1, 1}});
    CHECK(KeptSequences(repaired.entries) == Range(2, 20));
  }
  SUBCASE("the journal's last entry: nothing follows it") {
    journal.chain.segment(4).FlipBit(Line(4) + 9, 1);
    journal.Write();
    for (const Policy policy : kBoth) {
      journal.Write();
      const Repaired repaired = Repair(journal.directory, policy);
      CHECK(KeptSequences(repaired.entries) == Range(1, 19));
      CHECK(repaired.result().losses.empty());
      CHECK(repaired.result().entries_dropped == 0);
    }
  }
}

TEST_CASE("point-in-time at the journal's very first entry keeps nothing, and restarts with it") {
  Journal journal;
  journal.chain.segment(1).FlipBit(Line(0) + 9, 1);
  journal.Write();
  const Repaired repaired = Repair(journal.directory, Policy::kPointInTime);
  CHECK(repaired.entries.empty());
  CHECK(repaired.result().last_sequence == 0);
  CHECK(repaired.result().entries_dropped == 19);
  CHECK(repaired.result().segments.size() == 1);
}

TEST_CASE("a torn tail after the damage is cut, it is not a loss") {
  Journal journal;
  journal.chain.head.durable = 12;
  journal.chain.segment(2).FlipBit(Line(2) + 30, 1);
  journal.chain.segment(4).Zero(Line(4) + 56, 8);
  journal.Write();
  const Repaired repaired = Repair(journal.directory, Policy::kSalvage);
  CHECK(KeptSequences(repaired.entries) == Join(Range(1, 7), Range(9, 19)));
  CHECK(LostIn(repaired.entries) == std::vector<Loss>{{8, 8}});
}

TEST_CASE(
    "a missing segment: point-in-time ends before it, salvage makes a new one with one hole") {
  for (const uint64_t index : {2u, 3u}) {
    const uint64_t first = (index - 1) * 5 + 1;
    CAPTURE(index);
    {
      Journal journal;
      journal.directory.Remove(index);
      const Repaired repaired = Repair(journal.directory, Policy::kPointInTime);
      CHECK(KeptSequences(repaired.entries) == Range(1, first - 1));
      CHECK(repaired.result().entries_dropped == 20 - (first + 4));
      CHECK_FALSE(journal.directory.Has(journal.Path(4)));
    }
    Journal journal;
    journal.directory.Remove(index);
    const Repaired repaired = Repair(journal.directory, Policy::kSalvage);
    CHECK(KeptSequences(repaired.entries) == Join(Range(1, first - 1), Range(first + 5, 20)));
    CHECK(LostIn(repaired.entries) == std::vector<Loss>{{first, first + 4}});
    // The others keep their headers: the new segment gets the link that the next one names.
    for (const SegmentPlan& plan : repaired.result().segments) {
      CHECK(plan.changes() == (plan.facts.file.index == index));
    }
  }
}

TEST_CASE("a journal whose first segment is missing") {
  Journal journal;
  journal.directory.Remove(1);
  SUBCASE("keeps nothing by point-in-time: what follows needs what is lost") {
    const Repaired repaired = Repair(journal.directory, Policy::kPointInTime);
    CHECK(repaired.entries.empty());
    CHECK(repaired.result().entries_dropped == 15);
    CHECK(repaired.result().segments.front().facts.file.index == 1);
  }
  SUBCASE("keeps the others by salvage") {
    const Repaired repaired = Repair(journal.directory, Policy::kSalvage);
    CHECK(KeptSequences(repaired.entries) == Range(6, 20));
    CHECK(LostIn(repaired.entries) == std::vector<Loss>{{1, 5}});
    CHECK(repaired.result().segments.front().facts.file.index == 1);
  }
}

TEST_CASE("a damaged first segment is replaced by one without a predecessor") {
  Journal journal;
  journal.chain.segment(1).FlipBit(104, 5);  // it now names a predecessor
  journal.Write();
  const Repaired repaired = Repair(journal.directory, Policy::kSalvage);
  CHECK(KeptSequences(repaired.entries) == Range(6, 20));
  uint64_t predecessor = 1;
  std::memcpy(&predecessor, journal.directory.Read(journal.Path(1)).data() + 104, 8);
  CHECK(predecessor == 0);
}

TEST_CASE("a journal whose last segments are missing ends before them, by both policies") {
  for (const Policy policy : kBoth) {
    Journal journal;
    journal.directory.Remove(4);
    Repaired repaired = Repair(journal.directory, policy);
    CHECK(KeptSequences(repaired.entries) == Range(1, 15));
    CHECK(repaired.result().losses.empty());
    CHECK_FALSE(journal.directory.Has(journal.Path(5)));
    journal.Write();
    journal.directory.Remove(3);
    journal.directory.Remove(4);
    journal.directory.Remove(5);
    repaired = Repair(journal.directory, policy);
    CHECK(KeptSequences(repaired.entries) == Range(1, 10));
  }
}

TEST_CASE("a ready segment that is missing costs no entry") {
  for (const Policy policy : kBoth) {
    Journal journal;
    journal.directory.Remove(5);
    const Repaired repaired = Repair(journal.directory, policy);
    CHECK(KeptSequences(repaired.entries) == Range(1, 20));
    CHECK(repaired.result().losses.empty());
  }
}

TEST_CASE("two missing segments in a row: the first has the hole, the second only filled lines") {
  Journal journal;
  journal.directory.Remove(2);
  journal.directory.Remove(3);
  const Repaired repaired = Repair(journal.directory, Policy::kSalvage);
  CHECK(LostIn(repaired.entries) == std::vector<Loss>{{6, 15}});
  REQUIRE(repaired.entries.size() == 5 + 2 + 5);
  CHECK(repaired.entries[5].segment == 2);
  CHECK(repaired.entries[6].segment == 3);
  CHECK(repaired.entries[6].first == 16);
  CHECK(repaired.entries[6].last == 15);
}

TEST_CASE("a loss across damaged lines, a missing segment and damaged lines again is one hole") {
  Journal journal;
  journal.chain.segment(1).FlipBit(Line(4) + 9, 1);
  journal.chain.segment(3).FlipBit(Line(0) + 9, 1);
  journal.Write();
  journal.directory.Remove(2);
  const Repaired repaired = Repair(journal.directory, Policy::kSalvage);
  CHECK(LostIn(repaired.entries) == std::vector<Loss>{{5, 11}});
  CHECK(KeptSequences(repaired.entries) == Join(Range(1, 4), Range(12, 20)));
}

TEST_CASE("segments of another journal or copy are taken out, and none of them is kept") {
  for (const bool foreign : {true, false}) {
    JournalImage other(65536, 0x77, 3);
    if (foreign) other.Journal(1, 2);
    other.Predecessor(0x1234);
    for (uint64_t sequence = 11; sequence <= 15; ++sequence) {
      other.Entry(sequence, 32, sequence - 1, 0x66);
    }
    Journal journal;
    journal.directory.Write(3, other);
    Repaired repaired = Repair(journal.directory, Policy::kPointInTime);
    CHECK(KeptSequences(repaired.entries) == Range(1, 10));
    CHECK(repaired.result().entries_dropped == 5);  // only of ours

    journal.Write();
    journal.directory.Write(3, other);
    repaired = Repair(journal.directory, Policy::kSalvage);
    CHECK(KeptSequences(repaired.entries) == Join(Range(1, 10), Range(16, 20)));
    CHECK(LostIn(repaired.entries) == std::vector<Loss>{{11, 15}});
    CHECK(repaired.result().taken_out == std::vector<std::string>{journal.Path(3)});
  }
}

TEST_CASE("segments after the last one: those of this copy are kept, others are taken out") {
  for (const Policy policy : kBoth) {
    Journal journal;
    journal.chain.segment(5).Entry(21);
    JournalImage sixth(65536, 0x600, 6);
    sixth.Predecessor(Chain::IdOf(5)).Entry(22);
    journal.Write();
    journal.directory.Write(6, sixth);
    Repaired repaired = Repair(journal.directory, policy);
    CHECK(KeptSequences(repaired.entries) == Range(1, 22));
    CHECK(repaired.result().taken_out.empty());

    journal.Write();
    sixth.Predecessor(0x999);
    journal.directory.Write(6, sixth);
    repaired = Repair(journal.directory, policy);
    CHECK(KeptSequences(repaired.entries) == Range(1, 21));
    CHECK(repaired.result().taken_out == std::vector<std::string>{journal.Path(6)});
  }
}

TEST_CASE("a segment whose link is damaged is kept, with the link that the next one names") {
  for (const Policy policy : kBoth) {
    Journal journal;
    journal.chain.Relink(2, 0x2222);
    journal.chain.segment(2).FlipBit(1536 + 3, 3);
    journal.Write();
    const Repaired repaired = Repair(journal.directory, policy);
    CHECK(KeptSequences(repaired.entries) == Range(1, 20));
    CHECK(repaired.result().losses.empty());
  }
}

TEST_CASE("valid entries of an earlier lap, or copied to another place, are not kept twice") {
  Journal journal;
  std::memcpy(journal.chain.segment(2).bytes().data() + Line(3),
              journal.chain.segment(2).bytes().data() + Line(1), 64);
  journal.Write();
  const Repaired repaired = Repair(journal.directory, Policy::kSalvage);
  CHECK(KeptSequences(repaired.entries) == Join(Range(1, 8), Range(10, 20)));
  CHECK(LostIn(repaired.entries) == std::vector<Loss>{{9, 9}});
}

TEST_CASE("a region longer than the longest entry gets several holes, one of which has the loss") {
  constexpr uint64_t kMost = 16ull * 1024 * 1024;
  JournalImage image(40ull * 1024 * 1024, Chain::IdOf(1), 1);
  image.Predecessor(0);
  image.Entry(1);
  const uint64_t begin = image.Entry(2);
  image.FlipBit(begin + 40, 1);
  image.Skip(2 * kMost + 4096);
  const uint64_t end = image.Entry(7, 32, 6);
  DirectoryImage directory;
  WriteOnly(image, 7, &directory);
  const Repaired repaired = Repair(directory, Policy::kSalvage);
  REQUIRE(repaired.entries.size() == 5);
  CHECK(LostIn(repaired.entries) == std::vector<Loss>{{2, 6}});
  CHECK(repaired.entries[1].offset == begin);
  CHECK(repaired.entries[1].bytes.size() == kMost);
  CHECK(repaired.entries[2].bytes.size() == kMost);
  for (const size_t i : {2u, 3u}) {
    CHECK(repaired.entries[i].first == 7);
    CHECK(repaired.entries[i].last == 6);
  }
  CHECK(repaired.entries[4].offset == end);
  CHECK(repaired.entries[4].last == 7);
}

TEST_CASE("if a loss has no line of its own, the entry after it gives up its lines") {
  // Segment 2 is full to its last line, and segment 3 begins later than it should.
  Chain chain(2, 0);
  uint64_t sequence = 0;
  chain.segment(1).Entry(++sequence);
  for (int line = 0; line < 960; ++line) chain.segment(2).Entry(++sequence);
  REQUIRE(chain.segment(2).end() == 65536);
  chain.segment(3).Entry(1000);
  chain.segment(3).Entry(1001);
  chain.head.durable = 1001;
  DirectoryImage directory;
  chain.Write(&directory);
  const Repaired repaired = Repair(directory, Policy::kSalvage);
  CHECK(KeptSequences(repaired.entries) == Join(Range(1, 961), {1001}));
  CHECK(LostIn(repaired.entries) == std::vector<Loss>{{962, 1000}});
  CHECK(repaired.result().entries_dropped == 1);
}

TEST_CASE("a directory of version 1 is repaired too, and its changed segments become version 2") {
  for (const bool missing : {true, false}) {
    DirectoryImage directory;
    for (uint64_t index = 1; index <= 3; ++index) {
      JournalImage old(65536, 0x10 + index, index);
      for (uint64_t i = 1; i <= 4; ++i) {
        const uint64_t sequence = (index - 1) * 4 + i;
        old.Entry(sequence, 32, sequence - 1);
      }
      if (index == 2) old.FlipBit(Line(1) + 30, 2);
      directory.Write(index, old);
    }
    if (missing) directory.Remove(2);
    const Repaired repaired = Repair(directory, Policy::kSalvage);
    CHECK(LostIn(repaired.entries) == std::vector<Loss>{missing ? Loss{5, 8} : Loss{6, 6}});
    CHECK(directory.Read(directory.SegmentPath(2))[8] == 2);
    CHECK(directory.Read(directory.SegmentPath(3))[8] == 1);
  }
}

TEST_CASE("a journal that begins later, without a snapshot that leads there, is a gap") {
  for (const Policy policy : kBoth) {
    Journal journal;
    journal.chain.head.oldest_index = 3;
    journal.chain.head.oldest_id = Chain::IdOf(3);
    journal.chain.segment(3).FlipBit(Line(2) + 30, 2);
    journal.Write();
    CHECK(Walk(journal.directory, policy).status.code() == Code::kJournalGap);
    // The same if no entry is left, or no segment.
    for (const uint64_t index : {3u, 4u}) {
      for (int line = 0; line < 5; ++line) journal.chain.segment(index).Zero(Line(line), 64);
    }
    journal.Write();
    CHECK(Walk(journal.directory, policy).status.code() == Code::kJournalGap);
    for (uint64_t index = 1; index <= 5; ++index) journal.directory.Remove(index);
    CHECK(Walk(journal.directory, policy).status.code() == Code::kJournalGap);
  }
}

}  // namespace
}  // namespace pinnacle
