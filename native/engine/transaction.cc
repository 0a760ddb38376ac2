#include "engine/transaction.h"

#include <algorithm>
#include <new>

namespace pinnacle {

void Transaction::Begin(const Journal& journal) {
  first_sequence_ = journal.appended() + 1;
  last_sequence_before_ = books_->last_sequence();
  most_bytes_ = journal.most_transaction_bytes();
  aborted_ = false;
}

Code Transaction::MakeRoom(uint32_t payload_bytes) {
  if (aborted_) return Code::kTransactionAborted;
  if (payload_bytes > kMaxPayloadBytes) return Abort(Code::kEntryTooLarge);
  const uint64_t entry_bytes = EntryBytes(payload_bytes);
  if (most_bytes_ - staged_.bytes() < entry_bytes) return Abort(Code::kTransactionTooLarge);
  try {
    staged_.MakeRoom(entry_bytes);
  } catch (const std::bad_alloc&) {
    return Abort(Code::kOutOfMemory);
  }
  return Code::kOk;
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

Code Transaction::Apply(const Operation& operation, uint8_t flags, uint64_t stamp_ns,
                        uint64_t* sequence) {
  uint64_t payload[kMaxOperationPayload / sizeof(uint64_t)];
  EntryType type;
  uint8_t side = 0;
  const uint32_t payload_bytes =
      EncodeOperation(operation, reinterpret_cast<uint8_t*>(payload), &type, &side);
  if (const Code code = MakeRoom(payload_bytes); code != Code::kOk) return code;
  BookSet::Prepared prepared;
  if (const Code code = books_->Check(operation, &prepared); code != Code::kOk) return Abort(code);
  *sequence = next_sequence();
  const size_t before = undos_.size();
  try {
    books_->MakeRoom(operation, &prepared);
    books_->ApplyUndoably(operation, prepared, *sequence, stamp_ns, &undos_.emplace_back());
  } catch (const std::bad_alloc&) {
    if (undos_.size() > before) undos_.pop_back();
    return Abort(Code::kOutOfMemory);
  }
  Stage(type, operation.instrument, flags | side, stamp_ns,
        reinterpret_cast<const uint8_t*>(payload), payload_bytes);
  return Code::kOk;
}

Code Transaction::Append(EntryType type, uint16_t instrument, uint8_t flags, uint64_t stamp_ns,
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
    for (; !undos_.empty(); undos_.pop_back()) books_->TakeBack(&undos_.back());
  } catch (const std::bad_alloc&) {
    code = Code::kOutOfMemory;
  }
  books_->Skip(last_sequence_before_);
  Forget();
  return code;
}

void Transaction::Forget() {
  undos_.clear();
  if (undos_.capacity() > kKeptUndos) undos_.shrink_to_fit();
  staged_.Clear();
}

}  // namespace pinnacle
