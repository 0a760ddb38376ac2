#include "journal/segment_header.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/zeros.h"
#include "checksum/crc32c.h"
#include "platform/read_fully.h"

namespace pinnacle {

namespace {

constexpr std::string_view kSegmentSuffix = ".segment";
constexpr std::string_view kSpareSuffix = ".spare";
constexpr size_t kIndexDigits = 20;
constexpr int kHeaderLooks = 8;

std::string NameOf(uint64_t index, std::string_view suffix) {
  char digits[kIndexDigits + 1];
  std::snprintf(digits, sizeof(digits), "%020llu", static_cast<unsigned long long>(index));
  return std::string(digits) + std::string(suffix);
}

bool ParseName(std::string_view name, std::string_view suffix, uint64_t* index) {
  if (name.size() != kIndexDigits + suffix.size() || !name.ends_with(suffix)) return false;
  uint64_t value = 0;
  for (char c : name.substr(0, kIndexDigits)) {
    if (c < '0' || c > '9') return false;
    const uint64_t digit = static_cast<uint64_t>(c - '0');
    if (value > (UINT64_MAX - digit) / 10) return false;
    value = value * 10 + digit;
  }
  *index = value;
  return value != 0;
}

uint32_t HeaderChecksum(const SegmentHeader& header) {
  SegmentHeader copy = header;
  copy.checksum = 0;
  return Crc32c({reinterpret_cast<const uint8_t*>(&copy), sizeof(copy)});
}

uint32_t MarkChecksum(const FrontierMark& mark, uint32_t seed) {
  return Crc32cExtend(seed, reinterpret_cast<const uint8_t*>(&mark),
                      offsetof(FrontierMark, checksum));
}

}  // namespace

std::string JournalIdText(const JournalId& id) {
  char text[33];
  std::snprintf(text, sizeof(text), "%016llx%016llx", static_cast<unsigned long long>(id.high),
                static_cast<unsigned long long>(id.low));
  return text;
}

std::string SegmentName(uint64_t index) { return NameOf(index, kSegmentSuffix); }
std::string SpareName(uint64_t index) { return NameOf(index, kSpareSuffix); }

bool ParseSegmentName(std::string_view name, uint64_t* index) {
  return ParseName(name, kSegmentSuffix, index);
}

bool ParseSpareName(std::string_view name, uint64_t* index) {
  return ParseName(name, kSpareSuffix, index);
}

Status ListSegments(FileSystem* file_system, const std::string& journal_directory,
                    std::vector<SegmentFile>* segments) {
  segments->clear();
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(file_system->Exists(journal_directory, &exists));
  if (!exists) return Status();
  std::vector<std::string> names;
  PINNACLE_RETURN_IF_ERROR(file_system->List(journal_directory, &names));
  for (const std::string& name : names) {
    uint64_t index = 0;
    if (ParseSegmentName(name, &index)) {
      segments->push_back({index, journal_directory + "/" + name});
    }
  }
  std::sort(segments->begin(), segments->end(),
            [](const SegmentFile& a, const SegmentFile& b) { return a.index < b.index; });
  return Status();
}

void SealSegmentHeader(SegmentHeader* header) { header->checksum = HeaderChecksum(*header); }

Status CheckSegmentHeader(const SegmentHeader& header, const SegmentFile& file) {
  const bool sound = header.checksum == HeaderChecksum(header);
  if (std::memcmp(header.magic, kSegmentMagic, sizeof(kSegmentMagic)) != 0) {
    const bool zero = std::all_of(std::begin(header.magic), std::end(header.magic),
                                  [](char c) { return c == 0; });
    if (zero) return Status(Code::kCorrupt, file.path + ": the segment header is gone (zeros)");
    // One damaged byte is damage; a file that has nothing of ours is another file.
    int same = 0;
    for (size_t i = 0; i < sizeof(kSegmentMagic); ++i) {
      same += header.magic[i] == kSegmentMagic[i] || header.magic[i] == 0;
    }
    if (same >= 4) {
      return Status(Code::kCorrupt, file.path + ": the segment header's first bytes are damaged");
    }
    return Status(
        Code::kNotOurFile,
        file.path + " does not start like a journal segment; move it out of the directory");
  }
  // The checksum is at the same place in every version, so a version that does not fit it is damage
  // and not news from the future.
  if (sound && header.version > kJournalVersion) {
    return Status(Code::kNewerVersion,
                  file.path + " has format version " + std::to_string(header.version) +
                      ", this library reads up to " + std::to_string(kJournalVersion) +
                      "; open it with a newer pinnacle-persistence");
  }
  if (!sound) {
    return Status(Code::kCorrupt, file.path + ": the segment header does not match its checksum");
  }
  if ((header.mandatory_features & ~kSupportedFeatures) != 0) {
    return Status(Code::kUnknownFeature,
                  file.path + " needs a feature that this library does not have (mandatory bits " +
                      std::to_string(header.mandatory_features) +
                      "); open it with a newer pinnacle-persistence");
  }
  if (header.version == 0 || header.header_bytes != kSegmentHeaderBytes ||
      header.segment_bytes < kMinSegmentBytes || header.segment_bytes > kMaxSegmentBytes ||
      header.segment_bytes % kPageBytes != 0) {
    return Status(Code::kCorrupt, file.path + ": the segment header names an impossible geometry");
  }
  if (!AllZero(header.key_id, sizeof(header.key_id))) {
    return Status(Code::kCorrupt, file.path +
                                      ": the segment header names a key, but not the feature that "
                                      "uses one");
  }
  if (header.segment_index != file.index) {
    return Status(Code::kCorrupt, file.path + " holds segment " +
                                      std::to_string(header.segment_index) +
                                      ": the file was renamed or copied over another");
  }
  return Status();
}

Status ReadSegmentHeader(const File& file, const SegmentFile& name, SegmentHeader* header) {
  const std::span<uint8_t> bytes(reinterpret_cast<uint8_t*>(header), sizeof(*header));
  Status status;
  for (int look = 0; look < kHeaderLooks; ++look) {
    const SegmentHeader before = *header;
    size_t bytes_read = 0;
    PINNACLE_RETURN_IF_ERROR(ReadFully(file, 0, bytes, &bytes_read));
    if (bytes_read < sizeof(*header)) {
      return Status(Code::kCorrupt, name.path + " is shorter than a segment header");
    }
    status = CheckSegmentHeader(*header, name);
    // Half of a change can only be seen while it is made: what stays so is damage.
    const bool same = look > 0 && std::memcmp(&before, header, sizeof(before)) == 0;
    if (status.code() != Code::kCorrupt || same) break;
  }
  return status;
}

Status AddMandatoryFeatures(File* file, const SegmentFile& name, uint64_t features) {
  SegmentHeader header{};
  PINNACLE_RETURN_IF_ERROR(ReadSegmentHeader(*file, name, &header));
  header.mandatory_features |= features;
  SealSegmentHeader(&header);
  // First the page is made clean: the kernel then begins to write it only after all of the change
  // is in it.
  PINNACLE_RETURN_IF_ERROR(file->Sync());
  PINNACLE_RETURN_IF_ERROR(
      file->Write(0, {reinterpret_cast<const uint8_t*>(&header), sizeof(header)}));
  return file->Sync();
}

uint64_t ReadFrontierMarks(std::span<const uint8_t> page, uint32_t seed, uint64_t* counter) {
  uint64_t sequence = 0;
  *counter = 0;
  for (uint64_t offset : kFrontierMarkOffsets) {
    if (offset + sizeof(FrontierMark) > page.size()) continue;
    FrontierMark mark;
    std::memcpy(&mark, page.data() + offset, sizeof(mark));
    if (mark.counter == 0 || mark.checksum != MarkChecksum(mark, seed)) continue;
    *counter = std::max(*counter, mark.counter);
    sequence = std::max(sequence, mark.durable_sequence);
  }
  return sequence;
}

SegmentLink ReadLink(std::span<const uint8_t> page, const SegmentHeader& header) {
  const uint32_t seed = SeedOfSegment(header.segment_id);
  SegmentLink result{header.segment_id, 0, false};
  for (uint64_t offset : kLinkMarkOffsets) {
    if (offset + sizeof(LinkMark) > page.size()) continue;
    LinkMark mark;
    std::memcpy(&mark, page.data() + offset, sizeof(mark));
    if (AllZero(page.data() + offset, sizeof(mark))) continue;
    if (mark.counter == 0 || mark.kind != kLinkKind || mark.link == 0 ||
        mark.checksum != Crc32cExtend(seed, reinterpret_cast<const uint8_t*>(&mark),
                                      offsetof(LinkMark, checksum))) {
      result.damaged = true;
      continue;
    }
    if (mark.counter > result.counter) {
      result.counter = mark.counter;
      result.link = mark.link;
    }
  }
  return result;
}

LinkMark MakeLinkMark(uint32_t seed, uint64_t link, uint64_t counter, uint64_t timestamp_ns) {
  LinkMark mark{link, counter, timestamp_ns, kLinkKind, 0};
  mark.checksum =
      Crc32cExtend(seed, reinterpret_cast<const uint8_t*>(&mark), offsetof(LinkMark, checksum));
  return mark;
}

SegmentHeader MakeSegmentHeader(JournalId journal_id, uint64_t index, uint64_t segment_id,
                                uint64_t recycled_from, uint64_t segment_bytes,
                                uint64_t predecessor_link, uint64_t mandatory_features,
                                uint64_t created_ns) {
  SegmentHeader header{};
  std::memcpy(header.magic, kSegmentMagic, sizeof(kSegmentMagic));
  header.version = kJournalVersion;
  header.header_bytes = kSegmentHeaderBytes;
  header.mandatory_features = mandatory_features;
  header.journal_id_low = journal_id.low;
  header.journal_id_high = journal_id.high;
  header.segment_index = index;
  header.segment_id = segment_id;
  header.recycled_from_id = recycled_from;
  header.segment_bytes = segment_bytes;
  header.created_ns = created_ns;
  header.predecessor_link = predecessor_link;
  SealSegmentHeader(&header);
  return header;
}

FrontierMark MakeFrontierMark(uint32_t seed, uint64_t durable_sequence, uint64_t counter,
                              uint64_t timestamp_ns) {
  FrontierMark mark{durable_sequence, counter, timestamp_ns, 0, 0};
  mark.checksum = MarkChecksum(mark, seed);
  return mark;
}

}  // namespace pinnacle
