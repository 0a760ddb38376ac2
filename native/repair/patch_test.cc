#include "repair/patch.h"

#include <cerrno>

#include "doctest.h"
#include "test/repaired_directory.h"

namespace pinnacle {
namespace {

uint64_t Line(uint64_t number) { return 4096 + number * 64; }

// A segment with ten entries of one line and a mark, and the facts about it in the layout.
struct Source {
  DirectoryImage directory;
  JournalImage image{65536, Chain::IdOf(7), 7};

  Source() {
    image.Predecessor(0x6666);
    for (uint64_t sequence = 31; sequence <= 40; ++sequence) image.Entry(sequence, 32, 0, 0x77);
    image.Mark(40);
    image.bytes()[65535] = 9;  // something at the very end
    directory.Write(7, image);
  }
  SegmentPlan Plan() {
    Layout layout;
    REQUIRE(ReadSegments(&directory.files(), "/d/journal", &layout).ok());
    SegmentPlan plan;
    plan.facts = layout.segments.at(0);
    plan.segment_bytes = 65536;
    plan.segment_id = image.id();
    plan.link = image.id();
    plan.predecessor_link = 0x6666;
    plan.first_sequence = 31;
    plan.next_sequence = 41;
    plan.end_offset = Line(10);
    return plan;
  }
  Status Write(const SegmentPlan& plan, uint64_t snapshot = 0) {
    return WriteSegment(directory.environment(), {0xaaaa, 0xbbbb}, plan, snapshot, kPath);
  }
  std::vector<uint8_t> Written() { return directory.Read(kPath); }

