// Random damage to random journals: in every case the plan can be carried out, the result is clean,
// salvage loses nothing it could keep, and a second repair has nothing to do.
#include <algorithm>
#include <set>

#include "doctest.h"
#include "repair/trust.h"
#include "repair/walk.h"
#include "simulator/deterministic_random.h"
#include "test/repaired_directory.h"

namespace pinnacle {
namespace {

constexpr uint64_t kJournals = 500;

struct Place {
  uint64_t sequence;
  uint64_t segment;
  uint64_t offset;
  uint64_t end;
};

struct RandomJournal {
  DeterministicRandom random;
  Chain chain;
  std::vector<Place> places;
  DirectoryImage directory;

  explicit RandomJournal(uint64_t seed) : random(seed), chain(1 + random.Below(4), 0) {
    uint64_t sequence = 0;
    for (uint64_t index = 1; index < chain.segments.size(); ++index) {
      JournalImage& segment = chain.segment(index);
      const uint64_t entries = 1 + random.Below(8);
      const bool full = random.Chance(0.2);
      for (uint64_t i = 0; i < entries; ++i) {
        uint32_t bytes = static_cast<uint32_t>(random.Below(3) == 0 ? random.Below(3000) : 32);
        if (full && i + 1 == entries) bytes = static_cast<uint32_t>(65536 - segment.end() - 32);
        if (random.Chance(0.1) && segment.end() + bytes + 200 < 65536) {
          segment.Hole(sequence + 1, sequence);  // of an earlier repair
        }
        ++sequence;
        const uint64_t offset = segment.Entry(sequence, bytes, sequence - 1);
        places.push_back({sequence, index, offset, segment.end()});
      }
      if (random.Chance(0.3)) chain.Relink(index, 0x7000 + index);
    }
    chain.head.durable = sequence - random.Below(2);
    chain.Write(&directory);
  }

  void Damage() {
    const Place& place = places[random.Below(places.size())];
    const std::string path = directory.SegmentPath(place.segment);
    if (!directory.Has(path)) return;
    std::vector<uint8_t> bytes = directory.Read(path);
    const auto at = [&](uint64_t offset) {
      return bytes.begin() + static_cast<long>(std::min<uint64_t>(offset, bytes.size()));
    };
    switch (random.Below(8)) {
      case 0:
        return directory.Remove(path);
      case 1:
        bytes[random.Below(128)] ^= 0x04;  // the header
        if (std::memcmp(bytes.data(), "PINNSEG\n", 6) != 0) return;
        break;
      case 2:
        std::fill(at(place.offset), at(place.offset + 64 * (1 + random.Below(60))), uint8_t{0});
        break;
      case 3:
        bytes.resize(std::min<size_t>(bytes.size(), place.offset + random.Below(200)));
        break;
      case 4: {
        JournalImage foreign(65536, 0x666, place.segment);
        foreign.Journal(1, 2).Predecessor(0x1234).Entry(place.sequence);
        bytes = foreign.bytes();
        break;
      }
      default: {
        const uint64_t offset = place.offset + random.Below(place.end - place.offset);
        if (offset < bytes.size()) bytes[offset] ^= static_cast<uint8_t>(1 << random.Below(8));
      }
    }
    directory.Write(path, bytes);
  }

  // The sequences of entries that still verify, in segments that a repair may read.
  std::set<uint64_t> Readable() {
    Layout layout;
    REQUIRE(ReadLayout(&directory.files(), directory.path(), false, &layout).ok());
    const std::vector<bool> trusted = TrustedSegments(layout);
    std::set<uint64_t> sequences;
    for (const Place& place : places) {
      for (size_t i = 0; i < trusted.size(); ++i) {
        const SegmentFacts& facts = layout.segments[i];
        if (!trusted[i] || facts.file.index != place.segment) continue;
        std::vector<uint8_t> bytes = directory.Read(facts.file.path);
        bytes.resize(65536);
        const std::span<const uint8_t> rest(bytes.data() + place.offset,
                                            bytes.size() - place.offset);
        if (CheckEntry(rest, place.offset, SeedOfSegment(facts.header.segment_id)).state ==
            EntryState::kValid) {
          sequences.insert(place.sequence);
        }
      }
    }
    return sequences;
  }
};

std::set<uint64_t> Above(const std::set<uint64_t>& sequences, uint64_t bound) {
  return {sequences.upper_bound(bound), sequences.end()};
}

void CheckRepair(uint64_t seed, Policy policy) {
  RandomJournal journal(seed);
  const uint64_t last = journal.places.back().sequence;
  uint64_t snapshot = 0;
  if (journal.random.Chance(0.5)) snapshot = 1 + journal.random.Below(last + 2);
  for (uint64_t i = 0; i <= journal.random.Below(4); ++i) journal.Damage();
  const std::set<uint64_t> readable = journal.Readable();
  const Repaired repaired = Repair(journal.directory, policy, SnapshotAt(snapshot));
  std::vector<uint64_t> kept = KeptSequences(repaired.entries);
  const uint64_t end = repaired.result().last_sequence;
  CHECK(end >= snapshot);
  if (policy == Policy::kSalvage) {
    // (An entry may have to give up its lines to the hole before it.)
    CHECK(kept.size() + repaired.result().entries_dropped >= Above(readable, snapshot).size());
    for (const Filler& loss : repaired.result().losses) {
      for (uint64_t s = loss.first_sequence; s < loss.last_sequence; ++s) {
        CHECK_FALSE(readable.contains(s));
      }
    }
  } else {
    // The whole run after the snapshot, up to the first loss.
    CHECK(kept == Range(snapshot + 1, end));
    CHECK_FALSE((end < last && end > snapshot && readable.contains(end + 1) &&
                 repaired.result().entries_dropped == 0));
  }
  const Walked again = Walk(journal.directory, policy, SnapshotAt(snapshot));
  REQUIRE_MESSAGE(again.status.ok(), again.status.ToString());
  for (const SegmentPlan& plan : again.result.segments) CHECK_FALSE(plan.changes());
  CHECK(again.result.taken_out.empty());
  CHECK(again.result.last_sequence == end);
}

TEST_CASE("any damage of any journal is repaired by both policies, and nothing remains to do") {
  for (uint64_t seed = 1; seed <= kJournals; ++seed) {
    CAPTURE(seed);
    CheckRepair(seed, Policy::kPointInTime);
    CheckRepair(seed, Policy::kSalvage);
  }
}

}  // namespace
}  // namespace pinnacle
