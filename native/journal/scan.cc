#include "journal/scan.h"

#include <algorithm>
#include <utility>

#include "base/zeros.h"
#include "checksum/crc32c.h"
#include "journal/read_fully.h"
#include "journal/runs_ahead.h"
#include "journal/segment_reader.h"
#include "journal/segment_run.h"

namespace pinnacle {

namespace {

// Fills in what stands where a segment's first entry should be.
Status ReadFirstEntry(const File& file, uint32_t seed, uint64_t segment_bytes,
                      SegmentFacts* facts) {
  std::vector<uint8_t> bytes(kLineBytes);
  size_t bytes_read = 0;
  PINNACLE_RETURN_IF_ERROR(ReadFully(file, kSegmentHeaderBytes, bytes, &bytes_read));
  if (bytes_read < kLineBytes) return Status();
  facts->first_line_used = !AllZero(bytes.data(), bytes.size());
  const EntryHeader header = LoadHeader(bytes.data());
  if (!HeaderIsPlausible(header)) return Status();
  const uint64_t entry_bytes = EntryBytes(header.payload_bytes);
  if (kSegmentHeaderBytes + entry_bytes > segment_bytes) return Status();
  bytes.resize(entry_bytes);
  PINNACLE_RETURN_IF_ERROR(ReadFully(file, kSegmentHeaderBytes, bytes, &bytes_read));
  if (bytes_read < entry_bytes) return Status();
  if (CheckEntry(bytes, kSegmentHeaderBytes, seed).state == EntryState::kValid) {
    facts->first_sequence = header.sequence;
  }
  return Status();
}

bool IsDamage(const Status& status) { return status.code() == Code::kCorrupt; }

class Scanner {
 public:
  Scanner(FileSystem* file_system, const ScanOptions& options, EntryVisitor* visitor,
          ScanResult* result)
      : file_system_(file_system), options_(options), visitor_(visitor), result_(result) {}

  Status Run(const std::string& journal_directory) {
    *result_ = ScanResult();
    evidence_ = &result_->evidence;
    evidence_->next_sequence =
        options_.next_if_empty != 0 ? options_.next_if_empty : options_.from_sequence;
    evidence_->known_durable = options_.known_durable;
    std::vector<SegmentFile> files;
    PINNACLE_RETURN_IF_ERROR(ListSegments(file_system_, journal_directory, &files));
    std::vector<SegmentFacts> facts;
    for (const SegmentFile& file : files) {
      SegmentFacts fact;
      fact.file = file;
      PINNACLE_RETURN_IF_ERROR(ReadFacts(&fact));
      facts.push_back(std::move(fact));
    }
    size_t start = 0;
    if (!options_.all_segments) {
      const uint64_t anchor =
          options_.proof_sequence != 0 ? options_.proof_sequence : options_.from_sequence;
      uint64_t highest = 0;
      for (size_t i = 0; i < facts.size(); ++i) {
        if (facts[i].first_sequence == 0) continue;
        // Segments that do not go on from each other: start before the contradiction, to report it.
        if (facts[i].first_sequence <= highest) break;
        highest = facts[i].first_sequence;
        if (highest <= anchor) start = i;
      }
    }
    for (size_t i = 0; i < start; ++i) {
      // The next segment's first entry says where this one ends, where it verifies.
      if (facts[i + 1].first_sequence != 0)
        facts[i].last_sequence = facts[i + 1].first_sequence - 1;
      result_->below.push_back(std::move(facts[i]));
    }
    for (size_t i = start; i < facts.size(); ++i) {
      bytes_total_ += facts[i].header_valid ? facts[i].header.segment_bytes : 0;
      result_->segments.push_back(std::move(facts[i]));
    }
    StartAhead();
    PINNACLE_RETURN_IF_ERROR(ScanRun());
    result_->verdict = ClassifyTail(*evidence_);
    if (!segment_damage_.empty() && result_->verdict.tail == Tail::kCorrupt) {
      result_->verdict.reason = segment_damage_;
    }
    return Status();
  }

