#include "engine/engine.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

#include "base/guarded.h"
#include "engine/adoption.h"
#include "engine/backup_mark.h"
#include "engine/consumer_lag.h"
#include "engine/mending.h"
#include "engine/time_travel.h"
#include "journal/reader.h"
#include "repair/steps.h"
#include "snapshot/snapshot_directory.h"
#include "snapshot/snapshot_writer.h"

namespace pinnacle {

namespace {

// One append in this many is timed: two clock readings cost more than an append.
constexpr uint32_t kSampleEvery = 256;

Status Closed() { return Status(Code::kClosed, "the data directory was closed"); }

std::string ParentOf(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  const size_t slash = end == std::string::npos ? std::string::npos : path.find_last_of('/', end);
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status MakeDirectories(FileSystem* fs, const EngineOptions& options) {
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(options.data_directory, &exists));
  if (!exists) {
    if (!options.create) {
      return Status(Code::kNotFound,
                    "the data directory " + options.data_directory +
                        " does not exist; check the path, or allow it to be created");
    }
    PINNACLE_RETURN_IF_ERROR(fs->CreateDirectory(options.data_directory));
  }
  // Also where it exists: a crash may have come between making and syncing it. (A directory that
  // somebody else made may stand in one that we may not read; then it was not us who crashed.)
  Status synced = fs->SyncDirectory(ParentOf(options.data_directory));
  if (exists && synced.code() == Code::kPermission) return Status();
  return synced;
}

Status MakeSubdirectory(FileSystem* fs, const std::string& data_directory,
                        const std::string& path) {
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(path, &exists));
  if (!exists) PINNACLE_RETURN_IF_ERROR(fs->CreateDirectory(path));
  // Also where it exists: a crash may have come between making and syncing it, and between a rename
  // in it and its sync. Names that are seen but not durable must not be built on.
  PINNACLE_RETURN_IF_ERROR(fs->SyncDirectory(data_directory));
  return fs->SyncDirectory(path);
}

// Reads the state; where it is damaged and the policy is not strict, mends the directory and reads
// it again. The report then says what was found, what was kept, and where the rest is.
Status Recover(const Environment& environment, const EngineOptions& options,
               const ProgressFunction& progress, WindowFinding* window, RecoveredState* state,
               RecoveryReport* report) {
  const ReadOptions read{options.expected_orders, false};
  const std::string& directory = options.data_directory;
  Status status = ReadState(environment, directory, read, progress, state, report);
  if (status.ok()) status = Refusal(directory, *state, *report);
  const bool damaged = status.code() == Code::kCorrupt || status.code() == Code::kJournalGap;
  if (!damaged || options.policy == RecoveryPolicy::kStrict) return status;
  // While the head record still names it: to whoever opens next it would be a leftover.
  Bury(environment.file_system, window);
  report->window = *window;
  const RecoveryReport found = *report;
  MendReport mended;
  PINNACLE_RETURN_IF_ERROR(
      Mend(environment, options, state->scan.evidence.known_durable, false, &mended));
  *state = RecoveredState();
  *report = RecoveryReport();
  PINNACLE_RETURN_IF_ERROR(ReadState(environment, directory, read, progress, state, report));
  PINNACLE_RETURN_IF_ERROR(Refusal(directory, *state, *report));
  report->policy = found.policy;
  report->window = found.window;
  report->lock_ns = found.lock_ns;
  report->repair_finished = found.repair_finished;
  report->tail = Tail::kCorrupt;
  report->has_break = true;
  report->break_segment = found.break_segment;
  report->break_offset = found.break_offset;
  report->break_sequence = found.break_sequence;
  report->break_reason = found.has_break ? found.break_reason : std::string(status.message());
  report->valid_entries_follow = found.valid_entries_follow;
  report->known_durable = found.known_durable;
  report->bytes_dropped = found.bytes_dropped;
  report->entries_dropped = mended.entries_dropped;
  report->entries_salvaged = mended.entries_after_damage;
  report->damaged_snapshots = mended.damaged_snapshots;
  report->quarantine_directory = mended.quarantine_directory;
  report->holes = mended.holes;
  return Status();
}

}  // namespace

