// What a data directory holds now to be backed up, with or without a live writer: which snapshots,
// and which part of the journal up to an entry known to be durable.
//
// It changes nothing, takes locks only to check them, and decides by identity (segment id, link,
// first entry), never by a name alone.
#ifndef PINNACLE_BACKUP_SOURCE_H_
#define PINNACLE_BACKUP_SOURCE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "journal/layout.h"
#include "platform/environment.h"
#include "snapshot/snapshot_info.h"

namespace pinnacle {

struct SourceSegment {
  SegmentFile file;
  SegmentHeader header{};
  SegmentLink link;
  uint64_t first_sequence = 0;  // 0: it has no entry
  uint64_t last_sequence = 0;   // last entry to copy; 0: none
  uint64_t bytes = 0;           // to copy: up to its end, or to the end of that entry
  bool whole = false;           // another one follows: it no longer changes
};

struct SourceJournal {
  bool live = false;  // a writer has the directory open
  HeadFinding head;
  JournalId journal_id;
  std::vector<SourceSegment> segments;  // without a gap; the last one is not `whole`
  uint64_t last_sequence = 0;           // to copy
};

// kNotFound: there is no data directory, or no journal in it. kIsBackup. kInvalidOperation: an
// interrupted repair is pending.
Status CheckSource(FileSystem* file_system, const std::string& data_directory);

// The journal from the segment that holds entry `snapshot_sequence` on (0: from the beginning) to
// the last durable entry. `durable` (or null) returns the durable frontier if the caller knows
// better than the files; it is called first. With a live writer that is the end, otherwise what a
// strict open would recover. kCorrupt, kJournalGap: what such an open would return.
Status LookAtJournal(const Environment& environment, const std::string& data_directory,
                     uint64_t snapshot_sequence, const std::function<uint64_t()>& durable,
                     SourceJournal* journal);

// Whether the file of this name is still the segment. kNotFound counts as no.
Status IsStillThere(FileSystem* file_system, const SourceSegment& segment, bool* there);

}  // namespace pinnacle

#endif  // PINNACLE_BACKUP_SOURCE_H_
