// Which files a journal consists of, and which of them belong: the segments in order with a place
// for each one that is missing, checked against the head record and each other. docs/format.md,
// "What must be there", has the rules.
//
// It reads header pages and first entries, and changes nothing.
#ifndef PINNACLE_JOURNAL_LAYOUT_H_
#define PINNACLE_JOURNAL_LAYOUT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "journal/head_record.h"
#include "journal/segment_header.h"
#include "platform/file_system.h"

namespace pinnacle {

// What was found out about one segment.
struct SegmentFacts {
  SegmentFile file;
  SegmentHeader header{};
  bool header_valid = false;
  Status header_status;
  bool missing = false;  // there is no such file; it should be there
  SegmentLink link;
  std::string misfit;  // why it does not belong; empty if it does
  // The first entry's; 0: the first entry's place has none, or none that verifies.
  uint64_t first_sequence = 0;
  bool first_line_used = false;  // the first line is not zero
  uint64_t last_sequence = 0;
  uint64_t entries = 0;
  uint64_t end_offset = kSegmentHeaderBytes;  // after the last good entry
  uint64_t mark_counter = 0;
  // Known if all segments are verified: something follows the last entry, and the next segment
  // continues the run.
  bool rest_is_used = false;

  bool belongs() const { return misfit.empty(); }
};

struct Layout {
  std::string journal_directory;
  HeadFinding head;
  JournalId journal_id;
  bool has_journal_id = false;
  std::vector<SegmentFacts> segments;   // from the oldest on, without a gap
  std::vector<SegmentFacts> leftovers;  // below the oldest: of an interrupted compaction
  std::vector<uint64_t> spares;         // numbers of the .spare files
  std::string damage;                   // of the head record; empty if there is none
};

std::string JournalDirectory(const std::string& data_directory);

// The layout of a data directory. Only I/O errors, kNotOurFile, kNewerVersion and kUnknownFeature
// come back as a Status; damage is in the layout. A directory without a journal has no segment.
// `live`: a writer may be at work; the layout is then one that the head record agrees with. kBusy:
// it changes too fast for that.
Status ReadLayout(FileSystem* file_system, const std::string& data_directory, bool live,
                  Layout* layout);

// The same of a journal directory on its own, for which no head record is looked for.
Status ReadSegments(FileSystem* file_system, const std::string& journal_directory, Layout* layout);

// Fills in what is found at the place of a segment's first entry.
Status ReadFirstEntry(FileSystem* file_system, SegmentFacts* facts);

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_LAYOUT_H_
