// What is left out of a repaired journal because an entry that it needs was lost.
#include "doctest.h"
#include "repair/walk.h"
#include "test/repaired_directory.h"

namespace pinnacle {
namespace {

// Instrument 1, then orders 101, 102, …, one per entry from the second on.
struct Orders {
  JournalImage image{65536, Chain::IdOf(1), 1};
  DirectoryImage directory;
  uint64_t sequence = 0;

  Orders() {
    image.Predecessor(0);
    image.Instrument(++sequence, 1, "A");
  }
  uint64_t Add(uint64_t id) { return image.Order(0x11, ++sequence, 1, id, 50, 5); }
  uint64_t Execute(uint64_t id) { return image.Order(0x18, ++sequence, 1, id, 0, 2); }
  uint64_t Cancel(uint64_t id) { return image.Order(0x14, ++sequence, 1, id, 0, 0); }
  void Write() { WriteOnly(image, sequence, &directory); }
};

TEST_CASE("entries that need a lost one are left out and counted, and their lines filled") {
  Orders orders;
  orders.Add(101);
  orders.image.FlipBit(orders.Add(102) + 30, 1);
  orders.Add(103);
  orders.Execute(102);
  orders.Cancel(102);
  orders.Execute(103);
  orders.Write();
  SUBCASE("point-in-time ends before the loss") {
    const Repaired repaired = Repair(orders.directory, Policy::kPointInTime);
    CHECK(KeptSequences(repaired.entries) == Range(1, 2));
    CHECK(repaired.walked.books.book(1).order_count() == 1);
    CHECK(repaired.result().entries_dropped == 4);
  }
  SUBCASE("salvage") {
    const Repaired repaired = Repair(orders.directory, Policy::kSalvage);
    CHECK(KeptSequences(repaired.entries) == std::vector<uint64_t>{1, 2, 4, 7});
    CHECK(LostIn(repaired.entries) == std::vector<Loss>{{3, 3}, {5, 5, 1}, {6, 6, 1}});
    CHECK(Losses(repaired.result()) == LostIn(repaired.entries));
    CHECK(repaired.walked.books.book(1).order_count() == 2);
    CHECK(repaired.result().entries_dropped == 2);
    CHECK(repaired.result().entries_after_damage == 2);
  }
}

TEST_CASE("without its definition an instrument's entries are all left out") {
  Orders orders;
  orders.Add(101);
  orders.Execute(101);
  orders.image.Entry(++orders.sequence);
  orders.image.FlipBit(4096 + 40, 1);
  orders.Write();
  const Repaired repaired = Repair(orders.directory, Policy::kSalvage);
  CHECK(KeptSequences(repaired.entries) == std::vector<uint64_t>{4});
  CHECK(LostIn(repaired.entries) == std::vector<Loss>{{1, 1}, {2, 2, 1}, {3, 3, 1}});
}

TEST_CASE("an entry that verifies and that the books refuse ends the journal, or is left out") {
  Orders orders;
  orders.Add(101);
  orders.Execute(999);  // was never there
  orders.Add(102);
  orders.Write();
  SUBCASE("point-in-time") {
    CHECK(KeptSequences(Repair(orders.directory, Policy::kPointInTime).entries) == Range(1, 2));
  }
  SUBCASE("salvage") {
    const Repaired repaired = Repair(orders.directory, Policy::kSalvage);
    CHECK(KeptSequences(repaired.entries) == std::vector<uint64_t>{1, 2, 4});
    CHECK(LostIn(repaired.entries) == std::vector<Loss>{{3, 3, 1}});
  }
}

}  // namespace
}  // namespace pinnacle
