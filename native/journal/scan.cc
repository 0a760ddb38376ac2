#include "journal/scan.h"

#include <algorithm>
#include <utility>

#include "base/zeros.h"
#include "checksum/crc32c.h"
#include "journal/segment_prescan.h"
#include "journal/segment_reader.h"
#include "journal/segment_run.h"
#include "platform/read_fully.h"

namespace pinnacle {

namespace {

class Scanner {
 public:
  Scanner(FileSystem* file_system, const ScanOptions& options, EntryVisitor* visitor,
          ScanResult* result)
      : file_system_(file_system), options_(options), visitor_(visitor), result_(result) {}

  Status Run(Layout layout) {
    *result_ = ScanResult();
    evidence_ = &result_->evidence;
    evidence_->next_sequence =
        options_.next_if_empty != 0 ? options_.next_if_empty : options_.from_sequence;
    evidence_->known_durable = options_.known_durable;
    if (layout.head.valid) Claim(layout.head.record.durable_sequence);
    std::vector<SegmentFacts>& facts = layout.segments;
    const size_t start = options_.all_segments ? 0 : StartOf(facts);
    for (size_t i = 0; i < start; ++i) {
      if (!facts[i].belongs()) NoteDirectoryDamage(facts[i].misfit, facts[i].file.path);
      BoundBelow(facts, i);
      result_->below.push_back(std::move(facts[i]));
    }
    for (size_t i = start; i < facts.size(); ++i) {
      bytes_total_ += facts[i].belongs() ? facts[i].header.segment_bytes : 0;
      result_->segments.push_back(std::move(facts[i]));
    }
    StartPrescan();
    PINNACLE_RETURN_IF_ERROR(ScanRun());
    if (!layout.damage.empty()) NoteDirectoryDamage(layout.damage, "");
    result_->verdict = ClassifyTail(*evidence_);
    if (result_->verdict.tail == Tail::kCorrupt) {
      if (!segment_damage_.empty()) {
        result_->verdict.reason = segment_damage_;
      } else if (!directory_damage_.empty()) {
        result_->verdict.reason = directory_damage_;
      }
    }
    return Status();
  }

 private:
  // The segment to start reading at: the one that holds the anchor.
  size_t StartOf(const std::vector<SegmentFacts>& facts) const {
    const uint64_t anchor =
        options_.proof_sequence != 0 ? options_.proof_sequence : options_.from_sequence;
    size_t start = 0;
    uint64_t highest = 0;
    for (size_t i = 0; i < facts.size(); ++i) {
      if (facts[i].first_sequence == 0 || !facts[i].belongs()) continue;
      // Segments that do not go on from each other: start before the contradiction, to report it.
      if (facts[i].first_sequence <= highest) break;
      highest = facts[i].first_sequence;
      if (highest <= anchor) start = i;
    }
    return start;
  }

  // No entry of segment i is above this: the one before the next first entry that verifies. (If the
  // first entry of the next segment is damaged, that of a later one bounds it; so nothing is freed
  // too early.)
  static void BoundBelow(std::vector<SegmentFacts>& facts, size_t i) {
    for (size_t k = i + 1; k < facts.size(); ++k) {
      if (facts[k].first_sequence == 0) continue;
      facts[i].last_sequence = facts[k].first_sequence - 1;
      return;
    }
  }

  void NoteDirectoryDamage(const std::string& what, const std::string& path) {
    if (evidence_->directory_damaged) return;
    evidence_->directory_damaged = true;
    directory_damage_ = what;
    result_->damaged_path = path;
  }

