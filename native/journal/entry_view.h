// A verified entry as the scan and the readers hand it to their visitors. It has all that a visitor
// learns of an entry's bytes.
#ifndef PINNACLE_JOURNAL_ENTRY_VIEW_H_
#define PINNACLE_JOURNAL_ENTRY_VIEW_H_

#include <cstdint>
#include <cstring>
#include <span>

#include "journal/entry_check.h"
#include "journal/format.h"

namespace pinnacle {

struct SegmentFacts;

// For a visitor that reads the entry again.
struct EntryPlace {
  const SegmentFacts* segment = nullptr;  // null: not known
  uint64_t offset = 0;                    // in the segment
  // How much can be read from the entry on, into what follows it: for looking ahead. A reader of a
  // scan has not verified what follows.
  uint64_t bytes_ahead = 0;
};

// Valid during the call that it is handed to.
struct EntryView {
  EntryHeader header;
  std::span<const uint8_t> bytes;  // all of the entry, whole lines
  EntryPlace place;

  const uint8_t* payload() const { return bytes.data() + sizeof(EntryHeader); }
  EntryTrailer trailer() const { return LoadTrailer(bytes.data(), bytes.size()); }
  uint64_t first_sequence() const { return FirstSequenceOf(header, bytes.data()); }
  // Of a hole.
  HolePayload hole() const { return LoadHole(bytes.data()); }
};

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_ENTRY_VIEW_H_
