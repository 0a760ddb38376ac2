#include "simulator/strict_rules.h"

#include <algorithm>
#include <map>

namespace pinnacle::simulation {
namespace {

constexpr uint64_t kFirstOffset = 4096;

// Why the files are not the required ones; empty if they are.
std::string FindMisfit(const DiskReading& reading) {
  const DiskHead& head = reading.head;
  const auto any_segment = std::any_of(reading.segments.begin(), reading.segments.end(),
                                       [](const DiskSegment& s) { return s.header_valid; });
  if (!head.exists && any_segment) return "there is no head record";
  if (head.exists && !head.valid) return "the head record does not verify";
  if (!head.exists) {
    return reading.segments.empty() ? "" : "a segment's header does not verify";
  }
  for (uint64_t index = std::max<uint64_t>(head.oldest_index, 1); index <= head.last_index();
       ++index) {
    if (reading.Segment(index) == nullptr) return "there is no segment " + std::to_string(index);
  }
  const DiskSegment* later = nullptr;
  for (auto it = reading.segments.rbegin(); it != reading.segments.rend(); ++it) {
    const DiskSegment& segment = *it;
    const std::string name = "segment " + std::to_string(segment.index);
    if (!segment.header_valid) return name + " has no header that verifies";
    if (segment.journal_id != head.journal_id) return name + " is of another journal";
    if (ContradictsHead(head, segment.index, segment.id, segment.link)) {
      return name + " is not the one of the head record";
    }
    if (segment.index > head.last_index()) {
      if (segment.first_line_used()) return name + " is not known to the head record";
      continue;
    }
    if (later != nullptr && later->predecessor_link != 0 &&
        later->predecessor_link != segment.link) {
      return name + " is not continued by the next one";
    }
    later = &segment;
  }
  return "";
}

class Judge {
 public:
  Judge(const DiskReading& reading, StrictVerdict* verdict)
      : reading_(reading), verdict_(verdict) {}

  void Run() {
    verdict_->refusal = FindMisfit(reading_);
    FindSnapshot();
    verdict_->end = verdict_->snapshot;
    verdict_->witnessed = verdict_->snapshot;
    if (reading_.head.valid) Witness(reading_.head.durable);
    if (reading_.segments.empty()) {
      if (verdict_->snapshot != 0) Refuse("there is no journal after the snapshot");
      verdict_->is_new = !reading_.head.exists && reading_.snapshots.empty();
      if (!reading_.head.exists && !reading_.snapshots.empty()) {
        Refuse("there are snapshots and no journal");
      }
      return;
    }
    if (!verdict_->refusal.empty()) return;
    const size_t start = FindStart();
    Follow(start);
    LookAround(start);
    if (verdict_->end < verdict_->witnessed) {
      Refuse("the journal was durable up to " + std::to_string(verdict_->witnessed) +
             " and ends at " + std::to_string(verdict_->end));
    }
  }

 private:
  void Refuse(const std::string& why) {
    if (verdict_->refusal.empty()) verdict_->refusal = why;
  }

  void Witness(uint64_t sequence) { verdict_->witnessed = std::max(verdict_->witnessed, sequence); }

  void FindSnapshot() {
    DiskJournalId id;
    const bool known = FindJournalId(reading_, &id);
    for (const DiskSnapshot& snapshot : reading_.snapshots) {
      if (!snapshot.sound || (known && snapshot.journal_id != id)) continue;
      verdict_->snapshot = snapshot.sequence;
      entry_checksum_ = snapshot.entry_checksum;
    }
  }

  // The youngest segment that begins at or before the snapshot's entry.
  size_t FindStart() const {
    size_t start = 0;
    for (size_t i = 0; i < reading_.segments.size(); ++i) {
      const DiskEntry* first = reading_.segments[i].first();
      if (first != nullptr && first->first_sequence <= verdict_->snapshot) start = i;
    }
    return start;
  }