  // Follows the run of good entries through the segments, then looks at what follows its end.
  Status ScanRun() {
    std::vector<SegmentFacts>& segments = result_->segments;
    for (size_t i = 0; i < segments.size(); ++i) {
      SegmentFacts& segment = segments[i];
      if (!segment.belongs()) {
        segment_damage_ = segment.misfit;
        evidence_->segment_damaged = true;
        result_->damaged_segment = static_cast<int64_t>(i);
        if (result_->stop_segment < 0) result_->stop_segment = static_cast<int64_t>(i);
        return ScanPastStop(i, kSegmentHeaderBytes);
      }
      if (i == 0 && segment.first_sequence != 0) {
        evidence_->next_sequence = segment.first_sequence;
      } else if (i == 0 && segment.file.index == 1 && segment.header.version >= 2) {
        // Nothing was compacted yet. (A salvage by version 1 began an empty journal after its
        // snapshot.)
        evidence_->next_sequence = 1;
      }
      result_->stop_segment = static_cast<int64_t>(i);
      bool stopped = false;
      PINNACLE_RETURN_IF_ERROR(ScanSegment(i, &stopped));
      if (stopped) return ScanPastStop(i, segment.end_offset);
    }
    return Status();
  }

  Status ScanSegment(size_t i, bool* stopped) {
    SegmentFacts& segment = result_->segments[i];
    std::unique_ptr<File> file;
    PINNACLE_RETURN_IF_ERROR(file_system_->Open(segment.file.path, OpenMode::kRead, &file));
    const uint32_t seed = SeedOfSegment(segment.header.segment_id);
    std::vector<uint8_t> page(kSegmentHeaderBytes);
    size_t page_bytes = 0;
    PINNACLE_RETURN_IF_ERROR(ReadFully(*file, 0, page, &page_bytes));
    const uint64_t marked =
        ReadFrontierMarks({page.data(), page_bytes}, seed, &segment.mark_counter);

    SegmentReader reader(file.get(), segment.header.segment_bytes, seed);
    reader.Seek(kSegmentHeaderBytes);
    SegmentRun run;
    Status followed;
    const SegmentPrescan::Outcome* ahead =
        prescan_ ? prescan_->Of(i, evidence_->next_sequence) : nullptr;
    if (ahead != nullptr) {
      followed = ahead->status;
      run = ahead->run;
      reader.Seek(run.end_offset);
      result_->bytes_read += ahead->bytes_read;
      if (visitor_ != nullptr) visitor_->Progress(bytes_done_ + run.end_offset, bytes_total_);
    } else {
      followed = FollowVisiting(segment, &reader, &run);
    }
    Adopt(run, &segment);
    PINNACLE_RETURN_IF_ERROR(std::move(followed));
    if (options_.live) PINNACLE_RETURN_IF_ERROR(FollowLiveTail(&segment, &reader));
    bytes_done_ += segment.header.segment_bytes;
    result_->bytes_read += reader.bytes_read() + page_bytes;
    *stopped = true;
    PINNACLE_RETURN_IF_ERROR(JudgeEnd(i, &reader, stopped));
    // A mark of a segment that the run passed can't be about what follows the segment.
    Claim(*stopped ? marked : std::min(marked, evidence_->next_sequence - 1));
    return Status();
  }

  // Whether the run goes on in segment i + 1. A full segment ends before an entry that did not fit;
  // that entry opens the next segment.
  Status JudgeEnd(size_t i, SegmentReader* reader, bool* stopped) {
    SegmentFacts& segment = result_->segments[i];
    if (evidence_->wrong_sequence || evidence_->segment_damaged) return Status();
    if (i + 1 == result_->segments.size()) return Status();
    if (options_.live) PINNACLE_RETURN_IF_ERROR(Refresh(i + 1));
    const SegmentFacts& next = result_->segments[i + 1];
    if (evidence_->broken_sequence != 0) {
      // The writer never goes on with a transaction in another segment.
      evidence_->transaction_contradicts |=
          next.belongs() && next.first_sequence == evidence_->broken_sequence;
      return Status();
    }
    const bool misfit = !next.belongs();
    // (Not if this one is empty: its first entry comes before the next one's.)
    const bool unreadable =
        misfit || (next.first_sequence == 0 && next.first_line_used && segment.entries > 0);
    if (!misfit && next.first_sequence == evidence_->next_sequence) {
      *stopped = false;
      if (!options_.all_segments) return Status();
      bool rest_is_zero = false;
      PINNACLE_RETURN_IF_ERROR(RestIsZero(reader, segment.header.segment_bytes, &rest_is_zero));
      segment.rest_is_used = !rest_is_zero;
    } else if (unreadable && evidence_->state == EntryState::kUnwritten) {
      // The next entry belongs to the next segment and can't be read: the break is there.
      bool rest_is_zero = false;
      PINNACLE_RETURN_IF_ERROR(RestIsZero(reader, segment.header.segment_bytes, &rest_is_zero));
      *stopped = !rest_is_zero;
    }
    return Status();
  }

