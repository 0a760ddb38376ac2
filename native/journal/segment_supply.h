// Segment supply: always has the next segment ready, so that the writer never waits for a file.
//
// A segment is made off the hot thread: its blocks are reserved (a full disk is an error here and
// never a SIGBUS in a store), zero-filled in 4 KiB writes (larger ones make the page cache use
// large folios, and then a store of 64 bytes costs a megabyte at the next sync), synced, named and
// mapped, and its first pages are made present. Segments that compaction frees are filled again
// rather than made anew: their blocks are there already, so a sync of them commits no metadata.
//
// Invariants:
// - A file has a segment's name only after all of it is zero and its header is durable.
// - Indices of segments that exist have no gap at the young end.
//
// Thread-safe: the writer takes, a background thread (or the writer, where none is ready) prepares.
#ifndef PINNACLE_JOURNAL_SEGMENT_SUPPLY_H_
#define PINNACLE_JOURNAL_SEGMENT_SUPPLY_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "journal/segment.h"
#include "journal/segment_header.h"
#include "platform/environment.h"

namespace pinnacle {

struct SupplyCounters {
  uint64_t created = 0;
  uint64_t recycled = 0;
  uint64_t stalls = 0;  // Take found nothing ready
  uint64_t stall_ns = 0;
};

class SegmentSupply {
 public:
  // Enough for the writer to go on until the background thread has moved its window.
  static constexpr uint64_t kFirstPrefaultBytes = 2 * 1024 * 1024;

  SegmentSupply(const Environment& environment, std::string journal_directory, JournalId journal_id,
                uint64_t segment_bytes, uint64_t max_spares);

  // The index of the first segment to make. `spares` are files to recycle from, by their numbers.
  void Start(uint64_t next_index, std::vector<uint64_t> spares);

  // Makes one segment ready where none is. Called by the background thread; an error is kept and
  // returned by the Take that needs the segment.
  // Makes the first `prefault_bytes` of its pages present too.
  Status Prepare(uint64_t prefault_bytes = kFirstPrefaultBytes);
  bool ready() const { return ready_count_.load(std::memory_order_acquire) > 0; }

  // The next segment; prepares it on the spot where none is ready (a stall, counted).
  Status Take(std::shared_ptr<Segment>* segment);

  // Opens an existing segment for writing from `end_offset` on. `clear_rest`: everything behind is
  // made zero and synced first, and the frontier marks, which may speak of what is cut.
  // `make_durable`: what stands before it is made durable first.
  Status Reopen(const SegmentFile& file, const SegmentHeader& header, uint64_t end_offset,
                bool clear_rest, bool make_durable, std::shared_ptr<Segment>* segment);

  // Makes all of a segment that was read back durable. It is written again, since a sync alone is
  // not enough: where one failed before, the kernel counts pages as clean that the device does not
  // have.
  Status MakeDurable(const SegmentFile& file);

  // A segment that is not needed any more becomes a spare, or is removed where there are enough.
  // Durable when it returns. `*recycled` says which.
  Status Retire(const SegmentFile& file, bool* recycled);

  // Gives up the segment that is ready; its file stays for the next open.
  void Stop();

  SupplyCounters counters() const;
  size_t spare_count() const;
  uint64_t segment_bytes() const { return segment_bytes_; }

 private:
  Status PrepareLocked(uint64_t prefault_bytes);
  Status MakeFile(const std::string& path, File* file, uint64_t index, uint64_t recycled_from,
                  uint64_t* segment_id);
  Status ZeroFill(File* file, uint64_t begin, uint64_t end);
  Status ClearRest(File* file, uint64_t end_offset, const SegmentHeader& header);
  Status Rewrite(File* file, uint64_t begin, uint64_t end);

  const Environment environment_;
  const std::string journal_directory_;
  const JournalId journal_id_;
  const uint64_t segment_bytes_;
  const uint64_t max_spares_;

  mutable std::mutex mutex_;
  uint64_t next_index_ = 1;
  std::vector<uint64_t> spares_;  // numbers of .spare files
  std::deque<std::shared_ptr<Segment>> ready_;
  std::atomic<size_t> ready_count_{0};
  SupplyCounters counters_;
};

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_SEGMENT_SUPPLY_H_