 private:
  Status ReadFacts(SegmentFacts* facts) {
    std::unique_ptr<File> file;
    PINNACLE_RETURN_IF_ERROR(file_system_->Open(facts->file.path, OpenMode::kRead, &file));
    facts->header_status = ReadSegmentHeader(*file, facts->file, &facts->header);
    facts->header_valid = facts->header_status.ok();
    if (!facts->header_valid) {
      return IsDamage(facts->header_status) ? Status() : facts->header_status;
    }
    return ReadFirstEntry(*file, SeedOfSegment(facts->header.segment_id),
                          facts->header.segment_bytes, facts);
  }

  // Why segment i does not belong behind segment i - 1; empty where it does.
  std::string Misfit(size_t i) {
    std::vector<SegmentFacts>& segments = result_->segments;
    const SegmentFacts& segment = segments[i];
    if (!segment.header_valid) return std::string(segment.header_status.message());
    const JournalId id{segment.header.journal_id_low, segment.header.journal_id_high};
    if (options_.journal_id != nullptr && !(id == *options_.journal_id)) {
      return segment.file.path + " belongs to another journal than the snapshot";
    }
    if (i == 0) return "";
    const SegmentFacts& before = segments[i - 1];
    if (segment.file.index != before.file.index + 1) {
      return "segment " + std::to_string(before.file.index + 1) + " is missing (before " +
             segment.file.path + ")";
    }
    if (segment.header.journal_id_low != before.header.journal_id_low ||
        segment.header.journal_id_high != before.header.journal_id_high) {
      return segment.file.path + " belongs to another journal than the segment before it";
    }
    return "";
  }