  // Beside a writer the window may be older than what it stores meanwhile: looks again with fresh
  // eyes as long as that brings entries, and for a moment if an entry is just being stored.
  Status FollowLiveTail(SegmentFacts* segment, SegmentReader* reader) {
    for (int look = 0; look < kLiveLooks; ++look) {
      if (evidence_->state == EntryState::kValid) return Status();  // a contradiction, not a tail
      reader->Seek(segment->end_offset);
      SegmentRun more;
      more.end_offset = segment->end_offset;
      PINNACLE_RETURN_IF_ERROR(FollowVisiting(*segment, reader, &more));
      if (more.entries == 0 && more.state == EntryState::kUnwritten) break;
      if (more.entries > 0) AdoptMore(more, segment);
      NoteStop(more);
    }
    reader->Seek(segment->end_offset);
    return Status();
  }

  // Beside a writer a segment that was empty may have been entered.
  Status Refresh(size_t i) {
    SegmentFacts& segment = result_->segments[i];
    if (!segment.belongs() || segment.first_sequence != 0) return Status();
    return ReadFirstEntry(file_system_, &segment);
  }

  // Whether the place of the stop, looked at again, holds the entry that was missed there: then the
  // writer stored it meanwhile, and what was seen to follow it says nothing. Or all that is there
  // is the beginning of a transaction that the writer is just storing.
  Status TailMoved(const SegmentFacts& segment, bool* moved) {
    std::unique_ptr<File> file;
    PINNACLE_RETURN_IF_ERROR(file_system_->Open(segment.file.path, OpenMode::kRead, &file));
    SegmentReader reader(file.get(), segment.header.segment_bytes,
                         SeedOfSegment(segment.header.segment_id));
    reader.Seek(segment.end_offset);
    SegmentRun run;
    PINNACLE_RETURN_IF_ERROR(FollowRun(&reader, evidence_->next_sequence, RunProof(),
                                       MayHaveTransactions(segment.header), &run, IgnoreEntries()));
    const bool is_open = run.broken_sequence != 0 && !run.transaction_contradicts &&
                         run.state != EntryState::kDamaged &&
                         evidence_->known_durable < evidence_->next_sequence;
    *moved = run.entries > 0 || is_open;
    return Status();
  }

  // Follows a segment's run and hands its entries to the visitor.
  Status FollowVisiting(const SegmentFacts& segment, SegmentReader* reader, SegmentRun* run) {
    if (visitor_ == nullptr) {
      return FollowRun(reader, evidence_->next_sequence, Proof(),
                       MayHaveTransactions(segment.header), run, IgnoreEntries());
    }
    uint64_t next_progress = kProgressBytes;
    return FollowRun(
        reader, evidence_->next_sequence, Proof(), MayHaveTransactions(segment.header), run,
        [&](const EntryHeader& header, const uint8_t* entry, uint64_t bytes) -> Status {
          if (header.sequence >= options_.from_sequence) {
            const EntryPlace place{&segment, reader->offset(), reader->bytes_ahead()};
            PINNACLE_RETURN_IF_ERROR(visitor_->Visit({header, {entry, bytes}, place}));
          }
          if (reader->offset() + bytes >= next_progress) [[unlikely]] {
            visitor_->Progress(bytes_done_ + reader->offset() + bytes, bytes_total_);
            next_progress += kProgressBytes;
          }
          return Status();
        });
  }

  void Adopt(const SegmentRun& run, SegmentFacts* segment) {
    NoteStop(run);
    segment->entries = 0;
    if (run.entries > 0) segment->first_sequence = run.first_sequence;
    AdoptMore(run, segment);
    if (run.proof_failed) {
      evidence_->segment_damaged = true;
      segment_damage_ = segment->file.path + ": entry " + std::to_string(evidence_->next_sequence) +
                        " is not the one that the snapshot was taken at";
    }
  }