  // (If the next segment continues with the next entry, the rest of this one does not matter.)
  void Follow(size_t start) {
    const uint64_t from = verdict_->snapshot + 1;
    uint64_t next = from;
    if (const DiskEntry* first = reading_.segments[start].first()) {
      next = first->first_sequence;
    } else if (reading_.segments[start].index == 1) {
      next = 1;  // nothing was compacted yet, so entry 1 should be there
    }
    bool visited = false;
    for (size_t i = start; i < reading_.segments.size(); ++i) {
      const DiskSegment& segment = reading_.segments[i];
      const DiskEntry* first = segment.first();
      if (i > start && (first == nullptr || first->first_sequence != next)) break;
      uint64_t offset = kFirstOffset;
      size_t whole = 0;  // the entries before this one are of transactions that are all there
      for (size_t at = 0; at < segment.entries.size(); ++at) {
        const DiskEntry& entry = segment.entries[at];
        if (entry.offset != offset || entry.first_sequence != next) break;
        if (entry.is_of_transaction() && at >= whole) {
          const size_t count = segment.TransactionAt(at);
          if (count == 0) {
            if (IsContradicted(segment, at)) Refuse("a transaction is contradicted");
            break;
          }
          whole = at + count;
        }
        if (entry.sequence == verdict_->snapshot && entry_checksum_ != 0 && !entry.is_hole() &&
            entry.checksum != entry_checksum_) {
          return Refuse("the entry of the snapshot is another one");
        }
        if (entry.sequence >= from) {
          if (!visited && entry.first_sequence > from) {
            return Refuse("no snapshot leads to entry " + std::to_string(entry.first_sequence));
          }
          if (entry.is_hole() && entry.hole_snapshot > verdict_->snapshot) {
            return Refuse("only a snapshot that is gone has what a hole lost");
          }
          visited = true;
        }
        verdict_->run.push_back({i, entry});
        offset += entry.bytes;
        next = entry.sequence + 1;
      }
      stop_ = i;
      stop_offset_ = offset;
    }
    if (!visited && next > from) Refuse("no snapshot leads to entry " + std::to_string(next));
    verdict_->end = next - 1;
  }

  // The transaction's own entries contradict each other; it does not just lack its end.
  static bool IsContradicted(const DiskSegment& segment, size_t at) {
    if (!segment.may_have_transactions || segment.entries[at].continues) return true;
    for (; at + 1 < segment.entries.size(); ++at) {
      const DiskEntry& entry = segment.entries[at];
      const DiskEntry& next = segment.entries[at + 1];
      if (next.offset != entry.offset + entry.bytes) return false;
      if (next.sequence != entry.sequence + 1 || !next.continues) return true;
    }
    return false;
  }

  // What all segments claim about durability, and whether anything follows the run.
  void LookAround(size_t start) {
    for (size_t i = start; i < reading_.segments.size(); ++i) {
      const DiskSegment& segment = reading_.segments[i];
      for (const DiskEntry& entry : segment.entries) Witness(entry.durable_claim);
      // The mark of a segment before the run's end covers no more than the segment holds.
      Witness(i < stop_ ? std::min(segment.marked, verdict_->end) : segment.marked);
      const uint64_t end = i < stop_    ? segment.bytes.size()
                           : i == stop_ ? stop_offset_
                                        : kFirstOffset;
      if (!segment.IsZeroFrom(end)) verdict_->ends_in_zeros = false;
    }
  }

  const DiskReading& reading_;
  StrictVerdict* verdict_;
  uint32_t entry_checksum_ = 0;
  size_t stop_ = 0;
  uint64_t stop_offset_ = kFirstOffset;
};

}  // namespace

StrictVerdict JudgeByTheBook(const DiskReading& reading) {
  StrictVerdict verdict;
  Judge(reading, &verdict).Run();
  return verdict;
}

bool FindJournalId(const DiskReading& reading, DiskJournalId* id) {
  std::map<DiskJournalId, size_t> votes;
  for (const auto* segments : {&reading.segments, &reading.leftovers}) {
    for (const DiskSegment& segment : *segments) {
      if (segment.header_valid) ++votes[segment.journal_id];
    }
  }
  if (reading.head.valid) {
    // If all segments agree on another journal, the head record is the foreign one; unless a
    // snapshot belongs to its journal too.
    *id = reading.head.journal_id;
    const bool has_snapshot = std::any_of(
        reading.snapshots.begin(), reading.snapshots.end(),
        [&](const DiskSnapshot& snapshot) { return snapshot.sound && snapshot.journal_id == *id; });
    if (votes.size() == 1 && !has_snapshot) *id = votes.begin()->first;
    return true;
  }
  size_t most = 0;
  for (auto it = reading.segments.rbegin(); it != reading.segments.rend(); ++it) {
    if (!it->header_valid || votes[it->journal_id] <= most) continue;
    most = votes[it->journal_id];
    *id = it->journal_id;
  }
  return most > 0;
}

bool ContradictsHead(const DiskHead& head, uint64_t index, uint64_t id, uint64_t link) {
  if (index == head.oldest_index && id != head.oldest_id) return true;
  if (index == head.newest_index) {
    const bool before = head.newest_link_before != 0 && link == head.newest_link_before;
    return id != head.newest_id || (link != head.newest_link && !before);
  }
  return index == head.ready_index && (id != head.ready_id || link != id);
}

}  // namespace pinnacle::simulation
