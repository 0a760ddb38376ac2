// What both policies keep of transactions in a damaged journal: each whole or not at all.
#include "doctest.h"
#include "repair/walk.h"
#include "test/repaired_directory.h"

namespace pinnacle {
namespace {

constexpr uint8_t kContinues = 0x04;
constexpr uint8_t kMore = 0x08;

uint64_t OffsetOf(uint64_t sequence) { return 4096 + (sequence - 1) * 64; }

// One segment that may have transactions, written by a test, and an empty prepared one.
struct Journal {
  JournalImage segment{65536, Chain::IdOf(1), 1};
  JournalImage ready{65536, Chain::IdOf(2), 2};
  DirectoryImage directory;

  Journal() {
    segment.Predecessor(0).Features(1);
    ready.Predecessor(Chain::IdOf(1)).Features(1);
  }
  void Write(uint64_t durable) {
    directory.Write(1, segment);
    directory.Write(2, ready);
    HeadImage head;
    directory.Write(head.Slot({.oldest_index = 1,
                               .oldest_id = Chain::IdOf(1),
                               .newest_index = 1,
                               .newest_id = Chain::IdOf(1),
                               .newest_link = Chain::IdOf(1),
                               .ready_index = 2,
                               .ready_id = Chain::IdOf(2),
                               .durable = durable}));
  }
  Repaired MustRepair(Policy policy, uint64_t durable) {
    Write(durable);
    return Repair(directory, policy);
  }
};

// Entries 1 to 3, a transaction 4 to 8, entries 9 and 10, a transaction 11 and 12, entry 13.
struct Thirteen : Journal {
  Thirteen() {
    for (uint64_t sequence = 1; sequence <= 3; ++sequence) segment.Entry(sequence);
    segment.Transaction(4, 8);
    segment.Entry(9);
    segment.Entry(10);
    segment.Transaction(11, 12);
    segment.Entry(13);
  }
};

TEST_CASE("an intact journal with transactions stays as it is") {
  for (const Policy policy : {Policy::kPointInTime, Policy::kSalvage}) {
    Thirteen journal;
    journal.Write(13);
    const Walked walked = Walk(journal.directory, policy);
    REQUIRE(walked.status.ok());
    CHECK(walked.result.last_sequence == 13);
    CHECK(walked.result.entries_dropped == 0);
    for (const SegmentPlan& plan : walked.result.segments) CHECK_FALSE(plan.changes());
  }
}

TEST_CASE("one damaged entry takes its whole transaction: salvage has a hole over all of it") {
  for (uint64_t damaged = 4; damaged <= 8; ++damaged) {
    CAPTURE(damaged);
    Thirteen journal;
    journal.segment.FlipBit(OffsetOf(damaged) + 30, 1);
    const Repaired repaired = journal.MustRepair(Policy::kSalvage, 13);
    CHECK(KeptSequences(repaired.entries) == Join(Range(1, 3), Range(9, 13)));
    CHECK(LostIn(repaired.entries) == std::vector<Loss>{{4, 8}});
    CHECK(repaired.result().entries_dropped == 4);
    CHECK(repaired.result().entries_after_damage == 5);
    CHECK(repaired.result().last_sequence == 13);
  }
}

TEST_CASE("point-in-time cuts before the transaction that has the damage") {
  for (uint64_t damaged = 4; damaged <= 8; ++damaged) {
    CAPTURE(damaged);
    Thirteen journal;
    journal.segment.FlipBit(OffsetOf(damaged) + 30, 1);
    const Repaired repaired = journal.MustRepair(Policy::kPointInTime, 13);
    CHECK(KeptSequences(repaired.entries) == Range(1, 3));
    CHECK(repaired.result().entries_dropped == 9);
    CHECK(repaired.result().last_sequence == 3);
  }
}

TEST_CASE("a rewritten segment keeps the transaction feature if it has transactions") {
  Thirteen journal;
  journal.segment.FlipBit(OffsetOf(2) + 30, 1);
  const Repaired repaired = journal.MustRepair(Policy::kSalvage, 13);
  CHECK(KeptSequences(repaired.entries) == Join({1}, Range(3, 13)));
  CHECK(repaired.result().segments[0].changes());
  CHECK(journal.directory.Read(journal.directory.SegmentPath(1))[16] == 1);
}

TEST_CASE("neighbours reveal an incomplete transaction, and no half of it is kept") {
  Journal journal;
  journal.segment.Entry(1);
  uint64_t dropped = 0;
  SUBCASE("its beginning") {
    journal.segment.Part(3, kContinues | kMore);
    journal.segment.Part(4, kContinues);
    journal.segment.Entry(5);
    dropped = 2;
  }
  SUBCASE("its end: a single entry follows") {
    journal.segment.Part(2, kMore);
    journal.segment.Part(3, kContinues | kMore);
    journal.segment.Entry(5);
    dropped = 2;
  }
  SUBCASE("its end: another transaction follows") {
    journal.segment.Part(2, kMore);
    journal.segment.Part(3, kContinues | kMore);
    journal.segment.Transaction(5, 6);
    dropped = 2;
  }
  SUBCASE("an entry in between") {
    journal.segment.Part(2, kMore);
    journal.segment.Part(4, kContinues);
    journal.segment.Entry(5);
    dropped = 2;
  }
  SUBCASE("the segment's header allows none") {
    journal.segment.Features(0);
    journal.segment.Transaction(2, 4);
    journal.segment.Entry(5);
    dropped = 3;
  }
  const Repaired repaired = journal.MustRepair(Policy::kSalvage, 4);
  CHECK(LostIn(repaired.entries) == std::vector<Loss>{{2, 4}});
  CHECK(KeptSequences(repaired.entries).at(1) == 5);
  CHECK(repaired.result().entries_dropped == dropped);
}

TEST_CASE("an open transaction at the end is cut off by both policies") {
  for (const Policy policy : {Policy::kPointInTime, Policy::kSalvage}) {
    Thirteen journal;
    journal.segment.Part(14, kMore);
    journal.segment.Part(15, kContinues | kMore);
    journal.segment.FlipBit(OffsetOf(2) + 30, 1);
    const Repaired repaired = journal.MustRepair(policy, 13);
    const bool salvages = policy == Policy::kSalvage;
    CHECK(repaired.result().last_sequence == (salvages ? 13 : 1));
    CHECK(repaired.result().entries_dropped == (salvages ? 2 : 13));
  }
}

// Instrument A at entry 1; then operations on its orders, `first` to `last` a transaction.
struct Books {
  Journal journal;
  void Begin() { journal.segment.Instrument(1, 1, "A"); }
  void Order(uint8_t type, uint64_t sequence, uint64_t id, uint64_t quantity, uint8_t flags = 0) {
    std::vector<uint8_t> payload(32);
    const uint64_t price = 10;
    std::memcpy(payload.data(), &id, 8);
    if (type != 0x14) std::memcpy(payload.data() + 16, &price, 8);
    std::memcpy(payload.data() + 24, &quantity, 8);
    journal.segment.Put(type, 1, sequence, payload, 0xffffffff, static_cast<uint8_t>(0x80 | flags));
  }
};

TEST_CASE("a transaction that the books refuse in the middle is undone whole") {
  Books books;
  books.Begin();
  books.Order(0x11, 2, 1, 5);
  books.Order(0x11, 3, 2, 5);
  books.Order(0x14, 4, 1, 0, kMore);                // order 1 leaves
  books.Order(0x18, 5, 2, 3, kContinues | kMore);   // order 2 is executed in part
  books.Order(0x14, 6, 77, 0, kContinues | kMore);  // there is no such order
  books.Order(0x11, 7, 3, 5, kContinues);
  books.Order(0x11, 8, 4, 5);
  SUBCASE("salvage: a hole with its entries as left out, and the books without it") {
    books.journal.Write(8);
    const Walked walked = Walk(books.journal.directory, Policy::kSalvage);
    REQUIRE(walked.status.ok());
    CHECK(walked.result.entries_dropped == 4);
    REQUIRE(walked.books.instrument_count() == 1);
    const OrderBook& book = walked.books.book(1);
    CHECK(book.order_count() == 3);
    OrderView order;
    REQUIRE(book.Find({1, 0}, &order));
    REQUIRE(book.Find({2, 0}, &order));
    CHECK(order.quantity == 5);
    CHECK_FALSE(book.Find({3, 0}, &order));
    REQUIRE(book.Find({4, 0}, &order));
    uint32_t ahead = 9;
    int64_t quantity = 0;
    REQUIRE(book.QueuePosition({1, 0}, &ahead, &quantity));
    CHECK(ahead == 0);  // in its old place
    CHECK(walked.books.facts(1).trade_count == 0);
    const Repaired repaired = books.journal.MustRepair(Policy::kSalvage, 8);
    CHECK(LostIn(repaired.entries) == std::vector<Loss>{{4, 7, 4}});
    CHECK(KeptSequences(repaired.entries) == Join(Range(1, 3), {8}));
  }
  SUBCASE("point-in-time ends before it") {
    const Repaired repaired = books.journal.MustRepair(Policy::kPointInTime, 8);
    CHECK(repaired.result().last_sequence == 3);
    CHECK(repaired.result().entries_dropped == 5);
  }
}

TEST_CASE("a loss before a transaction may take what it needs: it is left out whole") {
  Books books;
  books.Begin();
  books.Order(0x11, 2, 1, 5);  // lost
  books.Order(0x11, 3, 2, 5, kMore);
  books.Order(0x14, 4, 1, 0, kContinues);  // of the order that was lost
  books.Order(0x11, 5, 2, 5);              // the id is free, since 3 was left out
  books.journal.segment.FlipBit(OffsetOf(3) + 30, 1);
  // (The definition has two lines, so entry 2 is at the third.)
  const Repaired repaired = books.journal.MustRepair(Policy::kSalvage, 5);
  CHECK(KeptSequences(repaired.entries) == std::vector<uint64_t>{1, 5});
  CHECK(LostIn(repaired.entries) == std::vector<Loss>{{2, 2}, {3, 4, 2}});
}

TEST_CASE("a snapshot is proven by the last entry of the transaction before it") {
  Thirteen journal;
  journal.segment.FlipBit(OffsetOf(10) + 30, 1);
  const uint64_t last = OffsetOf(8);
  uint32_t checksum = 0;
  std::memcpy(&checksum, journal.segment.bytes().data() + last + 60, sizeof(checksum));
  journal.Write(13);
  Walked walked = Walk(journal.directory, Policy::kSalvage, SnapshotAt(8, checksum));
  REQUIRE(walked.status.ok());
  CHECK_FALSE(walked.result.contradicts_snapshot);
  CHECK(walked.result.last_sequence == 13);
  walked = Walk(journal.directory, Policy::kSalvage, SnapshotAt(8, checksum ^ 1));
  CHECK(walked.result.contradicts_snapshot);
}

}  // namespace
}  // namespace pinnacle
