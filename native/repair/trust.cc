#include "repair/trust.h"

#include <algorithm>

namespace pinnacle {

namespace {

// How segment i and the one after it fit together.
enum class Edge { kUnknown, kFits, kContradicts };

Edge EdgeBetween(const SegmentFacts& earlier, const SegmentFacts& later) {
  if (later.header.version < 2 || later.header.predecessor_link == 0) return Edge::kUnknown;
  if (earlier.link.link == later.header.predecessor_link) return Edge::kFits;
  return earlier.link.damaged ? Edge::kUnknown : Edge::kContradicts;
}

// The record names another segment in this place.
bool IsAnother(const HeadRecord& head, const SegmentFacts& segment) {
  const uint64_t index = segment.file.index;
  const uint64_t id = segment.header.segment_id;
  return (index == head.oldest_index && id != head.oldest_id) ||
         (index == head.newest_index && id != head.newest_id) ||
         (index == head.ready_index && id != head.ready_id);
}

// The record names this segment, whatever was written to it since.
bool IsNamed(const HeadRecord& head, const SegmentFacts& segment) {
  const uint64_t index = segment.file.index;
  const uint64_t id = segment.header.segment_id;
  return (index == head.newest_index && id == head.newest_id) ||
         (index == head.ready_index && id == head.ready_id);
}

// Not where the record names no such thing, or a link that can't be read.
bool ContradictsHead(const HeadRecord& head, const SegmentFacts& segment) {
  const uint64_t index = segment.file.index;
  const uint64_t id = segment.header.segment_id;
  if (IsAnother(head, segment)) return true;
  if (segment.link.damaged) return false;
  const uint64_t link = segment.link.link;
  if (index == head.newest_index) {
    return link != head.newest_link &&
           (head.newest_link_before == 0 || link != head.newest_link_before);
  }
  return index == head.ready_index && link != id;
}

}  // namespace

std::vector<bool> TrustedSegments(const Layout& layout) {
  const std::vector<SegmentFacts>& segments = layout.segments;
  const size_t count = segments.size();
  std::vector<bool> ours(count);
  std::vector<bool> contradicts(count);
  for (size_t i = 0; i < count; ++i) {
    const SegmentFacts& segment = segments[i];
    ours[i] = !segment.missing && segment.header_valid &&
              JournalId{segment.header.journal_id_low, segment.header.journal_id_high} ==
                  layout.journal_id;
    contradicts[i] = ours[i] && layout.head.valid && ContradictsHead(layout.head.record, segment);
  }
  std::vector<bool> trusted = ours;
  const HeadRecord& head = layout.head.record;
  const uint64_t last = layout.head.valid ? std::max(head.newest_index, head.ready_index) : 0;
  // Upwards: what contradicts the head record, and what continues that. A segment that the record
  // does not know of must continue one that is trusted.
  for (size_t i = 0; i < count; ++i) {
    if (!ours[i]) continue;
    const Edge edge =
        i > 0 && ours[i - 1] ? EdgeBetween(segments[i - 1], segments[i]) : Edge::kUnknown;
    const bool unknown = layout.head.valid && segments[i].file.index > last;
    const bool continues_bad = i > 0 && ours[i - 1] && !trusted[i - 1] && edge == Edge::kFits;
    const bool continues_good = i > 0 && trusted[i - 1] && edge == Edge::kFits;
    if (contradicts[i] || continues_bad || (unknown && !continues_good)) trusted[i] = false;
  }
  // A segment in the place of another one was made by another copy, after that was copied. It
  // continues what the copy wrote, from the segment on that the copy was opened in, and which one
  // that is can't be told. What the record names was there before.
  for (size_t i = count; i-- > 1;) {
    if (!contradicts[i] || !IsAnother(head, segments[i])) continue;
    for (size_t k = i; k > 0 && ours[k - 1] && !IsNamed(head, segments[k - 1]); --k) {
      if (EdgeBetween(segments[k - 1], segments[k]) != Edge::kFits) break;
      trusted[k - 1] = false;
    }
  }
  // Downwards: at a contradiction between two, the later one is right, since the head record
  // vouches for the youngest; unless it leads up to one that the record contradicts.
  for (size_t i = count; i-- > 1;) {
    if (!trusted[i] || !trusted[i - 1]) continue;
    if (EdgeBetween(segments[i - 1], segments[i]) != Edge::kContradicts) continue;
    size_t top = i;
    while (top + 1 < count && ours[top + 1] &&
           EdgeBetween(segments[top], segments[top + 1]) == Edge::kFits && trusted[top]) {
      ++top;
    }
    if (trusted[top]) {
      trusted[i - 1] = false;
    } else {
      for (size_t k = i; k < top; ++k) trusted[k] = false;
    }
  }
  return trusted;
}

}  // namespace pinnacle
