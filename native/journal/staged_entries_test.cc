#include "journal/staged_entries.h"

#include <vector>

#include "doctest.h"

namespace pinnacle {
namespace {

void Add(StagedEntries& staged, uint64_t sequence, uint32_t payload_bytes, uint8_t fill = 0x5a) {
  const std::vector<uint8_t> payload(payload_bytes, fill);
  staged.MakeRoom(EntryBytes(payload_bytes));
  staged.Add({payload_bytes, 3, 0x85, kFlagWritten | kFlagGivenTime, sequence, 1000 + sequence},
             payload.data());
}

struct Found {
  EntryHeader header;
  uint64_t offset;
};

std::vector<Found> EntriesOf(StagedEntries& staged) {
  std::vector<Found> found;
  for (uint64_t at = 0; at < staged.bytes();) {
    EntryHeader header;
    std::memcpy(&header, staged.lines() + at, sizeof(header));
    found.push_back({header, at});
    at += EntryBytes(header.payload_bytes);
  }
  return found;
}

TEST_CASE("staged entries are back to back in whole lines, with zeros after the payload") {
  StagedEntries staged;
  Add(staged, 7, 200, 0xff);
  staged.Clear();  // the old bytes do not shine through
  Add(staged, 7, 0);
  Add(staged, 8, 32);
  Add(staged, 9, 33);
  CHECK(staged.count() == 3);
  CHECK(staged.bytes() == 4 * kLineBytes);
  const std::vector<Found> found = EntriesOf(staged);
  REQUIRE(found.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(found[i].header.sequence == 7 + i);
    CHECK(found[i].header.timestamp_ns == 1007 + i);
    CHECK((found[i].header.flags & ~kTransactionFlags) == (kFlagWritten | kFlagGivenTime));
    const uint64_t entry_bytes = EntryBytes(found[i].header.payload_bytes);
    for (uint64_t at = sizeof(EntryHeader); at < entry_bytes; ++at) {
      const bool is_payload = at < sizeof(EntryHeader) + found[i].header.payload_bytes;
      CHECK(staged.lines()[found[i].offset + at] == (is_payload ? 0x5a : 0));
    }
  }
}

TEST_CASE("each says what comes before and after it: one alone says nothing") {
  for (const uint64_t count : {1, 2, 3, 100}) {
    StagedEntries staged;
    for (uint64_t i = 0; i < count; ++i) Add(staged, 1 + i, static_cast<uint32_t>(i * 7));
    staged.Close();
    const std::vector<Found> found = EntriesOf(staged);
    REQUIRE(found.size() == count);
    for (size_t i = 0; i < count; ++i) {
      CHECK(((found[i].header.flags & kFlagContinues) != 0) == (i > 0));
      CHECK(((found[i].header.flags & kFlagMoreFollows) != 0) == (i + 1 < count));
    }
  }
}

TEST_CASE("an entry of one line is the same whichever way it is staged") {
  StagedEntries any;
  StagedEntries line;
  const uint64_t payload[4] = {1, UINT64_MAX, 3, 0x8000'0000'0000'0001};
  for (const uint64_t sequence : {9, 10, 11}) {
    const EntryHeader header{kLinePayloadBytes, 3, 0x85, kFlagWritten | kFlagGivenTime, sequence,
                             1000 + sequence};
    REQUIRE(any.MakeRoom(kLineBytes));
    any.Add(header, reinterpret_cast<const uint8_t*>(payload));
    REQUIRE(line.MakeRoom(kLineBytes));
    line.AddLine(EntryType{0x85}, 3, kFlagGivenTime, sequence, 1000 + sequence, payload);
  }
  any.Close();
  line.Close();
  REQUIRE(any.bytes() == line.bytes());
  for (uint64_t at = 0; at < any.bytes(); at += kLineBytes) {
    CHECK(std::memcmp(any.lines() + at, line.lines() + at, kLineBytes - sizeof(EntryTrailer)) == 0);
  }
}

TEST_CASE("there is room up to what a transaction may have, and none once it is refused") {
  StagedEntries staged;
  staged.Begin(3 * kLineBytes, nullptr, 0);
  CHECK(!staged.HasRoom(kLineBytes));  // there is no memory yet
  Add(staged, 1, 32);
  CHECK(staged.HasRoom(2 * kLineBytes));
  CHECK(!staged.MakeRoom(3 * kLineBytes));
  Add(staged, 2, 32);
  staged.Refuse();
  CHECK(!staged.MakeRoom(kLineBytes));
  staged.Clear();
  staged.Begin(kLineBytes, nullptr, 0);
  CHECK(staged.HasRoom(kLineBytes));
  Add(staged, 1, 32);
  CHECK(!staged.MakeRoom(kLineBytes));
}

TEST_CASE("lines are built in the place that they are given, and leave it if they don't fit it") {
  alignas(kLineBytes) uint8_t place[4 * kLineBytes];
  std::memset(place, 0xee, sizeof(place));
  const auto starts_at_place = [&](StagedEntries& staged) {
    return staged.lines() == place && staged.in_place();
  };
  StagedEntries staged;
  staged.Begin(UINT64_MAX, place, sizeof(place));
  for (uint64_t i = 0; i < 3; ++i) Add(staged, 1 + i, 32);
  CHECK(starts_at_place(staged));
  CHECK(place[3 * kLineBytes] == 0xee);
  SUBCASE("one line more than there is room for") {
    Add(staged, 4, 32);
    CHECK(starts_at_place(staged));
    Add(staged, 5, 32);
  }
  SUBCASE("an entry of two lines") { Add(staged, 4, 33); }
  CHECK(!staged.in_place());
  staged.Close();
  const std::vector<Found> found = EntriesOf(staged);
  REQUIRE(found.size() >= 4);
  for (size_t i = 0; i < found.size(); ++i) CHECK(found[i].header.sequence == 1 + i);
  staged.Clear();
  CHECK(!staged.in_place());
  staged.Begin(2 * kLineBytes, place, sizeof(place));
  Add(staged, 9, 32);
  CHECK(starts_at_place(staged));
  Add(staged, 10, 32);
  CHECK(!staged.MakeRoom(kLineBytes));  // not more than it may have, wherever
  staged.Clear();
  staged.Begin(UINT64_MAX, nullptr, 0);
  Add(staged, 9, 32);
  CHECK(!staged.in_place());
}

TEST_CASE("the area grows with what it holds, and gives back what a large transaction had") {
  StagedEntries staged;
  for (uint64_t i = 0; i < 300; ++i) Add(staged, 1 + i, 10'000, static_cast<uint8_t>(i));
  const std::vector<Found> found = EntriesOf(staged);
  REQUIRE(found.size() == 300);
  for (size_t i = 0; i < 300; ++i) {
    CHECK(staged.lines()[found[i].offset + 5000] == static_cast<uint8_t>(i));
    CHECK(reinterpret_cast<uintptr_t>(staged.lines() + found[i].offset) % kLineBytes == 0);
  }
  staged.Clear();
  CHECK(staged.count() == 0);
  CHECK(staged.bytes() == 0);
  CHECK(staged.lines() == nullptr);
  Add(staged, 1, 10);
  const uint8_t* small = staged.lines();
  staged.Clear();
  CHECK(staged.lines() == small);
}

}  // namespace
}  // namespace pinnacle
