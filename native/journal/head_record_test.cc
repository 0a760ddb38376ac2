#include "journal/head_record.h"

#include <cerrno>
#include <cstring>

#include "doctest.h"
#include "journal/two_slots.h"
#include "test/directory_image.h"

namespace pinnacle {
namespace {

HeadFields Fields(uint64_t counter) {
  HeadFields fields;
  fields.counter = counter;
  fields.epoch = 100 + counter;
  fields.oldest_index = 1;
  fields.oldest_id = 11;
  fields.newest_index = 3;
  fields.newest_id = 33;
  fields.newest_link = 34;
  fields.ready_index = 4;
  fields.ready_id = 44;
  fields.durable = 1000 + counter;
  return fields;
}

HeadFinding Find(DirectoryImage& directory) {
  HeadFinding finding;
  const Status status = ReadHead(&directory.files(), directory.path(), &finding);
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  CHECK(finding.problem.empty() == (finding.valid || !finding.exists));
  return finding;
}

HeadFinding Find(HeadImage& image) {
  DirectoryImage directory;
  directory.Write(image);
  return Find(directory);
}

// A slot's bytes changed at `offset` and sealed again.
HeadFinding FindChanged(uint64_t offset, uint64_t value) {
  HeadImage image;
  image.Slot(Fields(2));
  image.Put64(offset, value);
  return Find(image.Seal(0));
}

TEST_CASE("a directory without a head record has none, and the record is not damaged") {
  DirectoryImage directory;
  const HeadFinding finding = Find(directory);
  CHECK_FALSE(finding.exists);
  CHECK_FALSE(finding.valid);
}

TEST_CASE("of two good slots of a head record the one with the higher counter counts") {
  for (const uint64_t newer : {7u, 8u}) {
    HeadImage image;
    const HeadFinding finding = Find(image.Slot(Fields(newer)).Slot(Fields(newer - 1)));
    REQUIRE(finding.valid);
    CHECK(finding.record.counter == newer);
    CHECK(finding.record.epoch == 100 + newer);
    CHECK(finding.record.oldest_index == 1);
    CHECK(finding.record.newest_link == 34);
    CHECK(finding.record.ready_id == 44);
    CHECK(finding.record.durable_sequence == 1000 + newer);
    CHECK(JournalIdOf(finding.record) == JournalId{0xaaaa, 0xbbbb});
  }
}

TEST_CASE("a head record whose newer slot is torn at any sector or byte is the older one") {
  const std::vector<uint8_t> before = HeadImage().Slot(Fields(2)).Slot(Fields(3)).bytes();
  const std::vector<uint8_t> after = HeadImage().Slot(Fields(4)).Slot(Fields(3)).bytes();
  for (size_t torn_at = 0; torn_at <= 256; ++torn_at) {
    DirectoryImage directory;
    std::vector<uint8_t> bytes = before;
    std::copy_n(after.begin(), torn_at, bytes.begin());
    directory.Write("/d/HEAD", bytes);
    const HeadFinding finding = Find(directory);
    REQUIRE(finding.valid);
    // (What differs ends before the reserved fields, so most of a slot is enough for all of it.)
    CHECK(finding.record.counter == (bytes == after ? 4 : 3));
  }
}

TEST_CASE("any flipped bit of a head record's slot leaves the other slot, and of both is damage") {
  for (uint64_t position = 0; position < 256; ++position) {
    HeadImage image;
    image.Slot(Fields(4)).Slot(Fields(3));
    image.bytes()[position] ^= static_cast<uint8_t>(1 << position % 8);
    CAPTURE(position);
    CHECK(Find(image).record.counter == 3);
    image.bytes()[4096 + position] ^= 0x80;
    const HeadFinding damaged = Find(image);
    CHECK(damaged.exists);
    CHECK_FALSE(damaged.valid);
    CHECK(damaged.problem.find("/d/HEAD") != std::string::npos);
  }
}

TEST_CASE("an empty head record, one that is too short and one of zeros do not verify") {
  for (const size_t bytes : {0u, 100u, 255u, 4096u, 8192u}) {
    DirectoryImage directory;
    directory.Write("/d/HEAD", std::vector<uint8_t>(bytes));
    const HeadFinding finding = Find(directory);
    CHECK(finding.exists);
    CHECK_FALSE(finding.valid);
  }
  // The first slot is enough.
  DirectoryImage directory;
  std::vector<uint8_t> bytes = HeadImage().Slot(Fields(2)).bytes();
  bytes.resize(256);
  directory.Write("/d/HEAD", bytes);
  CHECK(Find(directory).valid);
}

TEST_CASE("a slot of a head record that is not at the place of its counter says nothing") {
  HeadImage swapped;
  CHECK_FALSE(Find(swapped.SlotAt(4096, Fields(2)).SlotAt(0, Fields(3))).valid);
  HeadImage copied;
  CHECK(Find(copied.Slot(Fields(3)).SlotAt(0, Fields(5))).record.counter == 3);
}

TEST_CASE("a head record with a reserved field that is not zero does not verify") {
  REQUIRE(FindChanged(136, 5).valid);  // the time is free
  for (uint64_t offset = 144; offset < 256; offset += 8) {
    CAPTURE(offset);
    CHECK_FALSE(FindChanged(offset, uint64_t{1} << (offset % 64)).valid);
  }
}

TEST_CASE("a head record with indices that contradict each other does not verify") {
  CHECK_FALSE(FindChanged(48, 0).valid);  // the counter
  CHECK_FALSE(FindChanged(64, 5).valid);  // oldest above the last one
  CHECK_FALSE(FindChanged(64, 0).valid);  // no oldest, but a newest one
  CHECK_FALSE(FindChanged(64, 4).valid);  // oldest above the newest
  CHECK_FALSE(FindChanged(80, 4).valid);  // ready is not above the newest
  CHECK(FindChanged(112, 0).valid);
  CHECK_FALSE(FindChanged(112, 3).valid);
  HeadImage empty;
  CHECK(Find(empty.Slot({})).valid);  // no segment yet
  HeadImage first;
  CHECK(
      Find(first.Slot({.oldest_index = 1, .oldest_id = 7, .ready_index = 1, .ready_id = 7})).valid);
}

TEST_CASE("a head record of version 1 or of another length never existed") {
  for (const uint16_t version : {0, 1}) {
    HeadImage image;
    image.Slot(Fields(2)).Put16(8, version);
    CHECK_FALSE(Find(image.Seal(0)).valid);
  }
  HeadImage image;
  image.Slot(Fields(2)).Put16(10, 255);
  CHECK_FALSE(Find(image.Seal(0)).valid);
}

TEST_CASE("a newer head record and one that needs an unknown feature are refused, damage is not") {
  HeadFinding finding;
  DirectoryImage directory;
  const auto read = [&](HeadImage& image) {
    directory.Write(image);
    return ReadHead(&directory.files(), directory.path(), &finding);
  };
  HeadImage newer;
  newer.Slot(Fields(2)).Slot(Fields(3)).Put16(8, 3);
  CHECK(read(newer).ok());  // does not match its checksum: a flipped bit
  CHECK(finding.record.counter == 3);
  const Status status = read(newer.Seal(0));
  CHECK(status.code() == Code::kNewerVersion);
  CHECK(status.message().find("version 3") != std::string::npos);

  HeadImage feature;
  feature.Slot(Fields(2)).Slot(Fields(3)).Put64(4096 + 16, 16);
  CHECK(read(feature).ok());
  CHECK(finding.record.counter == 2);
  CHECK(read(feature.Seal(4096)).code() == Code::kUnknownFeature);

  HeadImage optional;
  optional.Slot(Fields(2)).Put64(24, 0xff);
  CHECK(read(optional.Seal(0)).ok());
  CHECK(finding.valid);
}

TEST_CASE(
    "a head record names a window by its id and an absolute directory, or has nothing of one") {
  const auto names = [](HeadImage& image) {
    image.Put64(16, 8);
    image.Put64(144, 0x1111);
    image.Put64(160, 0x2222);
    std::memcpy(image.bytes().data() + 192, "/dev/shm", 8);
  };
  HeadImage named;
  names(named.Slot(Fields(2)));
  const HeadFinding found = Find(named.Seal(0));
  REQUIRE(found.valid);
  CHECK(NamesWindow(found.record));
  CHECK(WindowPathOf(found.record) == "/dev/shm/pinnacle-11110000000000000000000000000000.window");

  HeadImage nameless;
  names(nameless.Slot(Fields(2)));
  nameless.Put64(144, 0);
  CHECK_FALSE(Find(nameless.Seal(0)).valid);
  HeadImage relative;
  names(relative.Slot(Fields(2)));
  relative.bytes()[192] = 'd';
  CHECK_FALSE(Find(relative.Seal(0)).valid);
  HeadImage endless;
  names(endless.Slot(Fields(2)));
  std::memset(endless.bytes().data() + 193, 'x', 63);
  CHECK_FALSE(Find(endless.Seal(0)).valid);
  // Without the feature nothing of it may be there.
  for (const uint64_t offset : {144u, 160u, 192u, 248u}) {
    HeadImage stray;
    stray.Slot(Fields(2)).Put64(offset, 1);
    CHECK_FALSE(Find(stray.Seal(0)).valid);
  }
}

// Independent of reader and writer, from docs/format.md.
constexpr uint8_t kVector[192] = {
    0x50, 0x49, 0x4e, 0x4e, 0x48, 0x45, 0x44, 0x0a, 0x02, 0x00, 0x00, 0x01, 0x73, 0xca, 0x20, 0x03,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10,
    0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
    0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99,
    0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, 0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe,
    0x0a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x78, 0x69, 0x5a, 0x4b, 0x3c, 0x2d, 0x1e, 0x0f,
    0x40, 0xe2, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x2a, 0x36, 0xfe, 0x9c, 0x97, 0x17,
};

HeadRecord VectorRecord() {
  HeadRecord record{};
  record.journal_id_low = 0x0807060504030201;
  record.journal_id_high = 0x100f0e0d0c0b0a09;
  record.epoch = 3;
  record.oldest_index = 4;
  record.oldest_id = 0x1122334455667788;
  record.newest_index = 9;
  record.newest_id = 0x99aabbccddeeff00;
  record.newest_link = 0x0123456789abcdef;
  record.newest_link_before = 0xfedcba9876543210;
  record.ready_index = 10;
  record.ready_id = 0x0f1e2d3c4b5a6978;
  record.durable_sequence = 123456;
  record.timestamp_ns = 1'700'000'000'000'000'000;
  return record;
}

std::vector<uint8_t> VectorFile() {
  std::vector<uint8_t> bytes(kSlotFileBytes);
  std::memcpy(bytes.data() + 4096, kVector, sizeof(kVector));
  return bytes;
}

TEST_CASE("a head record has the bytes that the format describes") {
  DirectoryImage directory;
  directory.Write("/d/HEAD", VectorFile());
  const HeadFinding finding = Find(directory);
  REQUIRE(finding.valid);
  CHECK(finding.record.counter == 7);
  CHECK(std::memcmp(&finding.record, kVector, sizeof(kVector)) == 0);

  // The writer makes the same bytes of the same values.
  HeadRecord record = VectorRecord();
  record.counter = 5;
  std::vector<uint8_t> bytes(kSlotFileBytes);
  EncodeHeadFile(record, bytes);
  std::fill_n(bytes.begin(), 256, uint8_t{0});  // the slot of counter 6
  CHECK(bytes == VectorFile());
}

struct OpenHead {
  DirectoryImage directory;
  std::unique_ptr<HeadFile> file;

