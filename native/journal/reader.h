// Reads a journal's entries from a sequence on, even while a writer (in this or another process)
// appends: through pread, without a lock, never past what verifies.
#ifndef PINNACLE_JOURNAL_READER_H_
#define PINNACLE_JOURNAL_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "journal/entry_view.h"
#include "journal/format.h"
#include "journal/head_record.h"
#include "journal/segment_header.h"
#include "journal/segment_reader.h"
#include "journal/segment_run.h"
#include "platform/file_system.h"

namespace pinnacle {

// The error for a point that lies inside the transaction of entries `first` to `last`.
Status InsideTransaction(uint64_t sequence, uint64_t first, uint64_t last);

class JournalReader {
 public:
  // From 0: from the oldest entry that the journal holds. kOutOfReach if the journal starts after
  // `from_sequence` (the message names its first entry). A sequence that is not written yet is
  // fine: entries come when they come. If `from_sequence` lies inside a transaction, Read returns
  // kInsideTransaction, unless the reader may begin inside: then it returns the rest of it.
  enum class Start : uint8_t { kAtTransaction, kAnywhere };
  static Status Open(FileSystem* file_system, const std::string& journal_directory,
                     uint64_t from_sequence, std::unique_ptr<JournalReader>* reader,
                     Start start = Start::kAtTransaction);

  // Appends whole verified entries to `*out`, until about `max_bytes` (at least one entry if there
  // is one). A transaction comes as a whole, however large it is. None: the end for now. kCorrupt:
  // an entry that was written does not verify, or is gone; kOutOfReach: compaction has taken the
  // place away; kDirectoryLost: the directory or the segment was removed or replaced otherwise.
  Status Read(uint64_t max_bytes, std::vector<uint8_t>* out);

  // The entry that Read returns next; below it everything was returned.
  uint64_t next_sequence() const { return next_sequence_; }

 private:
  JournalReader(FileSystem* file_system, std::string journal_directory, uint64_t from_sequence,
                Start start)
      : file_system_(file_system),
        journal_directory_(std::move(journal_directory)),
        start_(start),
        next_sequence_(from_sequence) {}

  // Appends the entry at the reader's place to `*out`, if it was not returned yet and takes at most
  // `room` bytes, and moves behind it.
  Status Take(std::span<const uint8_t> entry, uint64_t room, std::vector<uint8_t>* out,
              bool* is_full);
  Status FindStart();
  Status FindStartOnce();
  Status ReadHeadRecord(HeadFinding* head) const;
  // Whether compaction has taken a segment away.
  Status IsCompacted(uint64_t index, bool* compacted);
  // kOutOfReach, with the first sequence that the journal still holds.
  Status OutOfReach();
  Status OpenSegment(const SegmentFile& file);
  // What the next segment says of an entry that should come before it.
  struct Next {
    uint64_t durable = 0;  // how far the journal was durable, by its marks and its first entry
    bool damaged = false;  // its first entry is
  };
  // Moves to the next segment if the next entry is there.
  Status TryNextSegment(bool* moved, Next* next);
  // Whether anything says that there is an entry at the reader's place.
  Status IsMissing(const Next& next, bool* missing);
  // Whether reading began with the oldest segment, and its first entry never reached the device:
  // then all that was durable lies before it, and was compacted away.
  Status IsEmptyOldest(bool* empty);
  // Whether the segment that is read is still the one of its name.
  Status StillOurs();
  // For a valid entry with transaction flags at the reader's place. `*state` stays kValid if all of
  // its transaction is there.
  Status RefreshFeatures();
  Status LookAhead(const EntryHeader& header, EntryState* state);
  // Why it is not: kOutOfReach if compaction took it, else kDirectoryLost.
  Status Gone();

  FileSystem* const file_system_;
  const std::string journal_directory_;
  const Start start_;
  uint64_t whole_until_ = 0;  // of the segment: the transactions up to here are whole
  uint64_t next_sequence_;    // to be returned
  uint64_t looked_at_ = 0;    // segment that FindStart looked at last
  uint64_t expected_ = 0;     // sequence of the entry at the reader's offset; 0: not known yet
  std::unique_ptr<File> file_;
  FileIdentity identity_;  // of file_
  SegmentFile segment_{0, ""};
  SegmentHeader header_{};
  std::unique_ptr<SegmentReader> reader_;
};

// Calls `visit(const EntryView&, &stop)` for each entry from the reader's place to the end for now,
// until one asks to stop or returns an error, which is the status then. The rest of an entry's
// transaction is in `bytes_ahead`, verified too.
template <typename Visit>
Status VisitEntries(JournalReader* reader, Visit&& visit) {
  constexpr uint64_t kReadBytes = 256 * 1024;
  std::vector<uint8_t> entries;
  while (true) {
    entries.clear();
    PINNACLE_RETURN_IF_ERROR(reader->Read(kReadBytes, &entries));
    if (entries.empty()) return Status();
    for (size_t offset = 0; offset < entries.size();) {
      const uint8_t* entry = entries.data() + offset;
      const EntryHeader header = LoadHeader(entry);
      const uint64_t bytes = EntryBytes(header.payload_bytes);
      bool stop = false;
      PINNACLE_RETURN_IF_ERROR(
          visit(EntryView{header, {entry, bytes}, {nullptr, 0, entries.size() - offset}}, &stop));
      if (stop) return Status();
      offset += bytes;
    }
  }
}

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_READER_H_
