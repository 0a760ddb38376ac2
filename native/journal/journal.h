// The journal as its writer sees it: appends, group commit, release of what compaction does not
// need.
//
// An append stores an entry into memory that outlives the process: into the window's ring, from
// which CopyStep and Flush write it to the segment file (journal_window.cc), or straight into the
// mapped segment. Three frontiers follow each other: appended (survives the process), written (in
// the file, for others to read), durable (survives power loss).
//
// Threads: one writer calls Append* and Close. Any thread may call Flush, CopyStep, TouchStep,
// PrepareStep, Release and the readings. No thread is started here: journal/background.h does that,
// and a simulation calls the steps itself.
//
// Invariants:
// - An append makes no system call, takes no lock and allocates nothing, unless it opens a segment,
//   comes to the ring's end, or finds the ring full.
// - A place in the ring is stored to again only when its bytes are in the file.
// - Entries get into the files in their order, and only whole.
// - durable() never passes what a completed sync covers: rolled segments are synced before the
//   current one, and only then does the frontier move.
// - After a failed sync the journal is failed for good. What the kernel did with the pages is
//   unknown, so there is no second try (https://wiki.postgresql.org/wiki/Fsync_Errors).
// - A segment's header durably has a mandatory feature before an entry that needs it can follow.
// - Nothing is acknowledged into a file that no longer has a name, or in a directory that was
//   replaced: see journal_names.cc.
#ifndef PINNACLE_JOURNAL_JOURNAL_H_
#define PINNACLE_JOURNAL_JOURNAL_H_

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "checksum/crc32c.h"
#include "journal/format.h"
#include "journal/head_record.h"
#include "journal/segment.h"
#include "journal/segment_supply.h"
#include "journal/staged_entries.h"
#include "platform/environment.h"
#include "window/window.h"

namespace pinnacle {

struct JournalOptions {
  uint64_t segment_bytes = kDefaultSegmentBytes;
  uint64_t max_spares = 2;
  WindowOptions window{};
};

// A segment file on disk and the entries in it.
struct SegmentRecord {
  SegmentFile file{0, ""};
  uint64_t first_sequence = 0;  // of the entry that opened it
  uint64_t last_sequence = 0;   // 0: it is the current one
  uint64_t bytes = 0;
  uint64_t segment_id = 0;
  FileIdentity identity{};  // set by the journal
};

// The position at which writing resumes: what the recovery scan found.
struct JournalPosition {
  uint64_t next_sequence = 1;
  // The segment to go on in; none (index 0) opens a new one.
  SegmentFile file{0, ""};
  SegmentHeader header{};
  uint64_t first_sequence = 0;  // of that segment; 0: it holds no entry
  uint64_t end_offset = kSegmentHeaderBytes;
  uint64_t mark_counter = 0;
  SegmentLink link;                  // of that segment
  bool clear_rest = false;           // cut: zero and sync everything after end_offset
  std::vector<SegmentRecord> older;  // the segments before it, in order
  uint64_t known_durable = 0;        // entries up to here need not be made durable
  // Segment files that hold nothing to keep: after it, or before the oldest one.
  std::vector<SegmentFile> trailing;
  std::vector<SegmentFile> to_empty;  // of them: zero their lines before that
  std::vector<uint64_t> spares;       // numbers of .spare files
  uint64_t next_index = 1;            // above every index in use
  // The data directory whose head record is kept, and what was found of it. Empty: none is kept (a
  // journal without a data directory), and there is no window.
  std::string head_directory;
  HeadFinding head;
  // Held as long as the journal is open, and asked at each sync. Null: none.
  const DirectoryLock* lock = nullptr;
};

// What syncing did; all since Open.
struct FlushCounters {
  uint64_t bytes = 0;  // handed to syncs, whole pages
  uint64_t fills = 0;  // zeros ahead of the writer written, so that syncs stay short
  uint64_t filled_bytes = 0;
};

// What copying out of the window did; all since Open.
struct WindowCounters {
  uint64_t ring_bytes = 0;  // 0: there is no window
  uint64_t waits = 0;       // the writer found the ring full
  uint64_t wait_ns = 0;
  uint64_t copies = 0;
  uint64_t copied_bytes = 0;
};

struct ReleaseReport {
  uint64_t removed = 0;
  uint64_t recycled = 0;
  uint64_t bytes_freed = 0;
};

class Journal {
 public:
  // `journal_directory` exists.
  static Status Open(const Environment& environment, const std::string& journal_directory,
                     JournalId journal_id, const JournalOptions& options,
                     const JournalPosition& position, std::unique_ptr<Journal>* journal);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // --- the hot path (writer thread) ---

