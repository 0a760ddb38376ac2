// Names and header pages of segment files.
#ifndef PINNACLE_JOURNAL_SEGMENT_HEADER_H_
#define PINNACLE_JOURNAL_SEGMENT_HEADER_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "journal/format.h"
#include "platform/file_system.h"

namespace pinnacle {

// What says that files belong together: every segment and snapshot of a data directory carries it.
struct JournalId {
  uint64_t low = 0;
  uint64_t high = 0;
  friend bool operator==(const JournalId&, const JournalId&) = default;
};

inline JournalId JournalIdOf(const SegmentHeader& header) {
  return {header.journal_id_low, header.journal_id_high};
}

// 32 hex digits, the high half first.
std::string JournalIdText(const JournalId& id);

std::string SegmentName(uint64_t index);  // "00000000000000000001.segment"
std::string SpareName(uint64_t index);    // "00000000000000000001.spare"
bool ParseSegmentName(std::string_view name, uint64_t* index);
bool ParseSpareName(std::string_view name, uint64_t* index);

struct SegmentFile {
  uint64_t index;
  std::string path;
};

// The segment files of a journal directory, by index. A missing directory has none.
Status ListSegments(FileSystem* file_system, const std::string& journal_directory,
                    std::vector<SegmentFile>* segments);

// Fills in the checksum.
void SealSegmentHeader(SegmentHeader* header);

// kNotOurFile, kNewerVersion, kUnknownFeature, kCorrupt (checksum, geometry or another index than
// the name says).
Status CheckSegmentHeader(const SegmentHeader& header, const SegmentFile& file);

// Reads and checks the header; also kIo. Beside a writer too, which may be giving it a feature.
Status ReadSegmentHeader(const File& file, const SegmentFile& name, SegmentHeader* header);

// Sets mandatory features in the header of a segment that is written to, durably: the header lies
// in one sector, so a crash leaves the old one or the new one. The caller lets no other thread sync
// the file meanwhile. After an error it is not known what the file has.
Status AddMandatoryFeatures(File* file, const SegmentFile& name, uint64_t features);

// The highest durable sequence that the header page's marks name; 0 if none verifies. `page` holds
// kSegmentHeaderBytes.
uint64_t ReadFrontierMarks(std::span<const uint8_t> page, uint32_t seed, uint64_t* counter);

// The link of a segment whose header page is `page`.
struct SegmentLink {
  uint64_t link = 0;
  uint64_t counter = 0;  // of the newest valid mark; 0: there is none, the link is the segment's id
  bool damaged = false;  // a slot holds bytes that do not verify: the link may be an older one
};
SegmentLink ReadLink(std::span<const uint8_t> page, const SegmentHeader& header);

// The bytes of a link mark, and the place in the header page that is `counter`'s turn.
LinkMark MakeLinkMark(uint32_t seed, uint64_t link, uint64_t counter, uint64_t timestamp_ns);
inline uint64_t LinkMarkOffset(uint64_t counter) { return kLinkMarkOffsets[counter % 2]; }

// The header of a new segment, sealed.
SegmentHeader MakeSegmentHeader(JournalId journal_id, uint64_t index, uint64_t segment_id,
                                uint64_t recycled_from, uint64_t segment_bytes,
                                uint64_t predecessor_link, uint64_t mandatory_features,
                                uint64_t created_ns);

// A mark, for the slot that is `counter`'s turn.
FrontierMark MakeFrontierMark(uint32_t seed, uint64_t durable_sequence, uint64_t counter,
                              uint64_t timestamp_ns);

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_SEGMENT_HEADER_H_
