// What a reader gets if the oldest segment that compaction has left is empty.
#include "doctest.h"
#include "journal/reader.h"
#include "test/directory_image.h"

namespace pinnacle {
namespace {

// Segment 1 was compacted away with the entries up to 13; the entry that opened segment 2 did not
// survive a power cut.
struct Compacted {
  JournalImage segment{65536, Chain::IdOf(2), 2};
  DirectoryImage directory;

  Compacted() { segment.Predecessor(Chain::IdOf(1)); }
  Status Read(uint64_t from) {
    directory.Write(2, segment);
    HeadImage head;
    directory.Write(head.Slot({.oldest_index = 2,
                               .oldest_id = Chain::IdOf(2),
                               .newest_index = 2,
                               .newest_id = Chain::IdOf(2),
                               .newest_link = Chain::IdOf(2),
                               .durable = 13}));
    std::unique_ptr<JournalReader> reader;
    PINNACLE_RETURN_IF_ERROR(JournalReader::Open(&directory.files(), "/d/journal", from, &reader));
    std::vector<uint8_t> out;
    return reader->Read(4096, &out);
  }
};

TEST_CASE("what lies before an empty oldest segment is out of reach, not damaged") {
  CHECK(Compacted().Read(1).code() == Code::kOutOfReach);
  CHECK(Compacted().Read(13).code() == Code::kOutOfReach);
  CHECK(Compacted().Read(14).ok());  // it comes when it comes
}

TEST_CASE("something left after the first line of the oldest segment is damage") {
  Compacted compacted;
  compacted.segment.Skip(64);
  compacted.segment.Entry(15);
  CHECK(compacted.Read(5).code() == Code::kCorrupt);
}

}  // namespace
}  // namespace pinnacle
