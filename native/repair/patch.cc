#include "repair/patch.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "base/zeros.h"
#include "checksum/crc32c.h"
#include "journal/entry_check.h"
#include "journal/segment_reader.h"
#include "journal/segment_run.h"
#include "platform/read_fully.h"

namespace pinnacle {

namespace {

constexpr uint64_t kCopyBytes = 256 * 1024;

uint64_t RandomId(RandomSource* random) {
  uint64_t id = 0;
  while (id == 0) id = random->NextU64();
  return id;
}

// One hole entry of `bytes` bytes, in whole lines.
std::vector<uint8_t> EncodeHole(const HolePayload& hole, uint64_t sequence, uint64_t bytes,
                                uint32_t seed, uint64_t now_ns) {
  std::vector<uint8_t> entry(bytes);
  EntryHeader header{};
  header.payload_bytes = static_cast<uint32_t>(bytes - kEntryOverheadBytes);
  header.type = kHoleType;
  header.flags = kFlagWritten;
  header.sequence = sequence;
  header.timestamp_ns = now_ns;
  std::memcpy(entry.data(), &header, sizeof(header));
  std::memcpy(entry.data() + sizeof(header), &hole, sizeof(hole));
  EntryTrailer trailer{kMaxDurableLag, 0};
  std::memcpy(entry.data() + bytes - sizeof(trailer), &trailer, sizeof(trailer));
  trailer.checksum = Crc32cExtend(seed, entry.data(), bytes - sizeof(trailer.checksum));
  std::memcpy(entry.data() + bytes - sizeof(trailer.checksum), &trailer.checksum,
              sizeof(trailer.checksum));
  return entry;
}

class SegmentWriter {
 public:
  SegmentWriter(const Environment& environment, const SegmentPlan& plan, File* file)
      : environment_(environment), plan_(plan), file_(file) {}

  Status Write(JournalId journal_id, uint64_t snapshot_sequence) {
    PINNACLE_RETURN_IF_ERROR(file_->Preallocate(plan_.segment_bytes));
    PINNACLE_RETURN_IF_ERROR(WriteHeaderPage(journal_id));
    uint64_t offset = kSegmentHeaderBytes;
    for (const Filler& filler : plan_.fillers) {
      PINNACLE_RETURN_IF_ERROR(Copy(offset, filler.begin));
      PINNACLE_RETURN_IF_ERROR(WriteHoles(filler, snapshot_sequence));
      offset = filler.end;
    }
    PINNACLE_RETURN_IF_ERROR(
        Copy(offset, plan_.cut_offset != 0 ? plan_.cut_offset : plan_.segment_bytes));
    return file_->Sync();
  }

 private:
  uint32_t seed() const { return SeedOfSegment(plan_.segment_id); }

  Status WriteHeaderPage(JournalId journal_id) {
    std::vector<uint8_t> page(kSegmentHeaderBytes);
    const SegmentHeader& old = plan_.facts.header;
    const SegmentHeader header =
        MakeSegmentHeader(journal_id, plan_.facts.file.index, plan_.segment_id,
                          plan_.facts.missing ? 0 : old.recycled_from_id, plan_.segment_bytes,
                          plan_.predecessor_link, plan_.facts.missing ? 0 : old.mandatory_features,
                          plan_.facts.missing ? environment_.clock->NowNs() : old.created_ns);
    std::memcpy(page.data(), &header, sizeof(header));
    if (plan_.link != plan_.segment_id) {
      const uint64_t counter = plan_.facts.link.counter + (plan_.relinked ? 1 : 0);
      const LinkMark mark = MakeLinkMark(seed(), plan_.link, std::max<uint64_t>(counter, 1),
                                         environment_.clock->NowNs());
      std::memcpy(page.data() + LinkMarkOffset(mark.counter), &mark, sizeof(mark));
    }
    return file_->Write(0, page);
  }

  // Copies from the existing segment. Zeros need not be written: the new file has them.
  Status Copy(uint64_t begin, uint64_t end) {
    if (plan_.facts.missing || begin >= end) return Status();
    if (source_ == nullptr) {
      PINNACLE_RETURN_IF_ERROR(
          environment_.file_system->Open(plan_.facts.file.path, OpenMode::kRead, &source_));
    }
    std::vector<uint8_t> bytes(kCopyBytes);
    while (begin < end) {
      const size_t wanted = static_cast<size_t>(std::min(end - begin, kCopyBytes));
      size_t bytes_read = 0;
      PINNACLE_RETURN_IF_ERROR(ReadFully(*source_, begin, {bytes.data(), wanted}, &bytes_read));
      if (bytes_read == 0) return Status();  // treat a short file's end as zeros
      if (!AllZero(bytes.data(), bytes_read)) {
        PINNACLE_RETURN_IF_ERROR(file_->Write(begin, {bytes.data(), bytes_read}));
      }
      begin += bytes_read;
    }
    return Status();
  }