  void NoteStop(const SegmentRun& run) {
    evidence_->state = run.state;
    evidence_->wrong_sequence = run.wrong_sequence;
    evidence_->broken_sequence = run.broken_sequence;
    evidence_->transaction_contradicts = run.transaction_contradicts;
  }

  void AdoptMore(const SegmentRun& run, SegmentFacts* segment) {
    Claim(run.known_durable);
    segment->end_offset = run.end_offset;
    if (run.entries == 0) return;
    if (segment->entries == 0) segment->first_sequence = run.first_sequence;
    segment->entries += run.entries;
    segment->last_sequence = run.next_sequence - 1;
    evidence_->next_sequence = run.next_sequence;
    if (segment->last_sequence >= options_.from_sequence) {
      const uint64_t first = std::max(run.first_sequence, options_.from_sequence);
      result_->entries += std::min(run.entries, segment->last_sequence - first + 1);
    }
  }

  RunProof Proof() const { return {options_.proof_sequence, options_.proof_checksum}; }

  void StartPrescan() {
    if (options_.threads == 0 || (visitor_ != nullptr && visitor_->NeedsEntries())) return;
    std::vector<SegmentPrescan::Job> jobs;
    for (const SegmentFacts& segment : result_->segments) {
      SegmentPrescan::Job job;
      if (segment.belongs()) {
        job = {segment.file.path, segment.header.segment_bytes,
               SeedOfSegment(segment.header.segment_id), segment.first_sequence,
               MayHaveTransactions(segment.header)};
      }
      jobs.push_back(std::move(job));
    }
    prescan_ =
        std::make_unique<SegmentPrescan>(file_system_, std::move(jobs), Proof(), options_.threads);
  }

  static Status RestIsZero(SegmentReader* reader, uint64_t segment_bytes, bool* zero) {
    PINNACLE_RETURN_IF_ERROR(reader->SkipZeroLines());
    *zero = reader->offset() + kLineBytes > segment_bytes;
    return Status();
  }

  // Reads all that follows the stop: it decides whether the stop is the journal's end, and what a
  // cut would drop.
  Status ScanPastStop(size_t first, uint64_t offset) {
    const TailEvidence before = *evidence_;
    for (size_t i = first; i < result_->segments.size(); ++i) {
      SegmentFacts& segment = result_->segments[i];
      if (!segment.belongs()) {
        // Nothing in it counts, but its being there is damage.
        if (i > first && segment_damage_.empty()) {
          segment_damage_ = segment.misfit;
          evidence_->segment_damaged = true;
          result_->damaged_segment = static_cast<int64_t>(i);
        }
        offset = kSegmentHeaderBytes;
        continue;
      }
      PINNACLE_RETURN_IF_ERROR(ScanPastStopInSegment(segment, offset, i > first));
      offset = kSegmentHeaderBytes;
    }
    const SegmentFacts& stop = result_->segments[first];
    if (!options_.live || before.segment_damaged || !stop.belongs()) return Status();
    bool moved = false;
    PINNACLE_RETURN_IF_ERROR(TailMoved(stop, &moved));
    if (!moved && first + 1 < result_->segments.size()) {
      // Or the writer has entered the next segment meanwhile.
      PINNACLE_RETURN_IF_ERROR(Refresh(first + 1));
      const SegmentFacts& next = result_->segments[first + 1];
      moved = next.belongs() && next.first_sequence == before.next_sequence;
    }
    if (!moved) return Status();
    *evidence_ = before;
    evidence_->state = EntryState::kUnwritten;
    evidence_->broken_sequence = 0;
    evidence_->known_durable = std::min(before.known_durable, before.next_sequence - 1);
    result_->live_tail = true;
    result_->bytes_dropped = result_->entries_dropped = 0;
    return Status();
  }