  // Appends an entry of one line. `payload` holds kLinePayloadBytes.
  Code AppendLine(EntryType type, uint16_t instrument, uint8_t flags, uint64_t timestamp_ns,
                  const uint64_t* payload);
  // Appends up to `count` entries of one line with the same head; `payloads` holds
  // kLinePayloadBytes for each, 8-byte aligned. `*taken` is how many were appended before the code,
  // if it is not kOk.
  Code AppendLines(EntryType type, uint16_t instrument, uint8_t flags, uint64_t timestamp_ns,
                   const uint64_t* payloads, uint64_t count, uint64_t* taken);
  // Appends an entry with any payload of up to kMaxPayloadBytes. kEntryTooLarge.
  Code Append(EntryType type, uint16_t instrument, uint8_t flags, uint64_t timestamp_ns,
              const uint8_t* payload, uint32_t payload_bytes);

  // Appends the entries of a transaction: readers and recovery have all of them or none. They are
  // in one segment. kTransactionTooLarge above most_transaction_bytes().
  Code AppendTransaction(StagedEntries* staged) {
    if (!staged->in_place() || (features_ & kFeatureTransactions) == 0) [[unlikely]]
      return AppendStaged(staged);
    return PublishInPlace(staged);
  }
  // The entries of a transaction may be staged. No other entry may be appended before
  // AppendTransaction or staged->Clear().
  void BeginTransaction(StagedEntries* staged) const {
    staged->Begin(most_transaction_bytes_, has_window_ ? cursor_ : nullptr,
                  static_cast<uint64_t>(end_ - cursor_));
  }
  // That the lines of a transaction may have: a segment's, and so little of the ring that half of
  // it can be held against the files.
  uint64_t most_transaction_bytes() const { return most_transaction_bytes_; }
  // What the writer has may be of no use: nothing more is accepted.
  void Abandon(const Status& why) { Fail(why); }
  // Entries that need these mandatory features may follow: the headers of the current segment and
  // of the ready one durably name them, and those of all later segments will. Does nothing if they
  // do already; else it waits for the device. An error fails the journal. Writer thread.
  Status RequireFeature(uint64_t bits);
  // What was required so far, by earlier writers of the current segment too.
  uint64_t features() const { return features_; }

  // Why the last append was refused with kNoSpace, kIo and the like, or kJournalFailed.
  Status last_error() const;

  // --- frontiers: any thread ---
  uint64_t appended() const { return appended_.load(std::memory_order_acquire); }
  uint64_t written() const {
    return has_window_ ? written_.load(std::memory_order_acquire) : appended();
  }
  uint64_t durable() const { return durable_.load(std::memory_order_acquire); }
  bool failed() const { return failed_.load(std::memory_order_acquire); }
  Status failure() const;
  // Of the failure: kJournalFailed or kDirectoryLost.
  Code FailureCode() const { return failure().code(); }

  // --- steps: any thread ---

  // One group commit: everything appended before the call is durable when it returns ok.
  Status Flush();
  // Writes what was appended to the files, `max_bytes` of it at most. Does nothing on the mapped
  // path: the entries are there already.
  Status CopyStep(uint64_t max_bytes = UINT64_MAX);
  // CopyStep for the thread that looks every now and then: does nothing while another thread, such
  // as a sync, writes. The holder of a lock has to wake each thread that waits for it.
  Status CopyUnlessBusy();
  // A follower in another process wants entries copied as soon as possible. Copying thread.
  bool IsHurried() const;
  // Whether it is time to sync: many full segments are not synced yet, each with an open file.
  bool HasManyUnsynced() const;
  // Writes a frontier mark, if the last one is a second old and there is something new to say.
  Status MarkStep();
  // Has zeros ahead of the writer written if syncs are short (see segment_supply.h). Does nothing
  // most of the time.
  Status FillStep();
  // Makes the next segment ready.
  Status PrepareStep() { return supply_.Prepare(); }
  bool next_segment_ready() const { return supply_.ready(); }
  // Touches memory ahead of the writer, `max_bytes` at most: the ring, once; on the mapped path
  // `ahead_bytes` of the segment and the next one. Returns the bytes touched. One thread.
  uint64_t TouchStep(uint64_t ahead_bytes, uint64_t max_bytes = UINT64_MAX);
  // Recycles or removes segments that only hold entries below `sequence`, oldest first: the head
  // record is raised above them, then each removal is durable before the next begins.
  Status Release(uint64_t sequence, ReleaseReport* report);
  // Compares the names of all that the journal has with what is open. kDirectoryLost fails the
  // journal for good.
  Status CheckNames();

