#include "journal/layout.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/zeros.h"
#include "journal/entry_check.h"
#include "platform/read_fully.h"

namespace pinnacle {

namespace {

Status ReadFacts(FileSystem* fs, SegmentFacts* facts) {
  std::unique_ptr<File> file;
  PINNACLE_RETURN_IF_ERROR(fs->Open(facts->file.path, OpenMode::kRead, &file));
  facts->header_status = ReadSegmentHeader(*file, facts->file, &facts->header);
  facts->header_valid = facts->header_status.ok();
  if (!facts->header_valid) {
    facts->misfit = std::string(facts->header_status.message());
    return facts->header_status.code() == Code::kCorrupt ? Status() : facts->header_status;
  }
  std::vector<uint8_t> page(kSegmentHeaderBytes);
  size_t page_bytes = 0;
  PINNACLE_RETURN_IF_ERROR(ReadFully(*file, 0, page, &page_bytes));
  facts->link = ReadLink({page.data(), page_bytes}, facts->header);
  return ReadFirstEntry(fs, facts);
}

// The id that the directory's files must have. A head record says it, unless all segments agree on
// another one: then it is the head record that was copied here.
void DecideJournalId(Layout* layout) {
  std::map<std::pair<uint64_t, uint64_t>, size_t> votes;
  for (const SegmentFacts& segment : layout->segments) {
    if (segment.header_valid)
      ++votes[{JournalIdOf(segment.header).low, JournalIdOf(segment.header).high}];
  }
  if (layout->head.valid) {
    const JournalId named = JournalIdOf(layout->head.record);
    layout->journal_id = named;
    layout->has_journal_id = true;
    if (votes.size() != 1 || votes.contains({named.low, named.high})) return;
    layout->head.valid = false;
    layout->damage = "the head record belongs to another journal (" + JournalIdText(named) + ")";
  }
  size_t most = 0;
  for (auto it = layout->segments.rbegin(); it != layout->segments.rend(); ++it) {
    if (!it->header_valid) continue;
    const JournalId id = JournalIdOf(it->header);
    const size_t count = votes[{id.low, id.high}];
    if (count <= most) continue;
    most = count;
    layout->journal_id = id;
    layout->has_journal_id = true;
  }
}

// Puts a place for each segment that should be there and is not. Without a head record the indices
// have no gap; that is all that can be known.
void PlaceMissing(const std::string& journal_directory, Layout* layout) {
  const HeadRecord& head = layout->head.record;
  std::vector<SegmentFacts>& found = layout->segments;
  // The segments that there must be.
  uint64_t first = found.empty() ? 0 : found.front().file.index;
  uint64_t last = found.empty() ? 0 : found.back().file.index;
  if (layout->head.valid) {
    const auto above = std::find_if(found.begin(), found.end(), [&](const SegmentFacts& segment) {
      return segment.file.index >= head.oldest_index;
    });
    layout->leftovers.assign(std::make_move_iterator(found.begin()),
                             std::make_move_iterator(above));
    found.erase(found.begin(), above);
    first = head.oldest_index;
    last = std::max(head.newest_index, head.ready_index);
  }
  // A file whose number is far off is one stray file and not a million missing ones.
  constexpr uint64_t kMostMissing = 1'000'000;
  std::vector<SegmentFacts> placed;
  uint64_t next = std::max<uint64_t>(first, 1);
  const auto place = [&](uint64_t end) {
    end = std::min(end, last + 1);
    for (uint64_t missing = 0; next < end && missing < kMostMissing; ++next, ++missing) {
      SegmentFacts absent;
      absent.file = {next, journal_directory + "/" + SegmentName(next)};
      absent.missing = true;
      absent.misfit = "segment " + std::to_string(next) + " is missing (" + absent.file.path + ")";
      placed.push_back(std::move(absent));
    }
  };
  for (SegmentFacts& segment : found) {
    place(segment.file.index);
    next = segment.file.index + 1;
    placed.push_back(std::move(segment));
  }
  place(last + 1);
  found = std::move(placed);
}

// Why a segment is not the one that the head record names; empty if it is, or if the record does
// not name it.
std::string MisfitWithHead(const HeadRecord& head, const SegmentFacts& segment) {
  const uint64_t index = segment.file.index;
  const uint64_t id = segment.header.segment_id;
  const std::string& path = segment.file.path;
  if ((index == head.oldest_index && id != head.oldest_id) ||
      (index == head.newest_index && id != head.newest_id) ||
      (index == head.ready_index && id != head.ready_id)) {
    return path + " is another segment than the one that the head record names";
  }
  const uint64_t link = segment.link.link;
  if (index == head.newest_index && link != head.newest_link &&
      (head.newest_link_before == 0 || link != head.newest_link_before)) {
    return path + " was written on elsewhere: its link is not the one that the head record names";
  }
  if (index == head.ready_index && link != id) {
    return path + " was written on elsewhere: the head record does not know of it";
  }
  const uint64_t last = std::max(head.newest_index, head.ready_index);
  if (index > last && segment.first_line_used) {
    return path + " holds entries, but the head record ends at segment " + std::to_string(last);
  }
  return "";
}

// From the youngest on backwards, since each segment names the link of the one before it.
void JudgeSegments(Layout* layout) {
  const HeadFinding& head = layout->head;
  const uint64_t last =
      head.valid ? std::max(head.record.newest_index, head.record.ready_index) : UINT64_MAX;
  std::optional<uint64_t> wanted_link;
  for (size_t i = layout->segments.size(); i-- > 0;) {
    SegmentFacts& segment = layout->segments[i];
    if (segment.belongs() && !(JournalIdOf(segment.header) == layout->journal_id)) {
      segment.misfit = segment.file.path + " belongs to another journal (" +
                       JournalIdText(JournalIdOf(segment.header)) + ")";
    }
    if (segment.belongs() && head.valid) segment.misfit = MisfitWithHead(head.record, segment);
    if (segment.belongs() && wanted_link.has_value() && segment.link.link != *wanted_link) {
      segment.misfit = segment.file.path +
                       " is not the segment that the next one continues: it was written on "
                       "elsewhere, or its link is damaged";
    }
    wanted_link.reset();
    // (One that names none, 0, follows no other.)
    const bool names_link =
        segment.belongs() && segment.header.version >= 2 && segment.file.index <= last;
    if (names_link) wanted_link = segment.header.predecessor_link;
  }
}

bool NeedsHead(const Layout& layout) {
  return std::any_of(layout.segments.begin(), layout.segments.end(),
                     [](const SegmentFacts& segment) {
                       return segment.header_valid && segment.header.version >= 2;
                     });
}

Status ListJournal(FileSystem* fs, const std::string& journal_directory, Layout* layout) {
  layout->journal_directory = journal_directory;
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(journal_directory, &exists));
  if (!exists) return Status();
  std::vector<std::string> names;
  PINNACLE_RETURN_IF_ERROR(fs->List(journal_directory, &names));
  for (const std::string& name : names) {
    uint64_t number = 0;
    if (ParseSpareName(name, &number)) layout->spares.push_back(number);
    if (!ParseSegmentName(name, &number)) continue;
    SegmentFacts facts;
    facts.file = {number, journal_directory + "/" + name};
    Status read = ReadFacts(fs, &facts);
    if (read.code() == Code::kNotFound) continue;  // compacted away since it was listed
    PINNACLE_RETURN_IF_ERROR(std::move(read));
    layout->segments.push_back(std::move(facts));
  }
  std::sort(
      layout->segments.begin(), layout->segments.end(),
      [](const SegmentFacts& a, const SegmentFacts& b) { return a.file.index < b.file.index; });
  return Status();
}

void Judge(const std::string& journal_directory, Layout* layout) {
  DecideJournalId(layout);
  PlaceMissing(journal_directory, layout);
  JudgeSegments(layout);
}

}  // namespace