  // Follows the run of good entries through the segments, then looks at what is behind its end.
  Status ScanRun() {
    std::vector<SegmentFacts>& segments = result_->segments;
    for (size_t i = 0; i < segments.size(); ++i) {
      SegmentFacts& segment = segments[i];
      std::string misfit = Misfit(i);
      if (!misfit.empty()) {
        // What does not fit matters only where something could stand in it.
        segment_damage_ = std::move(misfit);
        evidence_->segment_damaged = true;
        result_->damaged_segment = static_cast<int64_t>(i);
        if (result_->stop_segment < 0) result_->stop_segment = static_cast<int64_t>(i);
        return LookBehind(i, kSegmentHeaderBytes);
      }
      if (i == 0 && segment.first_sequence != 0) evidence_->next_sequence = segment.first_sequence;
      result_->stop_segment = static_cast<int64_t>(i);
      bool stopped = false;
      PINNACLE_RETURN_IF_ERROR(ScanSegment(i, &stopped));
      if (stopped) return LookBehind(i, segment.end_offset);
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
    Claim(ReadFrontierMarks({page.data(), page_bytes}, seed, &segment.mark_counter));

    SegmentReader reader(file.get(), segment.header.segment_bytes, seed);
    reader.Seek(kSegmentHeaderBytes);
    SegmentRun run;
    Status followed;
    const RunsAhead::Outcome* ahead = ahead_ ? ahead_->Of(i, evidence_->next_sequence) : nullptr;
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
    bytes_done_ += segment.header.segment_bytes;
    result_->bytes_read += reader.bytes_read() + page_bytes;
    // A full segment ends where the next entry did not fit; that entry opens the next segment.
    *stopped = true;
    if (evidence_->wrong_sequence || evidence_->segment_damaged) return Status();
    if (i + 1 == result_->segments.size()) return Status();
    const SegmentFacts& next = result_->segments[i + 1];
    const bool misfit = !Misfit(i + 1).empty();
    // (Not where this one is empty: its first entry comes before the next one's.)
    const bool unreadable =
        misfit || (next.first_sequence == 0 && next.first_line_used && segment.entries > 0);
    if (!misfit && next.first_sequence == evidence_->next_sequence) {
      *stopped = false;
    } else if (unreadable && evidence_->state == EntryState::kUnwritten) {
      // The next entry belongs to the next segment and can't be read: the break is there.
      bool rest_is_zero = false;
      PINNACLE_RETURN_IF_ERROR(RestIsZero(&reader, segment.header.segment_bytes, &rest_is_zero));
      *stopped = !rest_is_zero;
    }
    return Status();
  }

  // Follows a segment's run and hands its entries to the visitor.
  Status FollowVisiting(const SegmentFacts& segment, SegmentReader* reader, SegmentRun* run) {
    if (visitor_ == nullptr) {
      return FollowRun(reader, evidence_->next_sequence, Proof(), run, IgnoreEntries());
    }
    uint64_t next_progress = kProgressBytes;
    return FollowRun(
        reader, evidence_->next_sequence, Proof(), run,
        [&](const EntryHeader& header, const uint8_t* entry, uint64_t bytes) -> Status {
          if (header.sequence >= options_.from_sequence) {
            visitor_->place = {&segment, reader->offset(), reader->bytes_ahead()};
            PINNACLE_RETURN_IF_ERROR(
                visitor_->Visit(header, entry + sizeof(EntryHeader), entry, bytes));
          }
          if (reader->offset() + bytes >= next_progress) [[unlikely]] {
            visitor_->Progress(bytes_done_ + reader->offset() + bytes, bytes_total_);
            next_progress += kProgressBytes;
          }
          return Status();
        });
  }

  void Adopt(const SegmentRun& run, SegmentFacts* segment) {
    evidence_->state = run.state;
    evidence_->wrong_sequence = run.wrong_sequence;
    Claim(run.known_durable);
    const uint64_t first = evidence_->next_sequence;
    evidence_->next_sequence = first + run.entries;
    segment->entries = run.entries;
    segment->end_offset = run.end_offset;
    if (run.entries > 0) {
      segment->first_sequence = run.first_sequence;
      segment->last_sequence = run.first_sequence + run.entries - 1;
      if (segment->last_sequence >= options_.from_sequence) {
        result_->entries +=
            segment->last_sequence - std::max(segment->first_sequence, options_.from_sequence) + 1;
      }
    }
    if (run.proof_failed) {
      evidence_->segment_damaged = true;
      segment_damage_ = segment->file.path + ": entry " + std::to_string(evidence_->next_sequence) +
                        " is not the one that the snapshot was taken at";
    }
  }

  RunProof Proof() const { return {options_.proof_sequence, options_.proof_checksum}; }

  void StartAhead() {
    if (options_.threads == 0 || (visitor_ != nullptr && visitor_->NeedsEntries())) return;
    std::vector<RunsAhead::Job> jobs;
    for (const SegmentFacts& segment : result_->segments) {
      RunsAhead::Job job;
      if (segment.header_valid) {
        job = {segment.file.path, segment.header.segment_bytes,
               SeedOfSegment(segment.header.segment_id), segment.first_sequence};
      }
      jobs.push_back(std::move(job));
    }
    ahead_ = std::make_unique<RunsAhead>(file_system_, std::move(jobs), Proof(), options_.threads);
  }

  static Status RestIsZero(SegmentReader* reader, uint64_t segment_bytes, bool* zero) {
    PINNACLE_RETURN_IF_ERROR(reader->SkipZeroLines());
    *zero = reader->offset() + kLineBytes > segment_bytes;
    return Status();
  }

  // Looks at all that stands behind the stop: it decides whether the stop is the journal's end, and
  // what a cut would drop.
  Status LookBehind(size_t first, uint64_t offset) {
    for (size_t i = first; i < result_->segments.size(); ++i) {
      SegmentFacts& segment = result_->segments[i];
      if (!segment.header_valid) {
        if (i > first && segment_damage_.empty()) evidence_->bytes_follow = true;
        offset = kSegmentHeaderBytes;
        continue;
      }
      PINNACLE_RETURN_IF_ERROR(LookBehindInSegment(segment, offset, i > first));
      offset = kSegmentHeaderBytes;
    }
    return Status();
  }

  Status LookBehindInSegment(const SegmentFacts& segment, uint64_t offset, bool later) {
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
            const bool behind = later || reader.offset() > offset;
            evidence_->valid_entries_follow |= behind;
            if (behind && !evidence_->wrong_sequence &&
                header.sequence <= evidence_->next_sequence) {
              NoteOlder(header.sequence);
            }
            ++result_->entries_dropped;
            Claim(DurableClaim(header, trailer));
            if (visitor_ != nullptr) {
              PINNACLE_RETURN_IF_ERROR(
                  visitor_->VisitBehindBreak(header, entry.data() + sizeof(EntryHeader)));
            }
          }
        }
      }
      result_->bytes_dropped += bytes;
      reader.Advance(bytes);
    }
    result_->bytes_read += reader.bytes_read();
    return Status();
  }

  // An entry from before the stop stands behind it, so the run broke earlier than it seemed: the
  // first segment's first entry is damaged and could not say where the segment begins.
  void NoteOlder(uint64_t sequence) {
    evidence_->older_follows = true;
    evidence_->next_sequence = std::max<uint64_t>(sequence, 2) - 1;
  }

  void Claim(uint64_t durable) {
    evidence_->known_durable = std::max(evidence_->known_durable, durable);
  }

  static constexpr uint64_t kProgressBytes = 16 * 1024 * 1024;

  FileSystem* file_system_;
  const ScanOptions& options_;
  EntryVisitor* visitor_;
  ScanResult* result_;
  TailEvidence* evidence_ = nullptr;
  std::string segment_damage_;
  std::unique_ptr<RunsAhead> ahead_;
  uint64_t bytes_done_ = 0;
  uint64_t bytes_total_ = 0;
};

}  // namespace