  // Flushes, stores what a clean end leaves and unmaps the segments. Appends are refused
  // afterwards. No step may run beside it but Flush.
  Status Close();

  // --- readings ---
  uint64_t oldest_sequence() const;  // first that the segments hold
  // Of the current segment. Takes no lock: writer thread.
  uint64_t segment_index() const { return current_->index; }
  uint64_t segment_count() const;
  uint64_t disk_bytes() const;
  uint64_t segments_removed() const { return segments_removed_.load(std::memory_order_relaxed); }
  uint64_t bytes_appended() const;  // since Open
  // The first sequence of the oldest segment that can be kept if all those that hold only entries
  // below `sequence`, from it on, may have `max_bytes` together; `sequence` if none can.
  uint64_t FirstWithin(uint64_t sequence, uint64_t max_bytes) const;
  // Bytes that Release(sequence) would free now.
  uint64_t ReleasableBytes(uint64_t sequence) const;
  // Checksum of the newest entry, for a snapshot's proof. Writer thread.
  uint32_t last_checksum() const { return last_checksum_; }
  SupplyCounters supply_counters() const { return supply_.counters(); }
  FlushCounters flush_counters() const;
  WindowCounters window_counters() const;
  // Null on the mapped path, and once closed.
  const Window* window() const { return window_.get(); }
  // Why there is none although one was asked for; empty if there is one.
  const std::string& why_no_window() const { return why_no_window_; }
  // Writes into the window's file before the ring. Best effort.
  void PublishInWindow(uint64_t offset, std::span<const uint8_t> bytes);
  // The window's file was removed or cut short: a kill loses what is not written yet.
  bool window_lost() const { return window_lost_.load(std::memory_order_relaxed); }
  size_t spare_count() const { return supply_.spare_count(); }
  const JournalId& id() const { return id_; }

 private:
  struct Rolled {
    std::shared_ptr<Segment> segment;
    uint64_t end_offset;
    uint64_t last_sequence;
  };
  // What was appended at some moment, and is not durable yet.
  struct Extent {
    std::vector<Rolled> rolled;
    std::shared_ptr<Segment> segment;  // the current one
    uint64_t offset = 0;               // in it, after the last entry
    uint64_t sequence = 0;
  };

  Journal(const Environment& environment, const std::string& journal_directory, JournalId id,
          const JournalOptions& options);
  Status Start(const JournalPosition& position);
  // The segment that the journal goes on in, or its first one.
  Status EnterFirst(const JournalPosition& position, const SegmentSupply::Reopening& how);
  Status StartHead(const JournalPosition& position, uint64_t link);
  Status CheckDirectory() const;
  Status CheckSegmentName(const Segment& segment) const;
  Status CheckNamesOf(const Extent& to) const;
  Status CheckRecords();
  Status Announce(uint64_t index, uint64_t segment_id);
  Status RaiseHead(const SegmentRecord& oldest);
  Status CloseHead();
  // What the head record says now of the current segment and of what is durable.
  HeadRecord CurrentHead();
  void Enter(std::shared_ptr<Segment> segment, uint64_t offset);
  // Room for an entry at the writer's place: opens a segment, waits for the ring. If the entry is
  // larger than a quarter of the ring or goes across its end, less is promised: see AppendApart.
  Code MakeRoom(uint64_t entry_bytes);
  Code Roll();
  Extent ExtentNow() const;
  // Stores the entry, its checksum last; returns that.
  uint32_t BuildEntry(const EntryHeader& header, const uint8_t* payload, uint64_t entry_bytes,
                      uint8_t* entry) const;

