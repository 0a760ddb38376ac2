// Writes the segment files of a repaired journal next to the existing ones, and reads them back.
#ifndef PINNACLE_REPAIR_PATCH_H_
#define PINNACLE_REPAIR_PATCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "journal/segment_header.h"
#include "platform/environment.h"
#include "repair/walk.h"

namespace pinnacle {

// Assigns ids and links so that every segment names the one before it. An unchanged segment keeps
// its header, so the one before it gets the link that it names.
void AssignLinks(RandomSource* random, std::vector<SegmentPlan>* plans);

// Writes the segment that `plan` describes to `path`, which must not exist, syncs it, and verifies
// that it reads back as planned. Kept entries keep their offset and their bytes, so what proves
// them (a snapshot's checksum) still does.
Status WriteSegment(const Environment& environment, JournalId journal_id, const SegmentPlan& plan,
                    uint64_t snapshot_sequence, const std::string& path);

}  // namespace pinnacle

#endif  // PINNACLE_REPAIR_PATCH_H_
