#include "engine/engine.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

#include "base/guarded.h"

namespace pinnacle {

namespace {

// One append in this many is timed: two clock readings cost more than an append.
constexpr uint32_t kSampleEvery = 256;

}  // namespace

Engine::~Engine() { (void)Close(); }

Status Engine::StartThreads(JournalThreads::OnSync on_sync) {
  const std::chrono::nanoseconds interval(
      options_.durability == Durability::kInterval ? options_.sync_interval_ns : 0);
  live_ = std::make_unique<LiveStatus>(environment_, this, journal_.get());
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
  if (user_type > kLastUserType) return Code::kInvalidEntryType;
  if (instrument > books_.instrument_count()) return Code::kUnknownInstrument;
  const bool sampled = (++samples_ % kSampleEvery) == 0;
  const uint64_t start_ns = sampled ? environment_.clock->MonotonicNs() : 0;
  uint8_t flags = 0;
  const uint64_t stamp_ns = Stamp(timestamp_ns, &flags);
  const EntryType type = EntryTypeOfUser(user_type);
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
  if (user_type > kLastUserType) return Code::kInvalidEntryType;
  if (instrument > books_.instrument_count()) return Code::kUnknownInstrument;
  if (count == 0) return Code::kOk;
  uint8_t flags = 0;
  const uint64_t stamp_ns = Stamp(timestamp_ns, &flags);
  const EntryType type = EntryTypeOfUser(user_type);
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

Status Engine::Closed() { return Status(Code::kClosed, "the data directory was closed"); }

Status Engine::SyncNow() { return threads_ ? threads_->SyncNow() : journal_->Flush(); }

Status Engine::Close() {
  if (mode_ == Mode::kClosed) return Status();
  mode_ = Mode::kClosed;  // of an open transaction nothing was journaled
  Status status;
  if (threads_) threads_->Stop();
  if (journal_) status = Guarded([this] { return journal_->Close(); });
  if (live_) live_->End(status.ok());
  // A concurrent snapshot or compaction must end before the lock goes.
  std::lock_guard snapshot_lock(snapshot_mutex_);
  std::lock_guard compaction_lock(compaction_mutex_);
  lock_.reset();
  return status;
}

}  // namespace pinnacle