  static constexpr char kPath[] = "/d/journal/written";
};

// [begin, end) is the same in both.
bool Same(const std::vector<uint8_t>& left, const std::vector<uint8_t>& right, uint64_t begin,
          uint64_t end) {
  return std::equal(left.begin() + static_cast<long>(begin), left.begin() + static_cast<long>(end),
                    right.begin() + static_cast<long>(begin));
}

bool Zero(const std::vector<uint8_t>& bytes, uint64_t begin, uint64_t end) {
  return std::all_of(bytes.begin() + static_cast<long>(begin),
                     bytes.begin() + static_cast<long>(end),
                     [](uint8_t byte) { return byte == 0; });
}

TEST_CASE("a patched segment keeps its bytes in place and has new ones in the fillers only") {
  Source source;
  SegmentPlan plan = source.Plan();
  plan.fillers = {{Line(2), Line(5), 33, 35, 2}, {Line(7), Line(8), 38, 38, 0}};
  plan.cut_offset = Line(10);
  REQUIRE(source.Write(plan, 33).ok());
  const std::vector<uint8_t> written = source.Written();
  REQUIRE(written.size() == 65536);
  CHECK(Same(written, source.image.bytes(), Line(0), Line(2)));
  CHECK(Same(written, source.image.bytes(), Line(5), Line(7)));
  CHECK(Same(written, source.image.bytes(), Line(8), Line(10)));
  CHECK(Zero(written, Line(10), 65536));
  // The holes as the format describes them.
  JournalImage expected(65536, source.image.id(), 7);
  expected.Skip(2 * 64);
  const uint64_t first = expected.Hole(33, 35, 33, 2, 3 * 64 - 32);
  expected.Skip(2 * 64);
  const uint64_t second = expected.Hole(38, 38, 0, 0, 32);
  for (const auto& [begin, end] : {std::pair(first, Line(5)), std::pair(second, Line(8))}) {
    CHECK(Same(written, expected.bytes(), begin, begin + 16));    // all but the time
    CHECK(Same(written, expected.bytes(), begin + 24, end - 4));  // and the checksum over it
  }
  CHECK(source.directory.Read(source.directory.SegmentPath(7)) == source.image.bytes());
}

TEST_CASE("without a cut everything after the last filler is kept") {
  Source source;
  SegmentPlan plan = source.Plan();
  plan.fillers = {{Line(0), Line(1), 31, 31, 0}};
  REQUIRE(source.Write(plan).ok());
  CHECK(Same(source.Written(), source.image.bytes(), Line(1), 65536));
}

TEST_CASE("a patched segment has its header, its link, and no frontier marks") {
  Source source;
  source.image.Link(0x7001, 1).Link(0x7002, 2);
  source.directory.Write(7, source.image);
  SegmentPlan plan = source.Plan();
  REQUIRE(plan.facts.link.link == 0x7002);
  SUBCASE("the link it had") { plan.link = 0x7002; }
  SUBCASE("the link that the next segment names") {
    plan.link = 0x8888;
    plan.relinked = true;
  }
  REQUIRE(source.Write(plan).ok());
  const std::vector<uint8_t> written = source.Written();
  SegmentHeader header;
  std::memcpy(&header, written.data(), sizeof(header));
  CHECK(CheckSegmentHeader(header, {7, "written"}).ok());
  CHECK(header.segment_id == source.image.id());
  CHECK(header.predecessor_link == 0x6666);
  CHECK(ReadLink(written, header).link == plan.link);
  CHECK_FALSE(ReadLink(written, header).damaged);
  CHECK(ReadLink(written, header).counter == (plan.relinked ? 3 : 2));
  uint64_t counter = 0;
  CHECK(ReadFrontierMarks(written, SeedOfSegment(header.segment_id), &counter) == 0);
}

TEST_CASE("a segment that is made from nothing has a header, its holes and zeros") {
  Source source;
  SegmentPlan plan;
  plan.facts.missing = true;
  plan.facts.file = {8, source.directory.SegmentPath(8)};
  plan.segment_bytes = 65536;
  plan.segment_id = plan.link = 0x4242;
  plan.predecessor_link = 0x4141;
  plan.fillers = {{Line(0), Line(1), 41, 50, 0}};
  plan.first_sequence = 41;
  plan.next_sequence = 51;
  plan.end_offset = plan.cut_offset = Line(1);
  REQUIRE(source.Write(plan).ok());
  const std::vector<uint8_t> written = source.Written();
  CHECK(Zero(written, Line(1), 65536));
  SegmentHeader header;
  std::memcpy(&header, written.data(), sizeof(header));
  CHECK(CheckSegmentHeader(header, {8, "written"}).ok());
  CHECK(header.segment_id == 0x4242);
  CHECK(header.predecessor_link == 0x4141);
  CHECK(header.segment_bytes == 65536);
}

TEST_CASE("a segment file that is too short is written in full length") {
  Source source;
  std::vector<uint8_t> shorter = source.image.bytes();
  shorter.resize(Line(8) + 10);
  source.directory.Write(source.directory.SegmentPath(7), shorter);
  SegmentPlan plan = source.Plan();
  plan.next_sequence = 39;
  plan.end_offset = plan.cut_offset = Line(8);
  REQUIRE(source.Write(plan).ok());
  CHECK(source.Written().size() == 65536);
  CHECK(Same(source.Written(), source.image.bytes(), Line(0), Line(8)));
}

TEST_CASE("a patched segment is durable when it is written") {
  Source source;
  SegmentPlan plan = source.Plan();
  plan.fillers = {{Line(2), Line(5), 33, 35, 0}};
  REQUIRE(source.Write(plan).ok());
  REQUIRE(source.directory.files().SyncDirectory("/d/journal").ok());
  DeterministicRandom random(1);
  const DiskImage disk =
      source.directory.files().PowerCut(random, {.unsynced = PowerCutOptions::Unsynced::kNothing});
  CHECK(disk.files.at(Source::kPath).Bytes() == source.Written());
}

TEST_CASE("a segment that reads back differently is an error") {
  Source source;
  SUBCASE("a plan that the bytes do not match") {
    SegmentPlan plan = source.Plan();
    plan.fillers = {{Line(2), Line(5), 33, 36, 0}};  // entry 36 follows it
    const Status status = source.Write(plan);
    CHECK(status.code() == Code::kIo);
    CHECK(status.message().find("reads back differently") != std::string::npos);
  }
  SUBCASE("a device that loses acknowledged writes") {
    source.directory.files().faults().Add(
        {.kind = CallKind::kSync, .fault = Fault::Lying(Fault::Device::kLosePage)});
    SegmentPlan plan = source.Plan();
    plan.cut_offset = plan.end_offset;
    CHECK_FALSE(source.Write(plan).ok());
  }
  SUBCASE("a full disk") {
    source.directory.files().set_capacity(65536 + 1000);
    CHECK(source.Write(source.Plan()).code() == Code::kNoSpace);
  }
}

// --- links ---

class CountingRandom final : public RandomSource {
 public:
  uint64_t NextU64() override { return next_++; }