  void Open() {
    HeadFinding found = Find(directory);
    if (!found.exists) found.record = VectorRecord();
    const Status status = HeadFile::Open(&directory.files(), directory.path(), found, &file);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
  }
  Status Write(uint64_t durable) {
    HeadRecord record = file->record();
    record.durable_sequence = durable;
    return file->Write(record);
  }
  // What a power cut now leaves of it.
  HeadFinding FindAfterPowerCut(PowerCutOptions::Unsynced unsynced) {
    DeterministicRandom random(3);
    SimulatedFileSystem files(1, directory.files().PowerCut(random, {.unsynced = unsynced}));
    HeadFinding finding;
    REQUIRE(ReadHead(&files, directory.path(), &finding).ok());
    return finding;
  }
};

TEST_CASE("a new head record is whole and durable before it has its name") {
  OpenHead head;
  head.directory.Write("/d/HEAD.tmp", {1, 2, 3});  // of an attempt that was cut off
  head.directory.files().StartRecording();
  head.Open();
  DeterministicRandom random(9);
  const size_t steps = head.directory.files().steps().size();
  for (size_t step = 0; step < steps; ++step) {
    for (int outcome = 0; outcome < 20; ++outcome) {
      SimulatedFileSystem files(1, head.directory.files().ImageAt(step, random));
      HeadFinding finding;
      REQUIRE(ReadHead(&files, "/d", &finding).ok());
      CHECK(finding.valid == finding.exists);
    }
  }
  const HeadFinding made = head.FindAfterPowerCut(PowerCutOptions::Unsynced::kNothing);
  REQUIRE(made.valid);
  CHECK(made.record.durable_sequence == VectorRecord().durable_sequence);
  CHECK(made.record.counter == head.file->record().counter);
  CHECK_FALSE(head.directory.Has("/d/HEAD.tmp"));
}

TEST_CASE("a head record is written into its slots in turn, each write durable") {
  OpenHead head;
  head.Open();
  uint64_t counter = head.file->record().counter;
  for (uint64_t durable = 200000; durable < 200010; ++durable) {
    const std::vector<uint8_t> before = head.directory.Read("/d/HEAD");
    REQUIRE(head.Write(durable).ok());
    const std::vector<uint8_t> after = head.directory.Read("/d/HEAD");
    const long other = ++counter % 2 == 0 ? 4096 : 0;
    CHECK(std::equal(before.begin() + other, before.begin() + other + 4096, after.begin() + other));
    const HeadFinding found = head.FindAfterPowerCut(PowerCutOptions::Unsynced::kNothing);
    CHECK(found.record.counter == counter);
    CHECK(found.record.durable_sequence == durable);
  }
  // The next open goes on with the turn.
  head.Open();
  REQUIRE(head.Write(300000).ok());
  CHECK(Find(head.directory).record.counter == counter + 1);
}

TEST_CASE("after a failed write of the head record the same slot is written again") {
  const Fault faults[] = {Fault::Error(EIO), Fault::ErrorAfter(ENOSPC, 100)};
  for (const CallKind kind : {CallKind::kWrite, CallKind::kSync}) {
    for (const Fault& fault : faults) {
      OpenHead head;
      head.Open();
      REQUIRE(head.Write(200000).ok());
      const uint64_t counter = head.file->record().counter;
      for (int attempt = 0; attempt < 3; ++attempt) {
        head.directory.files().faults().Add({.kind = kind, .fault = fault});
        CHECK_FALSE(head.Write(200001).ok());
        CHECK(head.file->record().durable_sequence == 200000);
        // Whatever came of it, the record before is there.
        for (const auto unsynced :
             {PowerCutOptions::Unsynced::kNothing, PowerCutOptions::Unsynced::kEverything}) {
          const HeadFinding found = head.FindAfterPowerCut(unsynced);
          REQUIRE(found.valid);
          CHECK(found.record.counter >= counter);
        }
      }
      REQUIRE(head.Write(200002).ok());
      const HeadFinding found = head.FindAfterPowerCut(PowerCutOptions::Unsynced::kNothing);
      CHECK(found.record.counter == counter + 1);
      CHECK(found.record.durable_sequence == 200002);
    }
  }
}

}  // namespace
}  // namespace pinnacle