Engine::~Engine() { (void)Close(); }

Status Engine::Open(const Environment& environment, const EngineOptions& options,
                    const ProgressFunction& progress, std::unique_ptr<Engine>* engine,
                    RecoveryReport* report) {
  *report = RecoveryReport();
  report->policy = options.policy;
  Clock* clock = environment.clock;
  FileSystem* fs = environment.file_system;
  const uint64_t start_ns = clock->MonotonicNs();
  std::unique_ptr<Engine> opened(new Engine(environment, options));
  opened->sync_each_ = options.durability == Durability::kDurable;

  // Before anything is made or locked: what can't be kept is not begun.
  PINNACLE_RETURN_IF_ERROR(
      CheckThreadAffinity(options.background_cpus).WithContext("configuration: backgroundCpus"));
  PINNACLE_RETURN_IF_ERROR(RefuseBackup(fs, options.data_directory));
  PINNACLE_RETURN_IF_ERROR(MakeDirectories(fs, options));
  PINNACLE_RETURN_IF_ERROR(fs->Lock(options.data_directory, &opened->lock_));
  report->lock_ns = clock->MonotonicNs() - start_ns;

  bool finished = false;
  PINNACLE_RETURN_IF_ERROR(FinishRepair(fs, options.data_directory, &finished));
  report->repair_finished = finished;
  Adoption adoption;
  PINNACLE_RETURN_IF_ERROR(AdoptWindow(environment, options, false, &adoption));
  report->window = adoption.finding;
  RecoveredState state;
  PINNACLE_RETURN_IF_ERROR(
      Recover(environment, options, progress, &adoption.finding, &state, report));
  const uint64_t write_start_ns = clock->MonotonicNs();
  report->created = !state.has_journal_id;
  PINNACLE_RETURN_IF_ERROR(
      MakeSubdirectory(fs, options.data_directory, JournalDirectory(options.data_directory)));
  PINNACLE_RETURN_IF_ERROR(
      MakeSubdirectory(fs, options.data_directory, SnapshotDirectory(options.data_directory)));
  PINNACLE_RETURN_IF_ERROR(RemoveStaleSnapshots(fs, SnapshotDirectory(options.data_directory)));
  if (!state.has_journal_id) {
    state.journal_id = {environment.random->NextU64(), environment.random->NextU64()};
  }
  JournalPosition position = PlanContinuation(options.data_directory, state);
  position.lock = opened->lock_.get();
  // While the head record still names it: once it does not, the window is a leftover for whoever
  // opens next if this open does not come to its end.
  Bury(fs, &adoption.finding);
  PINNACLE_RETURN_IF_ERROR(Journal::Open(environment, JournalDirectory(options.data_directory),
                                         state.journal_id, options.journal, position,
                                         &opened->journal_));
  // The head record names another one now, or none.
  DisposeOfWindow(environment, options, *opened->journal_, &adoption);
  report->window = adoption.finding;
  report->window_bytes = opened->journal_->window_counters().ring_bytes;
  report->why_no_window = opened->journal_->why_no_window();
  if (const Window* window = opened->journal_->window(); window != nullptr) {
    report->why_not_locked = window->lock_refusal();
  }
  if (progress) progress("start", 1, 1);
  opened->books_ = std::move(state.books);
  // (The journal may go on in a segment that no entry was in.)
  PINNACLE_RETURN_IF_ERROR(opened->journal_->RequireFeature(opened->books_.RequiredFeatures()));
  opened->stamps_.Start(clock, state.last_clock_ns);
  opened->recovered_user_state_ = std::move(state.user_state);
  opened->recovered_sequence_ = opened->journal_->appended();
  if (opened->recovered_sequence_ > 0 && report->first_sequence == 0) {
    report->first_sequence = opened->journal_->oldest_sequence();
  }
  report->start_ns = clock->MonotonicNs() - write_start_ns;
  report->duration_ns = clock->MonotonicNs() - start_ns;
  *engine = std::move(opened);
  return Status();
}

