// A segment that is written to: through its file, or (the mapped path) through a mapping of it.
#ifndef PINNACLE_JOURNAL_SEGMENT_H_
#define PINNACLE_JOURNAL_SEGMENT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "journal/format.h"
#include "platform/file_system.h"

namespace pinnacle {

struct Segment {
  uint64_t index = 0;
  uint64_t segment_id = 0;
  uint64_t link = 0;  // what the next segment's header names
  uint32_t seed = 0;
  uint64_t bytes = 0;
  std::string path;
  FileIdentity identity;
  std::unique_ptr<File> file;
  std::unique_ptr<Mapping> mapping;  // null on the window's path

  // Used by the syncing thread, under the journal's flush lock.
  uint64_t synced_offset = kSegmentHeaderBytes;
  uint64_t mark_counter = 0;
  uint64_t filled_offset = 0;  // below, the device has what a sync would have to give it room for
  // Of the mapped path, used by the supply thread.
  uint64_t prefaulted_offset = 0;
};

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_SEGMENT_H_
