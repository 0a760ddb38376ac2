#include "simulator/repair_rules.h"

#include <algorithm>
#include <utility>

namespace pinnacle::simulation {
namespace {

class Trust {
 public:
  Trust(const std::vector<DiskSegment>& segments, const DiskHead& head, const DiskJournalId& id)
      : segments_(segments), head_(head), id_(id), trusted_(segments.size()) {}

  std::vector<bool> Find() {
    for (size_t i = 0; i < segments_.size(); ++i) trusted_[i] = IsOurs(i) && !IsAgainstHead(i);
    // A segment that continues one the head record contradicts belongs to the same copy. A segment
    // unknown to the record must continue a trusted one.
    for (size_t i = 0; i < segments_.size(); ++i) {
      const bool continues = i > 0 && IsOurs(i - 1) && Continues(i);
      const bool known = !head_.valid || segments_[i].index <= head_.last_index();
      if (continues ? !trusted_[i - 1] : !known) trusted_[i] = false;
    }
    // Segments that lead up to one that the record has another segment for belong to that copy too,
    // down to one that the record names.
    for (size_t i = segments_.size(); i-- > 1;) {
      if (!IsOurs(i) || !IsReplaced(i)) continue;
      for (size_t k = i; k > 0 && IsOurs(k - 1) && Continues(k) && !IsNamed(k - 1); --k) {
        trusted_[k - 1] = false;
      }
    }
    for (size_t i = segments_.size(); i-- > 1;) {
      if (trusted_[i] && trusted_[i - 1] && Contradicts(i)) Settle(i);
    }
    return trusted_;
  }

 private:
  bool IsOurs(size_t i) const {
    return segments_[i].header_valid && segments_[i].journal_id == id_;
  }

  // (A link that can't be read is damage and contradicts nothing.)
  bool IsAgainstHead(size_t i) const {
    if (!head_.valid) return false;
    const DiskSegment& segment = segments_[i];
    const uint64_t right = segment.index == head_.newest_index ? head_.newest_link : segment.id;
    return ContradictsHead(head_, segment.index, segment.id,
                           segment.link_damaged ? right : segment.link);
  }

  bool IsNamed(size_t i) const {
    const DiskSegment& segment = segments_[i];
    return (segment.index == head_.newest_index && segment.id == head_.newest_id) ||
           (segment.index == head_.ready_index && segment.id == head_.ready_id);
  }

  bool IsReplaced(size_t i) const {
    const DiskSegment& segment = segments_[i];
    return head_.valid && ((segment.index == head_.oldest_index && segment.id != head_.oldest_id) ||
                           (segment.index == head_.newest_index && segment.id != head_.newest_id) ||
                           (segment.index == head_.ready_index && segment.id != head_.ready_id));
  }

  bool Adjoins(size_t i) const { return segments_[i - 1].index + 1 == segments_[i].index; }

  bool Continues(size_t i) const {
    return Adjoins(i) && segments_[i].predecessor_link != 0 &&
           segments_[i].predecessor_link == segments_[i - 1].link;
  }

  bool Contradicts(size_t i) const {
    return Adjoins(i) && segments_[i].predecessor_link != 0 &&
           segments_[i].predecessor_link != segments_[i - 1].link && !segments_[i - 1].link_damaged;
  }

  // Segment i continues a segment other than i - 1: the later one is right, unless it leads up to
  // an untrusted one.
  void Settle(size_t i) {
    size_t top = i;
    while (trusted_[top] && top + 1 < segments_.size() && IsOurs(top + 1) && Continues(top + 1)) {
      ++top;
    }
    if (trusted_[top]) {
      trusted_[i - 1] = false;
    } else {
      std::fill(trusted_.begin() + static_cast<ptrdiff_t>(i),
                trusted_.begin() + static_cast<ptrdiff_t>(top), false);
    }
  }

  const std::vector<DiskSegment>& segments_;
  const DiskHead& head_;
  const DiskJournalId id_;
  std::vector<bool> trusted_;
};

enum class Proof { kNone, kHolds, kFails };

// Whether the journal shows that the snapshot was taken of it: by the entry at its sequence, or by
// a hole that an earlier repair filled from it.
Proof ProofOf(const DiskSnapshot& snapshot, const std::vector<RunEntry>& entries) {
  Proof proof = Proof::kNone;
  for (const RunEntry& found : entries) {
    const DiskEntry& entry = found.entry;
    if (entry.is_hole()) {
      if (entry.hole_snapshot == snapshot.sequence) proof = Proof::kHolds;
    } else if (entry.sequence == snapshot.sequence && snapshot.entry_checksum != 0) {
      return entry.checksum == snapshot.entry_checksum ? Proof::kHolds : Proof::kFails;
    }
  }
  return proof;
}

}  // namespace

RepairBasis FindRepairBasis(DiskReading reading) {
  RepairBasis basis;
  DiskJournalId id;
  const bool known = FindJournalId(reading, &id);
  DiskHead head = reading.head;
  basis.segments = std::move(reading.segments);
  if (head.valid && id != head.journal_id) {
    head.valid = false;
    basis.segments.insert(basis.segments.begin(), reading.leftovers.begin(),
                          reading.leftovers.end());
  }
  basis.trusted = Trust(basis.segments, head, id).Find();
  for (size_t i = 0; i < basis.segments.size(); ++i) {
    if (!basis.trusted[i]) continue;
    uint64_t before = 0;
    for (const DiskEntry& entry : basis.segments[i].entries) {
      basis.in_order &= entry.first_sequence > before;
      before = entry.sequence;
      basis.entries.push_back({i, entry});
    }
  }
  // If there are segments of another copy, snapshots may belong to that copy too.
  bool has_other_copy = false;
  for (size_t i = 0; i < basis.segments.size(); ++i) {
    const DiskSegment& segment = basis.segments[i];
    has_other_copy |= !basis.trusted[i] && segment.header_valid && segment.journal_id == id;
  }
  const uint64_t front = head.valid && head.oldest_index != 0 ? head.oldest_index
                         : basis.segments.empty()             ? 0
                                                              : basis.segments.front().index;
  const bool begins_trusted =
      !basis.segments.empty() && basis.trusted.front() && basis.segments.front().index == front;
  const uint64_t first = basis.entries.empty() ? 0 : basis.entries.front().entry.first_sequence;
  for (const DiskSnapshot& snapshot : reading.snapshots) {
    if (!snapshot.sound || (known && snapshot.journal_id != id)) continue;
    const Proof proof = ProofOf(snapshot, basis.entries);
    const bool is_from_before = begins_trusted && snapshot.sequence < first;
    if (proof == Proof::kFails || (proof == Proof::kNone && has_other_copy && !is_from_before)) {
      continue;
    }
    basis.snapshot = snapshot.sequence;
  }
  basis.gap = basis.snapshot == 0 && front != 1 && first != 1;
  return basis;
}

}  // namespace pinnacle::simulation