const char* TailName(Tail tail) {
  switch (tail) {
    case Tail::kClean:
      return "clean";
    case Tail::kTorn:
      return "torn";
    case Tail::kCorrupt:
      return "corrupt";
  }
  return "corrupt";
}

TailVerdict ClassifyTail(const TailEvidence& evidence) {
  const std::string sequence = std::to_string(evidence.next_sequence);
  if (evidence.segment_damaged) {
    return {Tail::kCorrupt,
            "a segment is missing or its header is damaged, before entry " + sequence};
  }
  if (evidence.next_sequence <= evidence.known_durable) {
    return {Tail::kCorrupt, "entry " + sequence + " was durable (up to " +
                                std::to_string(evidence.known_durable) +
                                " was) and is not what was written"};
  }
  if (evidence.older_follows) {
    return {Tail::kCorrupt, "entry " + sequence + " is damaged, and entries behind it are not"};
  }
  if (evidence.wrong_sequence) {
    return {Tail::kCorrupt, "where entry " + sequence +
                                " should stand, a valid entry with another sequence stands"};
  }
  if (evidence.state == EntryState::kDamaged) {
    return {Tail::kCorrupt, "entry " + sequence + " was written whole and changed afterwards"};
  }
  if (evidence.state == EntryState::kTorn) {
    return {Tail::kTorn, "entry " + sequence + " was still being written; it was never durable"};
  }
  if (evidence.valid_entries_follow || evidence.bytes_follow) {
    return {Tail::kTorn,
            "entry " + sequence +
                " did not reach the device while later bytes did; none of them was durable"};
  }
  return {Tail::kClean, ""};
}

Status ScanJournal(FileSystem* file_system, const std::string& journal_directory,
                   const ScanOptions& options, EntryVisitor* visitor, ScanResult* result) {
  return Scanner(file_system, options, visitor, result).Run(journal_directory);
}

}  // namespace pinnacle
