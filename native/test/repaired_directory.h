// Plans the repair of a hand-made directory, carries it out as engine/mending does, and reads the
// result: for the tests of repair/.
#ifndef PINNACLE_TEST_REPAIRED_DIRECTORY_H_
#define PINNACLE_TEST_REPAIRED_DIRECTORY_H_

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "doctest.h"
#include "journal/scan.h"
#include "repair/patch.h"
#include "repair/walk.h"
#include "test/directory_image.h"

namespace pinnacle {

struct Walked {
  Status status;
  Layout layout;
  WalkResult result;
  BookSet books;
};

enum class Policy { kPointInTime, kSalvage };

// `books` hold the snapshot's content.
inline Walked Walk(DirectoryImage& directory, Policy policy, const SnapshotMeta& snapshot = {},
                   BookSet books = BookSet()) {
  Walked walked;
  REQUIRE(ReadLayout(&directory.files(), directory.path(), false, &walked.layout).ok());
  ScanResult scan;
  ScanOptions scan_options;
  scan_options.known_durable = snapshot.sequence;
  REQUIRE(ScanJournal(&directory.files(), walked.layout, scan_options, nullptr, &scan).ok());
  WalkOptions options;
  options.past_damage = policy == Policy::kSalvage;
  options.snapshot = snapshot;
  options.known_durable = scan.evidence.known_durable;
  options.segment_bytes = 65536;
  walked.books = std::move(books);
  if (snapshot.sequence != 0) walked.books.Skip(snapshot.sequence);
  walked.status =
      WalkJournal(&directory.files(), walked.layout, options, &walked.books, &walked.result);
  return walked;
}

inline SnapshotMeta SnapshotAt(uint64_t sequence, uint32_t entry_checksum = 0) {
  SnapshotMeta meta;
  meta.journal_id = {0xaaaa, 0xbbbb};
  meta.sequence = sequence;
  meta.entry_checksum = entry_checksum;
  return meta;
}

// What a repaired journal holds for one or more sequences.
struct ReadBack {
  uint64_t first = 0;
  uint64_t last = 0;
  bool is_hole = false;
  HolePayload hole{};
  uint64_t segment = 0;  // index
  uint64_t offset = 0;
  std::vector<uint8_t> bytes;  // of the whole entry
};

// Entries that a hole replaces.
struct Loss {
  uint64_t first;
  uint64_t last;
  uint64_t left_out = 0;
  friend bool operator==(const Loss&, const Loss&) = default;
};

// The holes of a repaired journal that replace entries.
inline std::vector<Loss> LostIn(const std::vector<ReadBack>& entries) {
  std::vector<Loss> lost;
  for (const ReadBack& entry : entries) {
    if (!entry.is_hole || entry.first > entry.last) continue;
    lost.push_back({entry.first, entry.last, entry.hole.entries_left_out});
  }
  return lost;
}

class ReadBackVisitor : public EntryVisitor {
 public:
  Status Visit(const EntryView& entry) override {
    ReadBack read;
    read.first = entry.first_sequence();
    read.last = entry.header.sequence;
    read.is_hole = IsHole(entry.header);
    if (read.is_hole) read.hole = entry.hole();
    read.segment = entry.place.segment->file.index;
    read.offset = entry.place.offset;
    read.bytes.assign(entry.bytes.begin(), entry.bytes.end());
    entries.push_back(std::move(read));
    return Status();
  }
  std::vector<ReadBack> entries;
};

// All of a directory's journal; it must be clean.
inline std::vector<ReadBack> ReadClean(DirectoryImage& directory, uint64_t from_sequence = 1) {
  Layout layout;
  REQUIRE(ReadLayout(&directory.files(), directory.path(), false, &layout).ok());
  ScanOptions options;
  options.from_sequence = from_sequence;
  options.known_durable = from_sequence - 1;
  ReadBackVisitor visitor;
  ScanResult scan;
  REQUIRE(ScanJournal(&directory.files(), std::move(layout), options, &visitor, &scan).ok());
  REQUIRE_MESSAGE(scan.verdict.tail == Tail::kClean, scan.verdict.reason);
  return std::move(visitor.entries);
}

// The sequences of entries other than holes.
inline std::vector<uint64_t> KeptSequences(const std::vector<ReadBack>& entries) {
  std::vector<uint64_t> sequences;
  for (const ReadBack& entry : entries) {
    if (!entry.is_hole) sequences.push_back(entry.last);
  }
  return sequences;
}

inline std::vector<uint64_t> Range(uint64_t first, uint64_t last) {
  std::vector<uint64_t> sequences;
  for (uint64_t sequence = first; sequence <= last; ++sequence) sequences.push_back(sequence);
  return sequences;
}

inline std::vector<uint64_t> Join(std::vector<uint64_t> sequences,
                                  const std::vector<uint64_t>& more) {
  sequences.insert(sequences.end(), more.begin(), more.end());
  return sequences;
}

// Carries out a plan, including the head record.
inline void CarryOut(DirectoryImage& directory, Walked& walked, uint64_t snapshot_sequence = 0) {
  WalkResult& result = walked.result;
  AssignLinks(directory.environment().random, &result.segments);
  // All are written before one takes its place: each is made from the existing file.
  for (const SegmentPlan& plan : result.segments) {
    if (!plan.changes()) continue;
    const Status written =
        WriteSegment(directory.environment(), walked.layout.journal_id, plan, snapshot_sequence,
                     directory.SegmentPath(plan.facts.file.index) + ".repair");
    REQUIRE_MESSAGE(written.ok(), written.ToString());
  }
  for (const std::string& path : result.taken_out) directory.Remove(path);
  for (const SegmentPlan& plan : result.segments) {
    const std::string path = directory.SegmentPath(plan.facts.file.index);
    if (plan.changes()) REQUIRE(directory.files().Rename(path + ".repair", path).ok());
  }
  const SegmentPlan& oldest = result.segments.front();
  const SegmentPlan& newest = result.segments.back();
  HeadImage head;
  directory.Write(head.Slot({.oldest_index = oldest.facts.file.index,
                             .oldest_id = oldest.segment_id,
                             .newest_index = newest.facts.file.index,
                             .newest_id = newest.segment_id,
                             .newest_link = newest.link}));
}

// Plans, carries out, and reads back what follows the snapshot.
struct Repaired {
  Walked walked;
  std::vector<ReadBack> entries;

