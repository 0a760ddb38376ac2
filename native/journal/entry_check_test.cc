#include "journal/entry_check.h"

#include "doctest.h"
#include "test/journal_image.h"

namespace pinnacle {
namespace {

EntryState StateAt(JournalImage& image, uint64_t offset) {
  return CheckEntry({image.bytes().data() + offset, image.bytes().size() - offset}, offset,
                    image.seed())
      .state;
}

TEST_CASE("an entry that was written whole is valid") {
  JournalImage image;
  const uint64_t one_line = image.Entry(1);
  const uint64_t many_lines = image.Entry(2, 5000);
  CHECK(StateAt(image, one_line) == EntryState::kValid);
  CHECK(StateAt(image, many_lines) == EntryState::kValid);
  CHECK(CheckEntry({image.bytes().data() + many_lines, image.bytes().size() - many_lines},
                   many_lines, image.seed())
            .bytes == 5056);
}

TEST_CASE("a line of zeros is unwritten") {
  JournalImage image;
  CHECK(StateAt(image, image.end()) == EntryState::kUnwritten);
}

TEST_CASE("an entry of another segment never verifies, not even one with the same content") {
  JournalImage image;
  const uint64_t offset = image.Entry(1);
  const std::span<const uint8_t> bytes(image.bytes().data() + offset, 64);
  for (uint32_t bit = 0; bit < 32; ++bit) {
    CHECK(CheckEntry(bytes, offset, image.seed() ^ (1u << bit)).state != EntryState::kValid);
  }
}

TEST_CASE("any flipped bit of a one-line entry is damage, and never a torn write") {
  for (uint64_t position = 0; position < 64; ++position) {
    for (int bit = 0; bit < 8; ++bit) {
      JournalImage image;
      const uint64_t offset = image.Entry(1);
      image.FlipBit(offset + position, bit);
      CAPTURE(position);
      CAPTURE(bit);
      CHECK(StateAt(image, offset) == EntryState::kDamaged);
    }
  }
}

TEST_CASE(
    "any flipped bit of an entry of up to a sector is damage, whatever zeros its payload has") {
  for (uint64_t position = 0; position < 512; position += 3) {
    for (int bit = 0; bit < 8; ++bit) {
      JournalImage image;
      const uint64_t offset = image.Entry(1, 480, 0, 0);
      image.FlipBit(offset + position, bit);
      CAPTURE(position);
      CAPTURE(bit);
      CHECK(StateAt(image, offset) == EntryState::kDamaged);
    }
  }
}

TEST_CASE("any flipped bit of a long entry is damage, unless it seems to lack a sector") {
  for (uint64_t position = 0; position < 1536; position += 7) {
    for (int bit = 0; bit < 8; ++bit) {
      JournalImage image;
      const uint64_t offset = image.Entry(1, 1500);
      image.FlipBit(offset + position, bit);
      CAPTURE(position);
      CAPTURE(bit);
      CHECK(StateAt(image, offset) == EntryState::kDamaged);
    }
  }
}

TEST_CASE("a long entry that lacks a sector is torn, even if one flipped bit would explain it") {
  JournalImage image;
  const uint64_t offset = image.Entry(1, 1500, 0, 0);  // its payload's zeros look like a lost one
  image.FlipBit(offset + 100, 5);
  CHECK(StateAt(image, offset) == EntryState::kTorn);
}

TEST_CASE("an entry without its checksum is torn: the checksum is stored last") {
  JournalImage image;
  const uint64_t offset = image.Entry(1);
  image.Zero(offset + 60, 4);
  CHECK(StateAt(image, offset) == EntryState::kTorn);
}

TEST_CASE("a sector that did not arrive makes a torn entry, whichever it is") {
  for (uint64_t sector = 0; sector < 4; ++sector) {
    JournalImage image;
    image.Skip(64 * 5);  // the entry starts in the middle of a sector
    const uint64_t offset = image.Entry(1, 1500);
    const uint64_t end = image.end();
    const uint64_t begin_of_sector = offset / 512 * 512 + sector * 512;
    const uint64_t from = std::max(offset, begin_of_sector);
    const uint64_t to = std::min(end, begin_of_sector + 512);
    image.Zero(from, to - from);
    CAPTURE(sector);
    const EntryState state = StateAt(image, offset);
    // If the first line is gone, it reads as unwritten; either way it is not damage.
    CHECK((state == EntryState::kTorn || state == EntryState::kUnwritten));
  }
}

TEST_CASE("a sector torn at any byte makes a torn entry") {
  for (uint64_t cut = 1; cut < 64; ++cut) {
    JournalImage kept_front;
    const uint64_t offset = kept_front.Entry(1);
    kept_front.Zero(offset + cut, 64 - cut);
    CAPTURE(cut);
    CHECK(StateAt(kept_front, offset) == EntryState::kTorn);
    if (cut < 8) continue;  // a word is stored at once, so a tear never starts inside the first
    JournalImage kept_back;
    kept_back.Entry(1);
    kept_back.Zero(offset, cut);
    // If only the line's end is left, the first word says so.
    CHECK(StateAt(kept_back, offset) == EntryState::kTorn);
  }
}

TEST_CASE("a length that reaches past the segment is damage, and reads nothing outside") {
  JournalImage image(65536);
  const uint64_t offset = image.Entry(1);
  image.bytes()[offset + 2] = 0x10;  // 1 MiB
  CHECK(StateAt(image, offset) == EntryState::kDamaged);
  image.bytes()[offset + 3] = 0xff;  // above the largest payload
  CHECK(StateAt(image, offset) == EntryState::kDamaged);
}

TEST_CASE("an order entry of another length than its type has is refused") {
  EntryHeader header{32, 1, 0x11, kFlagWritten, 1, 1};
  CHECK(HeaderIsPlausible(header));
  header.payload_bytes = 40;
  CHECK_FALSE(HeaderIsPlausible(header));
  header.payload_bytes = 32;
  header.type = 0x13;  // no such type
  CHECK_FALSE(HeaderIsPlausible(header));
  header.type = 0xff;  // a user type of any length
  header.payload_bytes = 7;
  CHECK(HeaderIsPlausible(header));
  header.flags = 0;
  CHECK_FALSE(HeaderIsPlausible(header));
}

TEST_CASE("an entry's durable claim is its predecessor less the lag, and none if the lag is full") {
  EntryHeader header{};
  header.sequence = 100;
  CHECK(DurableClaim(header, {0, 0}) == 99);
  CHECK(DurableClaim(header, {30, 0}) == 69);
  CHECK(DurableClaim(header, {200, 0}) == 0);
  CHECK(DurableClaim(header, {kMaxDurableLag, 0}) == 0);
}

}  // namespace
}  // namespace pinnacle
