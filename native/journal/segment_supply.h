// Segment supply: always has the next segment ready, so that the writer never waits for a file.
//
// A segment is made off the hot thread: its blocks are reserved (a full disk is an error here and
// not in the middle of an entry) and marked as holding nothing, the header is written, all of that
// is synced, and the file gets its name.
//
// The zeros need not reach the device: blocks that hold nothing read as zeros. So a stream of
// entries is written once. But the first sync of such a block also commits metadata, which makes a
// short one several times as long. If syncs are short, the journal therefore has the zeros just
// ahead of the writer written (FillStep in journal.h); the first kFirstFilledBytes of a segment
// always are. If the file system can't mark blocks as empty, all zeros are written and synced.
//
// Invariants:
// - A file has a segment's name only after all of it durably reads as zeros and its header is
//   durable.
// - Indices of segments that exist have no gap at the young end.
// - Each segment's header names the link of the one before it.
// - The head record names a segment before the writer can take it (`announce`).
// - The segment that is ready has all features that were required.
//
// Thread-safe: the writer takes, a background thread (or the writer, if none is ready) prepares.
#ifndef PINNACLE_JOURNAL_SEGMENT_SUPPLY_H_
#define PINNACLE_JOURNAL_SEGMENT_SUPPLY_H_

#include <atomic>
#include <cstdint>
#include <functional>
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
  // Enough for the writer of a mapped segment to go on until the background thread looks again.
  static constexpr uint64_t kFirstPrefaultBytes = 2 * 1024 * 1024;
  static constexpr uint64_t kFirstFilledBytes = 256 * 1024;

  SegmentSupply(const Environment& environment, std::string journal_directory, JournalId journal_id,
                uint64_t segment_bytes, uint64_t max_spares);

  // Whether the files that the journal has are still there: if not, no segment is made.
  using Check = std::function<Status()>;
  // Makes durable that a segment of this index and id is ready.
  using Announce = std::function<Status(uint64_t index, uint64_t segment_id)>;

  // The index of the first segment to make, and the link of the segment before it (0: it is the
  // journal's first). `maps`: segments are mapped, and their first pages made present. `spares` are
  // files to recycle from, by their numbers. `check` and `announce` may be null.
  void Start(uint64_t next_index, uint64_t predecessor_link, bool maps,
             std::vector<uint64_t> spares, Check check, Announce announce);

  // Makes one segment ready if none is. Called by the background thread. The next Prepare or Take
  // tries again after an error.
  Status Prepare();
  bool ready() const { return is_ready_.load(std::memory_order_acquire); }

  // The segment that is ready, and all that are made from here on, have these mandatory features,
  // durably. Must not run beside Take.
  Status RequireFeature(uint64_t bits);

  // The segment that Take would give; null if none is ready.
  std::shared_ptr<Segment> next_ready() const;

  // The next segment; prepares it on the spot if none is ready (a stall, counted).
  Status Take(std::shared_ptr<Segment>* segment);

  // How Reopen leaves a segment.
  struct Reopening {
    uint64_t end_offset = kSegmentHeaderBytes;  // writing goes on here
    bool clear_rest = false;    // zero everything after it, and the marks, which may speak of it
    bool make_durable = false;  // sync everything before it
    uint64_t link = 0;          // the segment's new link; 0: it keeps the one that it has
    uint64_t link_counter = 0;  // of the new link's mark
  };

  // Opens an existing segment for writing. It is allocated in full first, whatever a copy or a
  // backup made of its blocks: no store can find the disk full.
  Status Reopen(const SegmentFile& file, const SegmentHeader& header, const Reopening& how,
                std::shared_ptr<Segment>* segment);

  // Makes a segment that was read back durable, `bytes` of it at most. It is written again, since a
  // sync alone is not enough: if one failed before, the kernel counts pages as clean that the
  // device does not have.
  Status MakeDurable(const SegmentFile& file, uint64_t bytes = UINT64_MAX);

  // Zeroes the lines of a segment, durably.
  Status Empty(const SegmentFile& file);

  // A segment that is no longer needed becomes a spare, or is removed if there are enough. Durable
  // when it returns. `*recycled` says which.
  Status Retire(const SegmentFile& file, bool* recycled);

  // Gives up the segment that is ready; its file stays for the next open.
  void Stop();

  // Readings take no lock: a preparation holds it for as long as the device takes.
  SupplyCounters counters() const;
  size_t spare_count() const { return spare_count_.load(std::memory_order_relaxed); }
  uint64_t segment_bytes() const { return segment_bytes_; }

 private:
  Status PrepareLocked();
  // The oldest spare of the right size, opened; `*file` stays null if there is none. `*old_id` is
  // that of the segment it was.
  Status TakeSpare(std::unique_ptr<File>* file, std::string* path, uint64_t* old_id);
  Status MakeNext();  // into made_
  void SetReady(std::shared_ptr<Segment> segment);
  std::shared_ptr<Segment> TakeReady();
  // `*filled`: the zeros are on the device, and not only what the file reads as.
  Status MakeFile(const std::string& path, File* file, uint64_t index, uint64_t recycled_from,
                  uint64_t* segment_id, bool* filled);
  // Opens a file to write to, from `offset` on.
  Status Attach(std::unique_ptr<File> file, uint64_t offset, uint64_t prefault_bytes,
                Segment* segment);
  Status ZeroFill(File* file, uint64_t begin, uint64_t end);
  Status ClearRest(File* file, uint64_t end_offset, const SegmentHeader& header);
  Status Rewrite(File* file, uint64_t begin, uint64_t end);

  const Environment environment_;
  const std::string journal_directory_;
  const JournalId journal_id_;
  const uint64_t segment_bytes_;
  const uint64_t max_spares_;

  // Held while files are made, renamed and synced; never by a writer that finds a segment ready.
  std::mutex mutex_;
  bool maps_ = true;
  uint64_t next_index_ = 1;
  uint64_t predecessor_link_ = 0;  // of the segment before next_index_
  uint64_t features_ = 0;          // mandatory, of each segment that is made
  std::vector<uint64_t> spares_;   // numbers of .spare files
  Check check_;
  Announce announce_;
  std::shared_ptr<Segment> made_;  // the next segment, not announced yet

  mutable std::mutex ready_mutex_;  // taken last, for as long as a pointer is moved
  std::shared_ptr<Segment> ready_;
  std::atomic<bool> is_ready_{false};

  std::atomic<size_t> spare_count_{0};
  std::atomic<uint64_t> created_{0};
  std::atomic<uint64_t> recycled_{0};
  std::atomic<uint64_t> stalls_{0};
  std::atomic<uint64_t> stall_ns_{0};
};

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_SEGMENT_SUPPLY_H_