  // --- transactions (journal_transaction.cc) ---
  Code AppendStaged(StagedEntries* staged);
  Code PublishInPlace(StagedEntries* staged);
  Code MakeRoomForTransaction(uint64_t bytes);
  uint32_t Finish(StagedEntries* staged) const;
  uint32_t FinishLines(uint64_t* words, uint64_t count) const;
  void PublishLines(uint64_t count);
  void StoreEntry(const uint8_t* entry, uint64_t entry_bytes, uint64_t offset) const;

  // --- the window's path (journal_window.cc) ---
  Status MakeWindow(const JournalPosition& position);
  void Aim();
  uint64_t RoomInRing() const;
  Code AwaitRing(uint64_t bytes);
  Code AppendApart(const EntryHeader& header, const uint8_t* payload, uint64_t entry_bytes);
  Status WriteThrough(std::span<const uint8_t> entry);
  Status CopyHolding(std::unique_lock<std::mutex> copy_lock, uint64_t max_bytes);
  Status CopyLocked(const Extent& to, uint64_t max_bytes);
  Status CopyPart(const std::shared_ptr<Segment>& segment, uint64_t end_offset,
                  uint64_t* max_bytes);
  Status CopyForSync(const Extent& to);
  void NoteWritten(uint64_t sequence);
  void CheckWindow();
  // One more segment can be noted down without memory.
  void MakeRoomForRoll();
  // Brings the line a page ahead into the cache: the processor's own fetching ahead ends with the
  // page. A hint, so an address past the mapping's end does no harm.
  static void FetchAhead(const uint64_t* line) {
    __builtin_prefetch(line + kPageBytes / sizeof(uint64_t), 1);
  }
  // What the trailer of an entry says about durability. `durable` is the frontier at the append.
  static uint64_t DurableLag(uint64_t sequence, uint64_t durable) {
    return std::min<uint64_t>(sequence - 1 - durable, kMaxDurableLag);
  }
  void Publish(uint64_t bytes, uint64_t entries = 1);
  bool IsReleasable(const SegmentRecord& record, uint64_t sequence) const;
  Status FlushLocked();
  Status SyncPart(Segment* segment, uint64_t end_offset);
  Status WriteMark(Segment* segment);
  Status MarkLocked(Segment* segment, bool now);
  uint64_t PrefaultPart(Segment* segment, uint64_t offset, uint64_t end_offset, uint64_t max_bytes);
  Code Refuse(Status status);
  void Fail(const Status& status);

  // Written by the writer on every append; only the writer reads it.
  alignas(64) uint8_t* cursor_ = nullptr;
  uint8_t* end_ = nullptr;
  uint8_t* base_ = nullptr;
  uint64_t next_sequence_ = 1;
  uint32_t seed_ = 0;
  uint32_t last_checksum_ = 0;
  bool closed_ = false;    // written under flush_mutex_
  uint64_t features_ = 0;  // mandatory ones of the current segment and of those to come

  // Written on every append, read by the flusher now and then.
  alignas(64) std::atomic<uint64_t> appended_{0};
  std::atomic<uint64_t> offset_{0};  // in the current segment, after the newest entry

  // Written by the flusher, read on every append.
  alignas(64) std::atomic<uint64_t> durable_{0};
  std::atomic<bool> failed_{false};

  // Written by the thread that copies, read when the writer's room ends.
  alignas(64) std::atomic<uint64_t> written_{0};  // sequence
  std::atomic<uint64_t> written_place_{0};        // in the stream that the ring holds the end of

  alignas(64) const Environment environment_;
  const JournalId id_;
  const WindowOptions window_options_;
  SegmentSupply supply_;

  // Set by Start. Entries go through a window; else segments are mapped.
  bool has_window_ = false;
  uint64_t ring_bytes_ = 0;
  uint64_t most_transaction_bytes_ = 0;
  // Larger entries are written to the file before the ring has them. So an entry that is being
  // stored, after the unused rest of a segment that was shorter than it, covers less than half the
  // ring: the other half can be held against the files.
  uint64_t most_in_ring_ = UINT64_MAX;
  std::unique_ptr<Window> window_;  // null on the mapped path, and once closed
  std::string why_no_window_;
  std::vector<uint8_t> apart_;  // the writer's, for entries that go across the ring's end
  std::atomic<bool> window_lost_{false};
  std::atomic<uint64_t> ring_waits_{0};
  std::atomic<uint64_t> ring_wait_ns_{0};
  std::atomic<uint64_t> copies_{0};
  std::atomic<uint64_t> copied_bytes_{0};