  // One entry if it fits the longest possible one. Of several, the first carries the loss and the
  // others none.
  Status WriteHoles(const Filler& filler, uint64_t snapshot_sequence) {
    constexpr uint64_t kMostBytes = EntryBytes(kMaxPayloadBytes);
    HolePayload hole{filler.first_sequence, 0, filler.entries_left_out};
    if (filler.first_sequence <= std::min(filler.last_sequence, snapshot_sequence)) {
      hole.snapshot_sequence = snapshot_sequence;
    }
    for (uint64_t begin = filler.begin; begin < filler.end;) {
      const uint64_t bytes = std::min(filler.end - begin, kMostBytes);
      PINNACLE_RETURN_IF_ERROR(file_->Write(
          begin,
          EncodeHole(hole, filler.last_sequence, bytes, seed(), environment_.clock->NowNs())));
      hole = {filler.last_sequence + 1, 0, 0};
      begin += bytes;
    }
    return Status();
  }

  const Environment& environment_;
  const SegmentPlan& plan_;
  File* const file_;
  std::unique_ptr<File> source_;
};

Status Verify(FileSystem* fs, const SegmentPlan& plan, const std::string& path) {
  std::unique_ptr<File> file;
  PINNACLE_RETURN_IF_ERROR(fs->Open(path, OpenMode::kRead, &file));
  file->DropCache();
  SegmentHeader header;
  PINNACLE_RETURN_IF_ERROR(ReadSegmentHeader(*file, {plan.facts.file.index, path}, &header));
  SegmentReader reader(file.get(), plan.segment_bytes, SeedOfSegment(plan.segment_id));
  reader.Seek(kSegmentHeaderBytes);
  SegmentRun run;
  PINNACLE_RETURN_IF_ERROR(FollowRun(&reader, plan.first_sequence, RunProof(),
                                     MayHaveTransactions(header), &run, IgnoreEntries()));
  if (run.next_sequence != plan.next_sequence || run.end_offset != plan.end_offset) {
    return Status(Code::kIo, path + " reads back differently from how it was written (to entry " +
                                 std::to_string(run.next_sequence) + " instead of " +
                                 std::to_string(plan.next_sequence) + "); check the device");
  }
  return Status();
}

}  // namespace

void AssignLinks(RandomSource* random, std::vector<SegmentPlan>* plans) {
  uint64_t wanted = 0;  // the link that the next segment names; 0: it names none
  for (size_t i = plans->size(); i-- > 0;) {
    SegmentPlan& plan = (*plans)[i];
    if (plan.facts.missing) {
      plan.segment_id = plan.link = wanted != 0 ? wanted : RandomId(random);
      wanted = 0;
      continue;
    }
    plan.segment_id = plan.facts.header.segment_id;
    plan.link = plan.facts.link.link;
    if (wanted != 0 && plan.link != wanted) {
      plan.link = wanted;
      plan.relinked = true;
    }
    wanted = plan.facts.header.version >= 2 ? plan.facts.header.predecessor_link : 0;
  }
  for (size_t i = 0; i < plans->size(); ++i) {
    SegmentPlan& plan = (*plans)[i];
    // (A segment of version 1 names no link.)
    const bool keeps = !plan.facts.missing && plan.facts.header.version >= 2;
    plan.predecessor_link = 0;
    if (keeps) {
      plan.predecessor_link = plan.facts.header.predecessor_link;
    } else if (i > 0) {
      plan.predecessor_link = (*plans)[i - 1].link;
    }
  }
}

Status WriteSegment(const Environment& environment, JournalId journal_id, const SegmentPlan& plan,
                    uint64_t snapshot_sequence, const std::string& path) {
  {
    std::unique_ptr<File> file;
    PINNACLE_RETURN_IF_ERROR(environment.file_system->Open(path, OpenMode::kCreate, &file));
    PINNACLE_RETURN_IF_ERROR(
        SegmentWriter(environment, plan, file.get()).Write(journal_id, snapshot_sequence));
  }
  return Verify(environment.file_system, plan, path);
}

}  // namespace pinnacle
