#include "engine/transaction.h"

#include <algorithm>
#include <new>

namespace pinnacle {

void Transaction::Begin(const Journal& journal) {
  first_sequence_ = journal.appended() + 1;
  last_sequence_before_ = books_->last_sequence();
  journal.BeginTransaction(&staged_);
  aborted_ = false;
}

Code Transaction::MakeRoom(uint32_t payload_bytes) {
  if (aborted_) return Code::kTransactionAborted;
  if (payload_bytes > kMaxPayloadBytes) return Abort(Code::kEntryTooLarge);
  try {
    if (staged_.MakeRoom(EntryBytes(payload_bytes))) return Code::kOk;
  } catch (const std::bad_alloc&) {
    return Abort(Code::kOutOfMemory);
  }
  return Abort(Code::kTransactionTooLarge);
}

void Transaction::Stage(EntryType type, uint16_t instrument, uint8_t flags, uint64_t stamp_ns,
                        const uint8_t* payload, uint32_t payload_bytes) {
  const EntryHeader header{payload_bytes,
                           instrument,
                           static_cast<uint8_t>(type),
                           static_cast<uint8_t>(flags | kFlagWritten),
                           next_sequence(),
                           stamp_ns};
  staged_.Add(header, payload);
}

Code Transaction::AppendAny(EntryType type, uint16_t instrument, uint8_t flags, uint64_t stamp_ns,
                            const uint8_t* payload, uint32_t payload_bytes, uint64_t* sequence) {
  if (const Code code = MakeRoom(payload_bytes); code != Code::kOk) return code;
  *sequence = next_sequence();
  Stage(type, instrument, flags, stamp_ns, payload, payload_bytes);
  books_->Skip(*sequence);
  return Code::kOk;
}

Code Transaction::Commit(Journal* journal) {
  if (aborted_) return Code::kTransactionAborted;
  if (const Code code = journal->AppendTransaction(&staged_); code != Code::kOk) return Abort(code);
  Forget();
  return Code::kOk;
}

Code Transaction::TakeBack() {
  Code code = Code::kOk;
  try {
    books_->TakeBack(&undos_);
  } catch (const std::bad_alloc&) {
    code = Code::kOutOfMemory;
  }
  books_->Skip(last_sequence_before_);
  Forget();
  return code;
}

void Transaction::Forget() {
  undos_.Clear();
  staged_.Clear();
}

}  // namespace pinnacle