Status Engine::StartThreads(JournalThreads::OnSync on_sync) {
  const std::chrono::nanoseconds interval(
      options_.durability == Durability::kInterval ? options_.sync_interval_ns : 0);
  live_ = std::make_unique<LiveStatus>(this);
  threads_ = std::make_unique<JournalThreads>(
      journal_.get(), environment_.clock, interval, options_.background_cpus, std::move(on_sync),
      [this](uint64_t monotonic_ns) { live_->Beat(monotonic_ns); });
  return threads_->Start();
}

uint64_t Engine::ClockNs() { return stamps_.Stamp(journal_->appended() + 1); }

uint64_t Engine::Stamp(uint64_t timestamp_ns, uint8_t* flags) {
  if (timestamp_ns != 0) {
    *flags |= kFlagGivenTime;
    return last_stamp_ns_ = timestamp_ns;
  }
  return last_stamp_ns_ = frozen_ns_ != 0 ? frozen_ns_ : ClockNs();
}

inline Code Engine::AfterAppend(uint64_t* sequence) {
  *sequence = journal_->appended();
  return sync_each_ ? SyncAppended() : Code::kOk;
}

Code Engine::SyncAppended() { return SyncNow().ok() ? Code::kOk : journal_->FailureCode(); }

Code Engine::Refused(Code code) {
  refused_.store(refused_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return code;
}

Code Engine::Apply(const Operation& operation, uint64_t timestamp_ns, uint64_t* sequence) {
  if (mode_ != Mode::kPlain) [[unlikely]]
    return ApplyInTransaction(operation, timestamp_ns, sequence);
  const bool sampled = (++samples_ % kSampleEvery) == 0;
  const uint64_t start_ns = sampled ? environment_.clock->MonotonicNs() : 0;
  BookSet::Prepared prepared;
  Code code = books_.Check(operation, &prepared);
  if (code != Code::kOk) [[unlikely]]
    return Refused(code);
  try {
    books_.MakeRoom(operation, &prepared);
  } catch (const std::bad_alloc&) {
    return Code::kOutOfMemory;
  }
  uint64_t payload[6];
  EntryType type;
  uint8_t flags = 0;
  const uint32_t payload_bytes =
      EncodeOperation(operation, reinterpret_cast<uint8_t*>(payload), &type, &flags);
  const uint64_t stamp_ns = Stamp(timestamp_ns, &flags);
  if (payload_bytes == kLinePayloadBytes) [[likely]] {
    code = journal_->AppendLine(type, operation.instrument, flags, stamp_ns, payload);
  } else {
    code = journal_->Append(type, operation.instrument, flags, stamp_ns,
                            reinterpret_cast<const uint8_t*>(payload), payload_bytes);
  }
  if (code != Code::kOk) [[unlikely]]
    return code;
  books_.Apply(operation, prepared, journal_->appended(), stamp_ns);
  code = AfterAppend(sequence);
  if (sampled) append_ns_.Record(environment_.clock->MonotonicNs() - start_ns);
  return code;
}

Code Engine::AppendPayload(uint8_t user_type, uint16_t instrument, uint64_t timestamp_ns,
                           const uint8_t* payload, uint32_t payload_bytes, uint64_t* sequence) {
  if (mode_ != Mode::kPlain) [[unlikely]] {
    return AppendInTransaction(user_type, instrument, timestamp_ns, payload, payload_bytes,
                               sequence);
  }
  if (user_type > 127) return Code::kInvalidEntryType;
  if (instrument > books_.instrument_count()) return Code::kUnknownInstrument;
  const bool sampled = (++samples_ % kSampleEvery) == 0;
  const uint64_t start_ns = sampled ? environment_.clock->MonotonicNs() : 0;
  uint8_t flags = 0;
  const uint64_t stamp_ns = Stamp(timestamp_ns, &flags);
  const EntryType type =
      static_cast<EntryType>(static_cast<uint8_t>(EntryType::kFirstUserType) + user_type);
  Code code;
  if (payload_bytes == kLinePayloadBytes) {
    uint64_t words[4];
    std::memcpy(words, payload, sizeof(words));
    code = journal_->AppendLine(type, instrument, flags, stamp_ns, words);
  } else {
    code = journal_->Append(type, instrument, flags, stamp_ns, payload, payload_bytes);
  }
  if (code != Code::kOk) [[unlikely]]
    return code;
  books_.Skip(journal_->appended());
  code = AfterAppend(sequence);
  if (sampled) append_ns_.Record(environment_.clock->MonotonicNs() - start_ns);
  return code;
}

Code Engine::AppendPayloads(uint8_t user_type, uint16_t instrument, uint64_t timestamp_ns,
                            const uint8_t* payloads, uint32_t payload_bytes, uint64_t stride_bytes,
                            uint64_t count, uint64_t* taken, uint64_t* sequence) {
  *taken = 0;
  *sequence = 0;
  if (mode_ != Mode::kPlain) {
    return AppendManyInTransaction(user_type, instrument, timestamp_ns, payloads, payload_bytes,
                                   stride_bytes, count, taken, sequence);
  }
  if (user_type > 127) return Code::kInvalidEntryType;
  if (instrument > books_.instrument_count()) return Code::kUnknownInstrument;
  if (count == 0) return Code::kOk;
  uint8_t flags = 0;
  const uint64_t stamp_ns = Stamp(timestamp_ns, &flags);
  const EntryType type =
      static_cast<EntryType>(static_cast<uint8_t>(EntryType::kFirstUserType) + user_type);
  Code code = Code::kOk;
  if (payload_bytes == kLinePayloadBytes && stride_bytes == kLinePayloadBytes) {
    code = journal_->AppendLines(type, instrument, flags, stamp_ns,
                                 reinterpret_cast<const uint64_t*>(payloads), count, taken);
  } else {
    while (*taken < count && code == Code::kOk) {
      code = journal_->Append(type, instrument, flags, stamp_ns, payloads + *taken * stride_bytes,
                              payload_bytes);
      if (code == Code::kOk) ++*taken;
    }
  }
  if (*taken == 0) return code;
  *sequence = journal_->appended();
  books_.Skip(*sequence);
  if (sync_each_ && !SyncNow().ok()) {
    *taken = 0;  // nothing was promised
    return journal_->FailureCode();
  }
  return code;
}

Status Engine::DefineInstrument(const Instrument& instrument, uint16_t* index) {
  if (mode_ == Mode::kClosed) return Closed();
  if (in_transaction()) {
    return Status(Code::kTransactionOpen,
                  "an instrument can't be defined inside a transaction; define it before");
  }
  bool present = false;
  PINNACLE_RETURN_IF_ERROR(books_.CheckDefine(instrument, &present, index));
  if (present) return Status();
  books_.MakeRoomToDefine(instrument);
  InstrumentPayload payload;
  EncodeInstrument(instrument, &payload);
  if (instrument.signed_prices) {
    if (Status status = journal_->RequireFeature(kFeatureSignedPrices); !status.ok()) {
      books_.ForgetRoomToDefine();
      return status;
    }
  }
  uint8_t flags = 0;
  const uint64_t stamp_ns = Stamp(0, &flags);
  if (journal_->Append(EntryType::kInstrument, *index, flags, stamp_ns,
                       reinterpret_cast<const uint8_t*>(&payload), sizeof(payload)) != Code::kOk) {
    books_.ForgetRoomToDefine();
    return journal_->last_error();
  }
  books_.Define(instrument, journal_->appended());
  return sync_each_ ? SyncNow() : Status();
}

Status Engine::SyncNow() { return threads_ ? threads_->SyncNow() : journal_->Flush(); }

SnapshotPoint Engine::FixSnapshotPoint() {
  SnapshotPoint point;
  point.sequence = journal_->appended();
  point.timestamp_ns = ClockNs();
  point.entry_checksum = journal_->last_checksum();
  return point;
}

Status Engine::BuildSnapshot(const SnapshotPoint& point, std::span<const uint8_t> user_state,
                             SnapshotInfo* info, RotationReport* rotation) {
  std::unique_lock lock(snapshot_mutex_, std::try_to_lock);
  if (!lock.owns_lock()) {
    return Status(Code::kBusy, "a snapshot is being taken already; wait for it");
  }
  RotationReport ignored;
  const Status status = Guarded([&] {
    return BuildSnapshotLocked(point, user_state, info, rotation == nullptr ? &ignored : rotation);
  });
  (status.ok() ? snapshots_ : snapshot_failures_).fetch_add(1, std::memory_order_relaxed);
  return status;
}

Status Engine::BuildSnapshotLocked(const SnapshotPoint& point, std::span<const uint8_t> user_state,
                                   SnapshotInfo* info, RotationReport* rotation) {
  *rotation = RotationReport();
  if (lock_ == nullptr) return Closed();
  if (point.sequence == 0) {
    return Status(Code::kInvalidOperation,
                  "nothing was journaled yet, so there is nothing to take a snapshot of");
  }
  FileSystem* fs = environment_.file_system;
  PINNACLE_RETURN_IF_ERROR(journal_->CopyStep());
  BookSet shadow;
  uint32_t entry_checksum = 0;
  PINNACLE_RETURN_IF_ERROR(
      BuildBooks(fs, options_.data_directory, point.sequence, &shadow, &entry_checksum));
  // What is not known (nothing was appended since the directory was opened) is taken from the
  // journal.
  if (point.entry_checksum != 0 && entry_checksum != 0 && entry_checksum != point.entry_checksum) {
    return Status(Code::kCorrupt, "entry " + std::to_string(point.sequence) +
                                      " reads back differently from how it was written");
  }
  // A snapshot must never be ahead of the durable journal: recovery would find a hole between them.
  PINNACLE_RETURN_IF_ERROR(SyncNow());
  // A sync with nothing to do looks at no name, and a snapshot must not go into another directory.
  PINNACLE_RETURN_IF_ERROR(journal_->CheckNames());
  SnapshotMeta meta;
  meta.journal_id = journal_->id();
  meta.sequence = point.sequence;
  meta.timestamp_ns = point.timestamp_ns;
  meta.entry_checksum = entry_checksum;
  const std::string directory = SnapshotDirectory(options_.data_directory);
  PINNACLE_RETURN_IF_ERROR(WriteTemporarySnapshot(fs, directory, meta, shadow, user_state, info));
  shadow = BookSet();  // its memory is for the books that reading back builds
  PINNACLE_RETURN_IF_ERROR(PublishSnapshot(fs, directory, *info));
  std::vector<SnapshotFile> files;
  PINNACLE_RETURN_IF_ERROR(ListSnapshots(fs, directory, &files));
  // Nothing would be removed, so the older ones need not be read.
  if (files.size() <= options_.keep_snapshots) return Status();
  return pinnacle::RotateSnapshots(fs, directory, options_.keep_snapshots, journal_->id(), info,
                                   rotation);
}

Status Engine::RotateSnapshots(uint64_t keep, RotationReport* report) {
  *report = RotationReport();
  std::lock_guard lock(snapshot_mutex_);
  if (lock_ == nullptr) return Closed();
  return pinnacle::RotateSnapshots(environment_.file_system,
                                   SnapshotDirectory(options_.data_directory), keep, journal_->id(),
                                   nullptr, report);
}

Status Engine::Compact(bool force, CompactionReport* report) {
  *report = CompactionReport();
  std::unique_lock lock(compaction_mutex_, std::try_to_lock);
  if (!lock.owns_lock()) {
    return Status(Code::kBusy, "the journal is being compacted already; wait for it");
  }
  if (lock_ == nullptr) return Closed();
  FileSystem* fs = environment_.file_system;
  const std::string directory = SnapshotDirectory(options_.data_directory);
  report->oldest_sequence = journal_->oldest_sequence();
  std::vector<SnapshotFile> snapshots;
  PINNACLE_RETURN_IF_ERROR(ListSnapshots(fs, directory, &snapshots));
  if (snapshots.empty()) {
    report->reason = "there is no snapshot yet, so recovery needs the whole journal";
    return Status();
  }
  if (!force && journal_->disk_bytes() <= options_.compaction_threshold_bytes) {
    report->reason = "the journal is not above its threshold";
    return Status();
  }
  constexpr char kAllNeeded[] = "the kept snapshots need all of the journal's segments";
  // Even the newest, were it the only one, would free nothing: no reason to read any.
  if (journal_->ReleasableBytes(snapshots.back().sequence + 1) == 0) {
    report->reason = kAllNeeded;
    return Status();
  }
  SnapshotInfo oldest;
  bool found = false;
  PINNACLE_RETURN_IF_ERROR(
      FindOldestSound(fs, snapshots, journal_->id(), &oldest, &found, &report->damaged_snapshots));
  if (!found) {
    report->reason =
        "none of the " + std::to_string(snapshots.size()) +
        " snapshots verifies, so recovery needs the whole journal; take a new one, and see "
        "`pinnacle verify " +
        options_.data_directory + "`";
    return Status();
  }
  // Entries from here on are needed: by the oldest sound snapshot, should the newer ones rot.
  const uint64_t keep_from = oldest.meta.sequence + 1;
  if (journal_->ReleasableBytes(keep_from) == 0) {
    report->reason = kAllNeeded;
    return Status();
  }
  // A snapshot whose last sync failed has its name in the cache only: the journal before it must
  // not go before the name is durable.
  PINNACLE_RETURN_IF_ERROR(fs->SyncDirectory(directory));
  ConsumerLag lag;
  PINNACLE_RETURN_IF_ERROR(
      ReadConsumerLag(fs, options_.data_directory, journal_->id(), report->oldest_sequence, &lag));
  const uint64_t keep_for_consumers =
      WithinLimits(lag, keep_from, options_.consumer_limit_entries,
                   journal_->FirstWithin(keep_from, options_.consumer_limit_bytes));
  report->bytes_kept_for_consumers =
      journal_->ReleasableBytes(keep_from) - journal_->ReleasableBytes(keep_for_consumers);
  if (report->bytes_kept_for_consumers > 0) report->slowest_consumer = lag.slowest().name;
  if (journal_->ReleasableBytes(keep_for_consumers) == 0) {
    report->reason = "consumer \"" + report->slowest_consumer + "\" has consumed up to entry " +
                     std::to_string(lag.slowest().consumed) +
                     " only, and what compaction could free is within its limits";
    return Status();
  }
  ReleaseReport released;
  Status status = journal_->Release(keep_for_consumers, &released);
  report->removed = released.removed;
  report->recycled = released.recycled;
  report->bytes_freed = released.bytes_freed;
  report->oldest_sequence = journal_->oldest_sequence();
  for (const ConsumerNeed& need : lag.needs) {
    if (need.needs < report->oldest_sequence) {
      report->overtaken.push_back({need.name, need.consumed});
    }
  }
  if (released.removed + released.recycled > 0)
    compactions_.fetch_add(1, std::memory_order_relaxed);
  return status;
}

Status Engine::Close() {
  if (mode_ == Mode::kClosed) return Status();
  mode_ = Mode::kClosed;  // of an open transaction nothing was journaled
  Status status;
  if (threads_) threads_->Stop();
  if (journal_) status = Guarded([this] { return journal_->Close(); });
  if (live_) live_->End(status.ok());
  // A snapshot or compaction that runs beside must be over before the lock goes.
  std::lock_guard snapshot_lock(snapshot_mutex_);
  std::lock_guard compaction_lock(compaction_mutex_);
  lock_.reset();
  return status;
}

}  // namespace pinnacle
