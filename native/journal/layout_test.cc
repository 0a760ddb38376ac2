// The rules of docs/format.md, "What must be there", on directories made by hand.
#include "journal/layout.h"

#include <set>

#include "doctest.h"
#include "test/directory_image.h"

namespace pinnacle {
namespace {

// Four segments with five entries each, and a fifth that is ready.
struct Journal {
  Chain chain{4, 5};
  DirectoryImage directory;

  Journal() { Write(); }
  void Write() { chain.Write(&directory); }
  void WriteHead() {
    HeadImage image;
    directory.Write(image.Slot(chain.head));
  }
  Layout Read() { return LayoutOf(directory); }
};

// The indices of the segments that do not belong.
std::set<uint64_t> Misfits(const Layout& layout) {
  std::set<uint64_t> indices;
  for (const SegmentFacts& segment : layout.segments) {
    if (!segment.belongs()) indices.insert(segment.file.index);
  }
  return indices;
}

using Indices = std::set<uint64_t>;

const SegmentFacts& At(const Layout& layout, uint64_t index) {
  for (const SegmentFacts& segment : layout.segments) {
    if (segment.file.index == index) return segment;
  }
  FAIL("segment ", index, " has no place in the layout");
  return layout.segments.front();
}

bool Says(const SegmentFacts& segment, const std::string& words) {
  return segment.misfit.find(words) != std::string::npos;
}

TEST_CASE("an intact journal's segments all belong, each with its first entry") {
  Journal journal;
  const Layout layout = journal.Read();
  CHECK(layout.damage.empty());
  CHECK(Misfits(layout).empty());
  REQUIRE(layout.segments.size() == 5);
  for (uint64_t index = 1; index <= 4; ++index) {
    CHECK(At(layout, index).first_sequence == (index - 1) * 5 + 1);
    CHECK(At(layout, index).first_line_used);
  }
  CHECK(At(layout, 5).first_sequence == 0);
  CHECK_FALSE(At(layout, 5).first_line_used);
  CHECK(layout.has_journal_id);
  CHECK(layout.journal_id == JournalId{0xaaaa, 0xbbbb});
  CHECK(layout.leftovers.empty());
}

TEST_CASE("a directory without a journal has no segment and no damage") {
  DirectoryImage directory;
  const Layout layout = LayoutOf(directory);
  CHECK(layout.segments.empty());
  CHECK(layout.damage.empty());
  CHECK_FALSE(layout.has_journal_id);
}

TEST_CASE("a segment that is missing, whichever it is, has a place and is named") {
  for (uint64_t index = 1; index <= 5; ++index) {
    Journal journal;
    journal.directory.Remove(index);
    const Layout layout = journal.Read();
    CAPTURE(index);
    REQUIRE(layout.segments.size() == 5);
    CHECK(Misfits(layout) == Indices{index});
    CHECK(At(layout, index).missing);
    CHECK(At(layout, index).file.path == journal.directory.SegmentPath(index));
    CHECK(Says(At(layout, index), "segment " + std::to_string(index) + " is missing"));
  }
}

TEST_CASE("if all segments are missing, the head record still says which there must be") {
  Journal journal;
  for (uint64_t index = 1; index <= 5; ++index) journal.directory.Remove(index);
  CHECK(Misfits(journal.Read()) == Indices{1, 2, 3, 4, 5});
  CHECK(journal.Read().has_journal_id);
}

TEST_CASE("without a ready segment the newest one is the last that must be there") {
  Journal journal;
  journal.chain.head.ready_index = journal.chain.head.ready_id = 0;
  journal.WriteHead();
  CHECK(Misfits(journal.Read()).empty());
  journal.directory.Remove(5);
  CHECK(Misfits(journal.Read()).empty());
  journal.directory.Remove(4);
  CHECK(Misfits(journal.Read()) == Indices{4});
}

TEST_CASE("a damaged header is damage of its segment, and the others are judged without it") {
  for (uint64_t index = 1; index <= 5; ++index) {
    Journal journal;
    journal.chain.segment(index).FlipBit(60, 3);
    journal.Write();
    const Layout layout = journal.Read();
    CHECK(Misfits(layout) == Indices{index});
    CHECK(At(layout, index).header_status.code() == Code::kCorrupt);
  }
}

TEST_CASE("a segment of another journal does not belong, at any place") {
  for (uint64_t index = 1; index <= 5; ++index) {
    Journal journal;
    JournalImage foreign(65536, 0x77, index);
    foreign.Journal(1, 2).Predecessor(index == 1 ? 0 : Chain::IdOf(index - 1)).Entry(1);
    journal.directory.Write(index, foreign);
    const Layout layout = journal.Read();
    CHECK(Misfits(layout) == Indices{index});
    CHECK(Says(At(layout, index), "another journal"));
  }
}

TEST_CASE("a segment that was renamed, or copied over another, does not belong") {
  Journal journal;
  SUBCASE("copied over another") {
    journal.directory.Write(3, journal.chain.segment(2));
    const Layout layout = journal.Read();
    CHECK(Misfits(layout) == Indices{3});
    CHECK(Says(At(layout, 3), "holds segment 2"));
  }
  SUBCASE("two that changed names") {
    journal.directory.Write(3, journal.chain.segment(2));
    journal.directory.Write(2, journal.chain.segment(3));
    CHECK(Misfits(journal.Read()) == Indices{2, 3});
  }
  SUBCASE("copied to an index above the last one") {
    journal.directory.Write(6, journal.chain.segment(4));
    CHECK(Misfits(journal.Read()) == Indices{6});
  }
  SUBCASE("renamed far away: the head record names the journal's end") {
    journal.directory.Remove(4);
    journal.directory.Write(999'999'999'999, journal.chain.segment(4));
    const Layout layout = journal.Read();
    CHECK(Misfits(layout) == Indices{4, 999'999'999'999});
    CHECK(layout.segments.size() == 6);
  }
}

// A copy of the directory was opened at segment `at` and written on from there, up to the end.
Chain CopyWrittenOn(uint64_t at) {
  Chain copy(4, 5);
  copy.Relink(at, 0x5151);
  for (uint64_t index = at + 1; index <= 5; ++index) {
    const uint64_t before = index == at + 1 ? 0x5151 : 0xc0b0 + index - 1;
    JournalImage segment(65536, 0xc0b0 + index, index);
    segment.Predecessor(before);
    if (index < 5) segment.Entry((index - 1) * 5 + 1, 32, (index - 1) * 5);
    copy.segment(index) = segment;
  }
  return copy;
}

TEST_CASE("a segment of a copy that was written on elsewhere does not belong") {
  Journal journal;
  SUBCASE("the one that the copy went on in") {
    Chain copy = CopyWrittenOn(2);
    journal.directory.Write(2, copy.segment(2));
    const Layout layout = journal.Read();
    CHECK(Misfits(layout) == Indices{2});
    CHECK(Says(At(layout, 2), "not the segment that the next one continues"));
  }
  SUBCASE("a single one of those that the copy made") {
    Chain copy = CopyWrittenOn(1);
    journal.directory.Write(3, copy.segment(3));
    CHECK(Misfits(journal.Read()) == Indices{3});
  }
  SUBCASE("several: the youngest of them is found, and the one that the oldest of them names") {
    Chain copy = CopyWrittenOn(1);
    journal.directory.Write(2, copy.segment(2));
    journal.directory.Write(3, copy.segment(3));
    // (That it is the copy's segments which go, a repair finds out: see trust.h.)
    CHECK(Misfits(journal.Read()) == Indices{1, 3});
  }
  SUBCASE("the oldest, the newest or the ready one: the head record names another id") {
    for (const uint64_t index : {1u, 4u, 5u}) {
      JournalImage other(65536, 0x666, index);
      other.Predecessor(index == 1 ? 0 : Chain::IdOf(index - 1));
      if (index < 5) other.Entry((index - 1) * 5 + 1);
      Journal intact;
      intact.directory.Write(index, other);
      const Layout layout = intact.Read();
      CHECK(Misfits(layout) == Indices{index});
      CHECK(Says(At(layout, index), "another segment than the one that the head record names"));
    }
  }
  SUBCASE("the ready one was entered elsewhere and opened again") {
    journal.chain.segment(5).Link(0x999);
    journal.directory.Write(5, journal.chain.segment(5));
    CHECK(Misfits(journal.Read()) == Indices{5});
  }
}

TEST_CASE("the newest segment may have the two links that the head record allows, no other") {
  Journal journal;
  journal.chain.Relink(4, 0x4444);
  journal.Write();
  CHECK(Misfits(journal.Read()).empty());

  // The record announced a new link, and the crash came before it was written.
  journal.chain.head.newest_link = 0x5555;
  journal.chain.head.newest_link_before = 0x4444;
  journal.chain.head.ready_index = journal.chain.head.ready_id = 0;
  journal.WriteHead();
  journal.directory.Remove(5);
  CHECK(Misfits(journal.Read()).empty());
  // Or after it.
  journal.chain.segment(4).Link(0x5555, 2);
  journal.directory.Write(4, journal.chain.segment(4));
  CHECK(Misfits(journal.Read()).empty());
  journal.chain.segment(4).Link(0x6666, 3);
  journal.directory.Write(4, journal.chain.segment(4));
  const Layout layout = journal.Read();
  CHECK(Misfits(layout) == Indices{4});
  CHECK(Says(At(layout, 4), "written on elsewhere"));
}

TEST_CASE("the newer valid link mark is a segment's link; a damaged one leaves the one before") {
  Journal journal;
  journal.chain.Relink(2, 0x2222);
  journal.chain.segment(2).Link(0x2223, 2);
  journal.chain.segment(3).Predecessor(0x2223);
  journal.Write();
  CHECK(Misfits(journal.Read()).empty());
  CHECK(At(journal.Read(), 2).link.link == 0x2223);
  journal.chain.segment(2).FlipBit(1024 + 9, 0);
  journal.Write();
  const Layout layout = journal.Read();
  CHECK(At(layout, 2).link.link == 0x2222);
  CHECK(At(layout, 2).link.damaged);
  CHECK(Misfits(layout) == Indices{2});
  CHECK(Says(At(layout, 2), "its link is damaged"));
}

TEST_CASE("a damaged link mark that is not needed does not count as damage") {
  Journal journal;
  journal.chain.segment(2).bytes()[1024] = 1;
  journal.Write();
  CHECK(At(journal.Read(), 2).link.damaged);
  CHECK(Misfits(journal.Read()).empty());
}

TEST_CASE("the segment before one that does not belong is not checked against it") {
  Journal journal;
  journal.chain.segment(3) = JournalImage(65536, 0x31, 3);
  journal.chain.segment(3).Predecessor(0x1234).Entry(
      11);  // continues neither, is continued by none
  journal.Write();
  CHECK(Misfits(journal.Read()) == Indices{3});
}

TEST_CASE("an old head record does not hide that the journal went on") {
  Journal journal;
  SUBCASE("entries in a segment above its last one") {
    journal.chain.head.newest_index = 2;
    journal.chain.head.newest_id = journal.chain.head.newest_link = Chain::IdOf(2);
    journal.chain.head.ready_index = 3;
    journal.chain.head.ready_id = Chain::IdOf(3);
    journal.WriteHead();
    const Layout layout = journal.Read();
    CHECK(Misfits(layout) == Indices{4});
    CHECK(Says(At(layout, 4), "the head record ends at segment 3"));
  }
  SUBCASE("a newest segment that was opened again since") {
    journal.chain.segment(4).Link(0x4444);
    journal.directory.Write(4, journal.chain.segment(4));
    CHECK(Misfits(journal.Read()) == Indices{4});
  }
}

TEST_CASE("a head record of another journal is damage, and the segments say which journal it is") {
  Journal journal;
  HeadImage image;
  image.Slot(journal.chain.head).Put64(32, 0x1234);
  journal.directory.Write(image.Seal(0));
  const Layout layout = journal.Read();
  CHECK(layout.damage.find("belongs to another journal") != std::string::npos);
  CHECK(layout.journal_id == JournalId{0xaaaa, 0xbbbb});
  CHECK_FALSE(layout.head.valid);
  CHECK(Misfits(layout).empty());
}

TEST_CASE("segments of version 2 without a head record, or with a damaged one, are damage") {
  Journal journal;
  SUBCASE("missing") {
    journal.directory.Remove("/d/HEAD");
    const Layout layout = journal.Read();
    CHECK(layout.damage.find("/d/HEAD is missing") != std::string::npos);
    CHECK(Misfits(layout).empty());
  }
  SUBCASE("damaged") {
    journal.directory.Write("/d/HEAD", std::vector<uint8_t>(8192, 0x55));
    const Layout layout = journal.Read();
    CHECK(layout.damage.find("does not verify") != std::string::npos);
    CHECK(Misfits(layout).empty());
    CHECK(layout.journal_id == JournalId{0xaaaa, 0xbbbb});
  }
  SUBCASE("one of version 2 is enough") {
    journal.directory.Remove("/d/HEAD");
    for (uint64_t index = 1; index <= 4; ++index) {
      JournalImage old(65536, Chain::IdOf(index), index);
      old.Entry((index - 1) * 5 + 1);
      journal.directory.Write(index, old);
    }
    CHECK_FALSE(journal.Read().damage.empty());
    journal.directory.Remove(5);
    CHECK(journal.Read().damage.empty());
  }
  SUBCASE("a head record that is damaged is damage without any segment too") {
    DirectoryImage empty;
    empty.Write("/d/HEAD", std::vector<uint8_t>(8192));
    CHECK_FALSE(LayoutOf(empty).damage.empty());
  }
}

TEST_CASE("an empty segment above the last index was made and not yet named") {
  Journal journal;
  JournalImage unnamed(65536, 0x600, 6);
  unnamed.Predecessor(Chain::IdOf(5));
  journal.directory.Write(6, unnamed);
  CHECK(Misfits(journal.Read()).empty());
  CHECK(journal.Read().segments.size() == 6);

  // What it names does not count: a crash may have left it from before the last open.
  unnamed.Predecessor(0x9999);
  journal.directory.Write(6, unnamed);
  CHECK(Misfits(journal.Read()).empty());

  unnamed.Entry(21);
  journal.directory.Write(6, unnamed);
  const Layout layout = journal.Read();
  CHECK(Misfits(layout) == Indices{6});
  CHECK(Says(At(layout, 6), "holds entries"));
}

TEST_CASE("bytes that are not an entry are damage too in a segment above the last index") {
  Journal journal;
  JournalImage unnamed(65536, 0x600, 6);
  unnamed.Predecessor(Chain::IdOf(5)).bytes()[4096 + 63] = 1;
  journal.directory.Write(6, unnamed);
  CHECK(Misfits(journal.Read()) == Indices{6});
}

TEST_CASE("a directory whose first segment was made and not yet named has no damage") {
  DirectoryImage directory;
  HeadImage image;
  directory.Write(image.Slot({}));
  JournalImage first(65536, 0x1, 1);
  directory.Write(1, first.Predecessor(0));
  CHECK(Misfits(LayoutOf(directory)).empty());
  CHECK(LayoutOf(directory).damage.empty());
  first.Entry(1);
  directory.Write(1, first);
  CHECK(Misfits(LayoutOf(directory)) == Indices{1});
}

TEST_CASE("files below the oldest segment are left over from a compaction, whatever they hold") {
  Journal journal;
  journal.chain.head.oldest_index = 3;
  journal.chain.head.oldest_id = Chain::IdOf(3);
  journal.chain.segment(1).FlipBit(60, 1);
  journal.Write();
  const Layout layout = journal.Read();
  CHECK(Misfits(layout).empty());
  CHECK(layout.damage.empty());
  REQUIRE(layout.segments.size() == 3);
  CHECK(layout.segments.front().file.index == 3);
  REQUIRE(layout.leftovers.size() == 2);
  CHECK(layout.leftovers[0].file.index == 1);
  CHECK_FALSE(layout.leftovers[0].header_valid);
  CHECK(layout.leftovers[1].first_sequence == 6);
  // Even if one of them is gone already.
  journal.directory.Remove(2);
  CHECK(Misfits(journal.Read()).empty());
}

TEST_CASE("the id of a journal is its head record's, even if most segments have another") {
  Journal journal;
  for (const uint64_t index : {1u, 2u, 3u}) {
    JournalImage foreign(65536, 0x70 + index, index);
    foreign.Journal(1, 2).Predecessor(0);
    journal.directory.Write(index, foreign);
  }
  const Layout layout = journal.Read();
  CHECK(layout.journal_id == JournalId{0xaaaa, 0xbbbb});
  CHECK(Misfits(layout) == Indices{1, 2, 3});
}

// A directory of version 1; segment i has the id journal_ids[i].
struct OldJournal {
  DirectoryImage directory;

  explicit OldJournal(const std::vector<uint64_t>& journal_ids) {
    for (uint64_t index = 1; index <= journal_ids.size(); ++index) {
      JournalImage segment(65536, 0x10 + index, index);
      segment.Journal(journal_ids[index - 1], 0).Entry(index);
      directory.Write(index, segment);
    }
  }
  Layout Read() { return LayoutOf(directory); }
};

TEST_CASE("in a directory of version 1 the indices have no gap") {
  OldJournal journal({7, 7, 7, 7});
  CHECK(Misfits(journal.Read()).empty());
  CHECK(journal.Read().damage.empty());
  journal.directory.Remove(3);
  CHECK(Misfits(journal.Read()) == Indices{3});
  // Nothing tells that the first or the last one is missing.
  journal.directory.Remove(1);
  journal.directory.Remove(4);
  CHECK(Misfits(journal.Read()).empty());
}

TEST_CASE("in a directory of version 1 the id counts that most segments have") {
  OldJournal most({7, 8, 8, 8, 9});
  CHECK(most.Read().journal_id.low == 8);
  CHECK(Misfits(most.Read()) == Indices{1, 5});
  OldJournal tie({7, 7, 8, 8});
  CHECK(tie.Read().journal_id.low == 8);
  CHECK(Misfits(tie.Read()) == Indices{1, 2});
}

TEST_CASE("a directory of version 1 that goes on in version 2 has a head record and one link") {
  OldJournal journal({0xaaaa, 0xaaaa});
  for (const uint64_t index : {1u, 2u}) {
    JournalImage segment(65536, 0x10 + index, index);
    segment.Entry(index);
    if (index == 2) segment.Link(0x2222);
    journal.directory.Write(index, segment);
  }
  JournalImage third(65536, 0x13, 3);
  third.Predecessor(0x2222).Entry(3);
  journal.directory.Write(3, third);
  HeadImage image;
  journal.directory.Write(image.Slot({.oldest_index = 1,
                                      .oldest_id = 0x11,
                                      .newest_index = 3,
                                      .newest_id = 0x13,
                                      .newest_link = 0x13}));
  CHECK(Misfits(journal.Read()).empty());
  CHECK(journal.Read().damage.empty());
  journal.directory.Remove(2);
  CHECK(Misfits(journal.Read()) == Indices{2});
}

TEST_CASE("a segment of another kind, a newer one, and a newer head record are refused") {
  Journal journal;
  Layout layout;
  const auto code = [&] {
    return ReadLayout(&journal.directory.files(), "/d", false, &layout).code();
  };
  JournalImage changed = journal.chain.segment(2);
  std::fill_n(changed.bytes().begin(), 8, uint8_t{'X'});
  journal.directory.Write(2, changed);
  CHECK(code() == Code::kNotOurFile);
  changed = journal.chain.segment(2);
  changed.bytes()[8] = 3;
  changed.SealHeader();
  journal.directory.Write(2, changed);
  CHECK(code() == Code::kNewerVersion);
  changed = journal.chain.segment(2);
  changed.bytes()[16] = 0x80;
  changed.SealHeader();
  journal.directory.Write(2, changed);
  CHECK(code() == Code::kUnknownFeature);
  journal.Write();
  HeadImage head;
  head.Slot(journal.chain.head).Put16(8, 3);
  journal.directory.Write(head.Seal(0));
  CHECK(code() == Code::kNewerVersion);
}

TEST_CASE("a journal directory on its own is read without a head record") {
  Journal journal;
  Layout layout;
  REQUIRE(ReadSegments(&journal.directory.files(), "/d/journal", &layout).ok());
  CHECK(Misfits(layout).empty());
  CHECK(layout.damage.empty());
  CHECK_FALSE(layout.head.exists);
  CHECK(layout.segments.size() == 5);
}

}  // namespace
}  // namespace pinnacle