 private:
  uint64_t next_ = 0;  // 0 is not an id
};

SegmentPlan PlanWith(uint64_t id, uint64_t link, uint64_t predecessor, uint16_t version = 2) {
  SegmentPlan plan;
  plan.facts.header.version = version;
  plan.facts.header.segment_id = id;
  plan.facts.header.predecessor_link = predecessor;
  plan.facts.link.link = link;
  return plan;
}

SegmentPlan Missing() {
  SegmentPlan plan;
  plan.facts.missing = true;
  plan.facts.header.predecessor_link = 0x5555;  // of the old file; ignored
  return plan;
}

std::vector<SegmentPlan> Assigned(std::vector<SegmentPlan> plans) {
  CountingRandom random;
  AssignLinks(&random, &plans);
  for (size_t i = 1; i < plans.size(); ++i) {
    if (plans[i].predecessor_link != 0) CHECK(plans[i].predecessor_link == plans[i - 1].link);
  }
  return plans;
}

TEST_CASE("segments that continue each other keep their ids and links") {
  for (const SegmentPlan& plan :
       Assigned({PlanWith(1, 1, 0), PlanWith(2, 22, 1), PlanWith(3, 3, 22)})) {
    CHECK_FALSE(plan.relinked);
    CHECK(plan.link == plan.facts.link.link);
    CHECK(plan.segment_id == plan.facts.header.segment_id);
  }
}

TEST_CASE("a new segment gets the link that the next one names, and names the one before it") {
  const auto plans = Assigned({PlanWith(10, 11, 0), Missing(), PlanWith(30, 30, 29)});
  CHECK(plans[1].segment_id == 29);
  CHECK(plans[1].link == 29);
  CHECK(plans[1].predecessor_link == 11);
  CHECK_FALSE(plans[0].relinked);
}

TEST_CASE("new segments in a row, first and last ones get ids of their own, never 0") {
  const auto plans = Assigned({Missing(), Missing(), PlanWith(30, 30, 29), Missing()});
  CHECK(plans[0].predecessor_link == 0);
  CHECK(plans[0].segment_id != 0);
  CHECK(plans[1].segment_id == 29);
  CHECK(plans[1].predecessor_link == plans[0].link);
  CHECK(plans[3].predecessor_link == 30);
  CHECK(plans[3].segment_id != 0);
  CHECK(plans[3].segment_id != plans[0].segment_id);
}

TEST_CASE("a segment with another link than the next one names is given that one") {
  const auto plans = Assigned({PlanWith(10, 10, 0), PlanWith(20, 20, 9)});
  CHECK(plans[0].relinked);
  CHECK(plans[0].changes());
  CHECK(plans[0].link == 9);
  CHECK(plans[0].segment_id == 10);
  CHECK_FALSE(plans[1].relinked);
}

TEST_CASE("segments of version 1 name nothing until they are written again") {
  const auto plans = Assigned({PlanWith(10, 10, 0, 1), PlanWith(20, 20, 0, 1)});
  CHECK_FALSE(plans[0].relinked);
  CHECK(plans[1].predecessor_link == 10);  // if it is rewritten
}

}  // namespace
}  // namespace pinnacle