Status ReadFirstEntry(FileSystem* fs, SegmentFacts* facts) {
  std::unique_ptr<File> file;
  PINNACLE_RETURN_IF_ERROR(fs->Open(facts->file.path, OpenMode::kRead, &file));
  const uint64_t segment_bytes = facts->header.segment_bytes;
  std::vector<uint8_t> bytes(kLineBytes);
  size_t bytes_read = 0;
  PINNACLE_RETURN_IF_ERROR(ReadFully(*file, kSegmentHeaderBytes, bytes, &bytes_read));
  if (bytes_read < kLineBytes) return Status();
  facts->first_line_used = !AllZero(bytes.data(), bytes.size());
  const EntryHeader header = LoadHeader(bytes.data());
  if (!HeaderIsPlausible(header)) return Status();
  const uint64_t entry_bytes = EntryBytes(header.payload_bytes);
  if (kSegmentHeaderBytes + entry_bytes > segment_bytes) return Status();
  bytes.resize(entry_bytes);
  PINNACLE_RETURN_IF_ERROR(ReadFully(*file, kSegmentHeaderBytes, bytes, &bytes_read));
  if (bytes_read < entry_bytes) return Status();
  const uint32_t seed = SeedOfSegment(facts->header.segment_id);
  if (CheckEntry(bytes, kSegmentHeaderBytes, seed).state == EntryState::kValid) {
    facts->first_sequence = FirstSequenceOf(header, bytes.data());
  }
  return Status();
}

std::string JournalDirectory(const std::string& data_directory) {
  return data_directory + "/journal";
}

Status ReadLayout(FileSystem* fs, const std::string& data_directory, bool live, Layout* layout) {
  constexpr int kMostLooks = 100;
  const std::string journal_directory = JournalDirectory(data_directory);
  for (int look = 0; look < kMostLooks; ++look) {
    *layout = Layout();
    PINNACLE_RETURN_IF_ERROR(ReadHead(fs, data_directory, &layout->head));
    PINNACLE_RETURN_IF_ERROR(ListJournal(fs, journal_directory, layout));
    if (live) {
      HeadFinding after;
      PINNACLE_RETURN_IF_ERROR(ReadHead(fs, data_directory, &after));
      if (after.record.counter != layout->head.record.counter) continue;
    }
    layout->damage = layout->head.problem;
    if (!layout->head.exists && NeedsHead(*layout)) {
      layout->damage = HeadPath(data_directory) +
                       " is missing: without the head record a missing segment would not be "
                       "noticed";
    }
    Judge(journal_directory, layout);
    return Status();
  }
  return Status(Code::kBusy, data_directory +
                                 ": the writer makes and removes segments faster than they can be "
                                 "read; try again, or after the writer has closed it");
}

Status ReadSegments(FileSystem* fs, const std::string& journal_directory, Layout* layout) {
  *layout = Layout();
  PINNACLE_RETURN_IF_ERROR(ListJournal(fs, journal_directory, layout));
  Judge(journal_directory, layout);
  return Status();
}

}  // namespace pinnacle
