#include "repair/trust.h"

#include <set>

#include "doctest.h"
#include "test/directory_image.h"

namespace pinnacle {
namespace {

// Four segments with five entries each, and a fifth prepared one.
struct Journal {
  Chain chain{4, 5};
  DirectoryImage directory;

  Journal() { Write(); }
  void Write() { chain.Write(&directory); }
  void Write(uint64_t index) { directory.Write(index, chain.segment(index)); }

  // The indices of the untrusted segments.
  std::set<uint64_t> Untrusted() {
    Layout layout;
    REQUIRE(ReadLayout(&directory.files(), directory.path(), false, &layout).ok());
    const std::vector<bool> trusted = TrustedSegments(layout);
    REQUIRE(trusted.size() == layout.segments.size());
    std::set<uint64_t> indices;
    for (size_t i = 0; i < trusted.size(); ++i) {
      if (!trusted[i]) indices.insert(layout.segments[i].file.index);
    }
    return indices;
  }
};

using Indices = std::set<uint64_t>;

// A copy of the directory that was opened in segment `at` and appended to from there to the end.
Chain CopyWrittenOn(uint64_t at) {
  Chain copy(4, 5);
  copy.Relink(at, 0x5151);
  for (uint64_t index = at + 1; index <= 5; ++index) {
    JournalImage segment(65536, 0xc0b0 + index, index);
    segment.Predecessor(index == at + 1 ? 0x5151 : 0xc0b0 + index - 1);
    if (index < 5) segment.Entry((index - 1) * 5 + 1);
    copy.segment(index) = segment;
  }
  return copy;
}

TEST_CASE("all segments of an intact journal are trusted") {
  Journal journal;
  CHECK(journal.Untrusted().empty());
  journal.chain.Relink(2, 0x22);
  journal.chain.Relink(4, 0x44);
  journal.Write();
  CHECK(journal.Untrusted().empty());
}

TEST_CASE("a segment that is missing, damaged or foreign is not trusted; those around it are") {
  for (uint64_t index = 1; index <= 5; ++index) {
    Journal missing;
    missing.directory.Remove(index);
    CHECK(missing.Untrusted() == Indices{index});
    Journal damaged;
    damaged.chain.segment(index).FlipBit(60, 1);
    damaged.Write();
    CHECK(damaged.Untrusted() == Indices{index});
    Journal foreign;
    foreign.chain.segment(index).Journal(1, 2);
    foreign.Write();
    CHECK(foreign.Untrusted() == Indices{index});
  }
}

TEST_CASE("damaged entries do not make a segment less trusted") {
  Journal journal;
  journal.chain.segment(2).Zero(4096, 64);
  journal.chain.segment(3).FlipBit(4096 + 100, 1);
  journal.Write();
  CHECK(journal.Untrusted().empty());
}

// All segments of the copy, from the one it was opened in: there is only one contradiction, at the
// upper end. If the next segment contradicts them, only the last one is rejected: a backup of that
// one looks the same. If the head record names another segment there, everything that leads up to
// it is rejected, down to one that the record names: which of them are the copy's can't be known,
// and nothing of a copy may be read.
TEST_CASE("where a copy's segments lead up to a contradiction, the one that it is found at goes") {
  for (uint64_t fork = 1; fork <= 4; ++fork) {
    Chain copy = CopyWrittenOn(fork);
    for (uint64_t last = fork; last <= 5; ++last) {
      Journal journal;
      for (uint64_t index = fork; index <= last; ++index) {
        journal.directory.Write(index, copy.segment(index));
      }
      CAPTURE(fork);
      CAPTURE(last);
      Indices gone{last};
      // (The head record names segments 4 and 5, and does not say how far the oldest goes.)
      for (uint64_t index = fork < 4 ? 1 : 4; last >= 4 && index < last; ++index) {
        gone.insert(index);
      }
      CHECK(journal.Untrusted() == gone);
    }
  }
}

TEST_CASE("between ours, all segments that a copy made are rejected") {
  Chain copy = CopyWrittenOn(1);
  for (uint64_t last = 2; last <= 5; ++last) {
    Journal journal;
    Indices from_copy;
    for (uint64_t index = 2; index <= last; ++index) {
      journal.directory.Write(index, copy.segment(index));
      from_copy.insert(index);
    }
    CAPTURE(last);
    CHECK(journal.Untrusted() == from_copy);
  }
}

TEST_CASE("a single segment of a copy is rejected, and those around it stay") {
  Chain copy = CopyWrittenOn(1);
  for (uint64_t index = 2; index <= 5; ++index) {
    Journal journal;
    journal.directory.Write(index, copy.segment(index));
    CAPTURE(index);
    CHECK(journal.Untrusted() == Indices{index});
  }
}

TEST_CASE("a newest segment that was opened elsewhere is not trusted, nor is the one after it") {
  Journal journal;
  journal.chain.segment(4).Link(0x4444);
  journal.chain.segment(5).Predecessor(0x4444);
  journal.Write();
  CHECK(journal.Untrusted() == Indices{4, 5});
  // Unless the record allows that link.
  journal.chain.head.newest_link_before = 0x4444;
  journal.Write();
  CHECK(journal.Untrusted().empty());
}

TEST_CASE("a link that can't be read is damage, not another copy") {
  Journal journal;
  journal.chain.Relink(2, 0x22);
  journal.chain.Relink(4, 0x44);
  journal.chain.segment(2).FlipBit(1536 + 8, 2);
  journal.chain.segment(4).FlipBit(1536 + 8, 2);
  journal.Write();
  CHECK(journal.Untrusted().empty());
}

TEST_CASE("a segment after the last one is trusted if it continues a trusted one") {
  Journal journal;
  JournalImage sixth(65536, 0x600, 6);
  sixth.Predecessor(Chain::IdOf(5)).Entry(21);
  journal.directory.Write(6, sixth);
  CHECK(journal.Untrusted().empty());
  sixth.Predecessor(0x777);
  journal.directory.Write(6, sixth);
  CHECK(journal.Untrusted() == Indices{6});
  // An old head record: the later segments are ours, since the links say so.
  journal.directory.Remove(6);
  journal.chain.head.newest_index = 2;
  journal.chain.head.newest_id = journal.chain.head.newest_link = Chain::IdOf(2);
  journal.chain.head.ready_index = 3;
  journal.chain.head.ready_id = Chain::IdOf(3);
  journal.Write();
  CHECK(journal.Untrusted().empty());
  journal.directory.Remove(4);
  CHECK(journal.Untrusted() == Indices{5});
}

TEST_CASE("without a head record the links decide, and the youngest segment is right") {
  Journal journal;
  journal.directory.Remove("/d/HEAD");
  CHECK(journal.Untrusted().empty());
  Chain copy = CopyWrittenOn(1);
  journal.directory.Write(2, copy.segment(2));
  journal.directory.Write(3, copy.segment(3));
  CHECK(journal.Untrusted() == Indices{2, 3});
}

TEST_CASE("in a directory of version 1 only the journal's id decides") {
  DirectoryImage directory;
  Journal journal;
  journal.directory.Remove("/d/HEAD");
  for (uint64_t index = 1; index <= 5; ++index) {
    JournalImage old(65536, 0x10 + index, index);
    if (index == 2) old.Journal(1, 2);
    journal.directory.Write(index, old);
  }
  CHECK(journal.Untrusted() == Indices{2});
}

}  // namespace
}  // namespace pinnacle