  std::atomic<uint64_t> segments_removed_{0};
  // Whether to write zeros ahead: the last sync was short.
  std::atomic<bool> fills_{true};
  std::atomic<uint64_t> flushed_bytes_{0};
  std::atomic<uint64_t> fill_count_{0};
  std::atomic<uint64_t> filled_bytes_{0};

  std::mutex flush_mutex_;  // one sync at a time; what follows
  uint64_t marked_ = 0;     // the highest that a mark says
  uint64_t mark_ns_ = 0;    // when the last one was written

  // One writes to the files at a time; taken after flush_mutex_. Guards the next two
  // fields, the position of the copy.
  std::mutex copy_mutex_;
  std::shared_ptr<Segment> copied_segment_;
  uint64_t copied_offset_ = 0;  // in it

  std::mutex head_mutex_;           // one change of the head record at a time; taken before state_
  std::unique_ptr<HeadFile> head_;  // null: none is kept
  // Set by Start: a sync must not wait for the head record's.
  const DirectoryLock* lock_ = nullptr;
  std::string head_path_;
  FileIdentity head_identity_;
  mutable std::mutex state_mutex_;  // what follows
  std::shared_ptr<Segment> current_;
  std::vector<Rolled> rolled_;  // full, not yet wholly durable
  std::vector<SegmentRecord> records_;
  uint64_t released_below_ = 0;  // segments below this index lose their names on purpose
  uint64_t bytes_before_ = 0;  // appended since Open, without [start_offset_, offset_) of current_
  uint64_t start_offset_ = 0;
  Status failure_;
  Status last_error_;
  // Made ahead: for a failure that comes when there is no memory to describe it.
  const Status failed_without_memory_{
      Code::kJournalFailed,
      "a sync failed, and there was no memory left to say why; the journal accepts no more "
      "entries; close it, raise the memory limit, and open it again to recover",
      ENOMEM};
};

inline void Journal::Publish(uint64_t bytes, uint64_t entries) {
  cursor_ += bytes;
  next_sequence_ += entries;
  // The flusher reads the sequence first and the offset then, so the offset it sees covers the
  // sequence.
  offset_.store(static_cast<uint64_t>(cursor_ - base_), std::memory_order_release);
  appended_.store(next_sequence_ - 1, std::memory_order_release);
}

inline Code Journal::AppendLine(EntryType type, uint16_t instrument, uint8_t flags,
                                uint64_t timestamp_ns, const uint64_t* payload) {
  if (static_cast<uint64_t>(end_ - cursor_) < kLineBytes) [[unlikely]] {
    if (const Code code = MakeRoom(kLineBytes); code != Code::kOk) return code;
  }
  if (failed_.load(std::memory_order_relaxed)) [[unlikely]]
    return FailureCode();
  const uint64_t sequence = next_sequence_;
  const uint64_t durable_lag = DurableLag(sequence, durable_.load(std::memory_order_relaxed));
  // Whole words, put together in registers: the checksum would have to wait for narrower stores to
  // reach the cache before it could read them back as words.
  uint64_t line[8] = {kLinePayloadBytes | uint64_t{instrument} << 32 |
                          static_cast<uint64_t>(type) << 48 |
                          static_cast<uint64_t>(flags | kFlagWritten) << 56,
                      sequence,
                      timestamp_ns,
                      payload[0],
                      payload[1],
                      payload[2],
                      payload[3],
                      durable_lag};
  last_checksum_ = Crc32cLine(seed_, reinterpret_cast<const uint8_t*>(line));
  line[7] |= uint64_t{last_checksum_} << 32;
  uint64_t* words = reinterpret_cast<uint64_t*>(cursor_);
  FetchAhead(words);
  for (size_t i = 0; i < 7; ++i) words[i] = line[i];
  // Last: an entry without its checksum was never there.
  __atomic_store_n(words + 7, line[7], __ATOMIC_RELEASE);
  Publish(kLineBytes);
  return Code::kOk;
}

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_JOURNAL_H_