  const WalkResult& result() const { return walked.result; }
};

inline Repaired Repair(DirectoryImage& directory, Policy policy, const SnapshotMeta& snapshot = {},
                       BookSet books = BookSet()) {
  Repaired repaired;
  repaired.walked = Walk(directory, policy, snapshot, std::move(books));
  REQUIRE_MESSAGE(repaired.walked.status.ok(), repaired.walked.status.ToString());
  const std::map<std::string, std::vector<uint8_t>> before = directory.Contents();
  CarryOut(directory, repaired.walked, snapshot.sequence);
  repaired.entries = ReadClean(directory, snapshot.sequence + 1);
  const uint64_t last = repaired.entries.empty() ? snapshot.sequence : repaired.entries.back().last;
  CHECK(repaired.result().last_sequence == last);
  CHECK(repaired.walked.books.last_sequence() == last);
  // Kept entries keep their place and their bytes.
  for (const ReadBack& entry : repaired.entries) {
    if (entry.is_hole) continue;
    const std::vector<uint8_t>& old = before.at(directory.SegmentPath(entry.segment));
    CHECK(std::equal(entry.bytes.begin(), entry.bytes.end(),
                     old.begin() + static_cast<long>(entry.offset)));
  }
  return repaired;
}

inline std::vector<Loss> Losses(const WalkResult& result) {
  std::vector<Loss> losses;
  for (const Filler& filler : result.losses) {
    losses.push_back({filler.first_sequence, filler.last_sequence, filler.entries_left_out});
  }
  return losses;
}

}  // namespace pinnacle

#endif  // PINNACLE_TEST_REPAIRED_DIRECTORY_H_
