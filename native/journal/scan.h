// The recovery scan: reads segments through pread, hands every verified entry to a visitor in
// sequence order, and gathers the evidence from which ClassifyTail decides what the end of the
// journal is.
//
// It changes nothing, and it never returns bytes that did not verify.
#ifndef PINNACLE_JOURNAL_SCAN_H_
#define PINNACLE_JOURNAL_SCAN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "journal/entry_check.h"
#include "journal/entry_view.h"
#include "journal/format.h"
#include "journal/layout.h"
#include "journal/tail_rules.h"
#include "platform/file_system.h"

namespace pinnacle {

struct ScanResult {
  std::vector<SegmentFacts> segments;  // the ones read, in order
  std::vector<SegmentFacts> below;     // the ones before them, not read: wholly below from_sequence
  TailEvidence evidence;
  TailVerdict verdict{Tail::kClean, ""};
  // The stop of the run: segments[stop_segment].end_offset; -1 if there is no segment.
  int64_t stop_segment = -1;
  int64_t damaged_segment = -1;  // the one that evidence.segment_damaged speaks of
  std::string damaged_path;      // of the file that evidence.directory_damaged speaks of
  bool live_tail = false;        // the tail moved while it was read: a writer is at it
  uint64_t entries = 0;
  uint64_t bytes_read = 0;
  uint64_t bytes_dropped = 0;    // non-zero lines after the stop, in bytes
  uint64_t entries_dropped = 0;  // valid entries after the stop
};

class EntryVisitor {
 public:
  virtual ~EntryVisitor() = default;
  // An error ends the scan.
  virtual Status Visit(const EntryView& entry) = 0;
  // false: the scan may leave Visit out.
  virtual bool NeedsEntries() const { return true; }
  virtual void Progress(uint64_t /*bytes_done*/, uint64_t /*bytes_total*/) {}
};

struct ScanOptions {
  // Entries below are verified but not visited; reading starts with the segment that holds it. 1:
  // all.
  uint64_t from_sequence = 1;
  // Known from elsewhere (a snapshot at S proves that S was durable).
  uint64_t known_durable = 0;
  // Verify also segments that are wholly below from_sequence.
  bool all_segments = false;
  // The sequence that a journal without any entry goes on with; 0: from_sequence.
  uint64_t next_if_empty = 0;
  // A writer may be at work: what is at the end is looked at again before it is judged, and a tail
  // that moves is sound.
  bool live = false;
  // The snapshot's proof: the entry at proof_sequence must have this checksum (0: not known).
  // Reading starts with the segment that holds it.
  uint64_t proof_sequence = 0;
  uint32_t proof_checksum = 0;
  // Threads that verify segments ahead, if the visitor needs no entries; 0: none.
  unsigned threads = 0;
};

// Only I/O errors (kIo and the like) and errors of the visitor come back as a Status; damage is a
// result.
Status ScanJournal(FileSystem* file_system, Layout layout, const ScanOptions& options,
                   EntryVisitor* visitor, ScanResult* result);

// The same of a journal directory on its own, without a head record. Also kNotOurFile,
// kNewerVersion and kUnknownFeature.
Status ScanJournal(FileSystem* file_system, const std::string& journal_directory,
                   const ScanOptions& options, EntryVisitor* visitor, ScanResult* result);

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_SCAN_H_
