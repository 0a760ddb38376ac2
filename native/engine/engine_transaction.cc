// The writer's calls of an engine whose transaction is open, and its beginning and end.
#include "engine/engine.h"

namespace pinnacle {

Code Engine::BeginTransaction() {
  if (mode_ == Mode::kClosed) return Code::kClosed;
  if (in_transaction()) return Code::kTransactionOpen;
  if (journal_->failed()) return journal_->FailureCode();
  transaction_.Begin(*journal_);
  mode_ = Mode::kTransaction;
  return Code::kOk;
}

Code Engine::CommitTransaction(uint64_t* sequence) {
  *sequence = 0;
  if (!in_transaction()) return Code::kInvalidOperation;
  const bool has_entries = transaction_.entries() > 0;
  if (const Code code = transaction_.Commit(journal_.get()); code != Code::kOk) return code;
  mode_ = Mode::kPlain;
  if (!has_entries) return Code::kOk;
  *sequence = journal_->appended();
  return sync_each_ ? SyncAppended() : Code::kOk;
}

Code Engine::RollBackTransaction() {
  if (!in_transaction()) return Code::kInvalidOperation;
  mode_ = Mode::kPlain;
  const Code code = transaction_.TakeBack();
  if (code != Code::kOk) {
    journal_->Abandon(Status(code,
                             "there was no memory left to take a transaction back, so the books "
                             "are not what the journal says; raise the memory limit"));
  }
  return code;
}

// (A function of its own: an operation outside of a transaction asks for none.)
inline uint64_t Engine::StampInTransaction(uint64_t timestamp_ns, uint8_t* flags) {
  if (timestamp_ns != 0 || frozen_ns_ != 0) return Stamp(timestamp_ns, flags);
  return last_stamp_ns_ = stamps_.Stamp(transaction_.next_sequence());
}

Code Engine::ApplyInTransaction(const Operation& operation, uint64_t timestamp_ns,
                                uint64_t* sequence) {
  if (mode_ == Mode::kClosed) return Code::kClosed;
  uint8_t flags = 0;
  const uint64_t stamp_ns = StampInTransaction(timestamp_ns, &flags);
  const Code code = transaction_.Apply(operation, flags, stamp_ns, sequence);
  return code == Code::kOk ? code : Refused(code);
}

Code Engine::AppendInTransaction(uint8_t user_type, uint16_t instrument, uint64_t timestamp_ns,
                                 const uint8_t* payload, uint32_t payload_bytes,
                                 uint64_t* sequence) {
  if (mode_ == Mode::kClosed) return Code::kClosed;
  if (user_type > kLastUserType) return transaction_.Abort(Code::kInvalidEntryType);
  if (instrument > books_.instrument_count()) return transaction_.Abort(Code::kUnknownInstrument);
  uint8_t flags = 0;
  const uint64_t stamp_ns = StampInTransaction(timestamp_ns, &flags);
  const EntryType type = EntryTypeOfUser(user_type);
  return transaction_.Append(type, instrument, flags, stamp_ns, payload, payload_bytes, sequence);
}

Code Engine::AppendManyInTransaction(uint8_t user_type, uint16_t instrument, uint64_t timestamp_ns,
                                     const uint8_t* payloads, uint32_t payload_bytes,
                                     uint64_t stride_bytes, uint64_t count, uint64_t* taken,
                                     uint64_t* sequence) {
  if (mode_ == Mode::kClosed) return Code::kClosed;
  Code code = Code::kOk;
  FreezeClock();  // one time for all
  while (*taken < count && code == Code::kOk) {
    code = AppendInTransaction(user_type, instrument, timestamp_ns,
                               payloads + *taken * stride_bytes, payload_bytes, sequence);
    if (code == Code::kOk) ++*taken;
  }
  ThawClock();
  return code;
}

}  // namespace pinnacle