  Status ScanPastStopInSegment(const SegmentFacts& segment, uint64_t offset, bool later) {
    std::unique_ptr<File> file;
    PINNACLE_RETURN_IF_ERROR(file_system_->Open(segment.file.path, OpenMode::kRead, &file));
    const uint32_t seed = SeedOfSegment(segment.header.segment_id);
    if (later) {
      std::vector<uint8_t> page(kSegmentHeaderBytes);
      size_t page_bytes = 0;
      uint64_t counter = 0;
      PINNACLE_RETURN_IF_ERROR(ReadFully(*file, 0, page, &page_bytes));
      Claim(ReadFrontierMarks({page.data(), page_bytes}, seed, &counter));
    }
    SegmentReader reader(file.get(), segment.header.segment_bytes, seed);
    reader.Seek(offset);
    while (true) {
      PINNACLE_RETURN_IF_ERROR(reader.SkipZeroLines());
      if (reader.offset() + kLineBytes > segment.header.segment_bytes) break;
      std::span<const uint8_t> line;
      PINNACLE_RETURN_IF_ERROR(reader.Peek(kLineBytes, &line));
      evidence_->bytes_follow = true;
      const EntryHeader header = LoadHeader(line.data());
      uint64_t bytes = kLineBytes;
      if (HeaderIsPlausible(header)) {
        const uint64_t entry_bytes = EntryBytes(header.payload_bytes);
        if (reader.offset() + entry_bytes <= segment.header.segment_bytes) {
          std::span<const uint8_t> entry;
          PINNACLE_RETURN_IF_ERROR(reader.Peek(entry_bytes, &entry));
          const EntryTrailer trailer = LoadTrailer(entry.data(), entry_bytes);
          if (Crc32cExtend(seed, entry.data(), entry_bytes - sizeof(trailer.checksum)) ==
              trailer.checksum) {
            bytes = entry_bytes;
            // The entry at the stop itself does not follow it.
            const bool past_stop = later || reader.offset() > offset;
            evidence_->valid_entries_follow |= past_stop;
            const uint64_t first = FirstSequenceOf(header, entry.data());
            if (past_stop && first != 0 && !evidence_->wrong_sequence &&
                first <= evidence_->next_sequence) {
              NoteOlder(first);
            }
            ++result_->entries_dropped;
            Claim(DurableClaim(header, trailer));
          }
        }
      }
      result_->bytes_dropped += bytes;
      reader.Advance(bytes);
    }
    result_->bytes_read += reader.bytes_read();
    return Status();
  }

  // An entry from before the stop follows it, so the run broke earlier than it seemed: the first
  // segment's first entry is damaged and could not say at which entry the segment begins.
  void NoteOlder(uint64_t sequence) {
    evidence_->older_follows = true;
    evidence_->next_sequence = std::max<uint64_t>(sequence, 2) - 1;
  }

  void Claim(uint64_t durable) {
    evidence_->known_durable = std::max(evidence_->known_durable, durable);
  }

  static constexpr uint64_t kProgressBytes = 16 * 1024 * 1024;
  static constexpr int kLiveLooks = 8;

  FileSystem* file_system_;
  const ScanOptions& options_;
  EntryVisitor* visitor_;
  ScanResult* result_;
  TailEvidence* evidence_ = nullptr;
  std::string segment_damage_;
  std::string directory_damage_;
  std::unique_ptr<SegmentPrescan> prescan_;
  uint64_t bytes_done_ = 0;
  uint64_t bytes_total_ = 0;
};

}  // namespace

Status ScanJournal(FileSystem* file_system, Layout layout, const ScanOptions& options,
                   EntryVisitor* visitor, ScanResult* result) {
  return Scanner(file_system, options, visitor, result).Run(std::move(layout));
}

Status ScanJournal(FileSystem* file_system, const std::string& journal_directory,
                   const ScanOptions& options, EntryVisitor* visitor, ScanResult* result) {
  Layout layout;
  PINNACLE_RETURN_IF_ERROR(ReadSegments(file_system, journal_directory, &layout));
  return ScanJournal(file_system, std::move(layout), options, visitor, result);
}

}  // namespace pinnacle
