// The open transaction of an engine: operations that are applied to the books at once and can be
// taken back, and their entries, which the journal gets only when all of them were accepted.
//
// Invariants:
// - Until Commit returns kOk, nothing of it is an entry of the journal, in the window or in a file.
// - After TakeBack the books are as they were at Begin, queue places included.
// - One that met a refusal accepts no more; it can only be taken back.
#ifndef PINNACLE_ENGINE_TRANSACTION_H_
#define PINNACLE_ENGINE_TRANSACTION_H_

#include <cstdint>
#include <cstring>
#include <new>

#include "base/error_codes.h"
#include "journal/journal.h"
#include "journal/staged_entries.h"
#include "state/book_set.h"
#include "state/operation.h"

namespace pinnacle {

class Transaction {
 public:
  explicit Transaction(BookSet* books) : books_(books) {}

  // None is open.
  void Begin(const Journal& journal);
  // kTransactionAborted after a refusal; what BookSet::Check says; kTransactionTooLarge;
  // kOutOfMemory. `*sequence` is the entry's, should it be committed.
  Code Apply(const Operation& operation, uint8_t flags, uint64_t stamp_ns, uint64_t* sequence);
  // An entry of the user's. Also kEntryTooLarge.
  Code Append(EntryType type, uint16_t instrument, uint8_t flags, uint64_t stamp_ns,
              const uint8_t* payload, uint32_t payload_bytes, uint64_t* sequence) {
    if (payload_bytes != kLinePayloadBytes || !staged_.HasRoom(kLineBytes)) [[unlikely]] {
      return AppendAny(type, instrument, flags, stamp_ns, payload, payload_bytes, sequence);
    }
    *sequence = next_sequence();
    uint64_t words[kLinePayloadBytes / sizeof(uint64_t)];
    std::memcpy(words, payload, sizeof(words));
    staged_.AddLine(type, instrument, flags, *sequence, stamp_ns, words);
    books_->Skip(*sequence);
    return Code::kOk;
  }
  // An operation or an entry was refused, here or by the caller: nothing of it will be kept.
  Code Abort(Code code) {
    aborted_ = true;
    staged_.Refuse();
    return code;
  }
  // kTransactionAborted, or what the journal says: it is still open then, to be taken back.
  Code Commit(Journal* journal);
  // kOutOfMemory: the books are no longer of use.
  Code TakeBack();

  uint64_t entries() const { return staged_.count(); }
  // Of the entry that comes next.
  uint64_t next_sequence() const { return first_sequence_ + staged_.count(); }

 private:
  // Whatever its payload, and even if memory has to be made.
  Code AppendAny(EntryType type, uint16_t instrument, uint8_t flags, uint64_t stamp_ns,
                 const uint8_t* payload, uint32_t payload_bytes, uint64_t* sequence);
  Code MakeRoom(uint32_t payload_bytes);
  void Stage(EntryType type, uint16_t instrument, uint8_t flags, uint64_t stamp_ns,
             const uint8_t* payload, uint32_t payload_bytes);
  void Forget();

  BookSet* const books_;
  StagedEntries staged_;
  BookSet::UndoLog undos_;
  uint64_t first_sequence_ = 0;
  uint64_t last_sequence_before_ = 0;
  bool aborted_ = false;
};

// (Here, since it has one caller and every operation of a transaction goes through it.)
inline Code Transaction::Apply(const Operation& operation, uint8_t flags, uint64_t stamp_ns,
                               uint64_t* sequence) {
  uint64_t payload[kMaxOperationPayload / sizeof(uint64_t)];
  EntryType type;
  uint8_t side = 0;
  const uint32_t payload_bytes =
      EncodeOperation(operation, reinterpret_cast<uint8_t*>(payload), &type, &side);
  if (payload_bytes != kLinePayloadBytes || !staged_.HasRoom(kLineBytes)) [[unlikely]] {
    if (const Code code = MakeRoom(payload_bytes); code != Code::kOk) return code;
  }
  BookSet::Prepared prepared;
  if (const Code code = books_->Check(operation, &prepared); code != Code::kOk) [[unlikely]]
    return Abort(code);
  *sequence = next_sequence();
  try {
    books_->MakeRoom(operation, &prepared);
    books_->ApplyUndoably(operation, prepared, *sequence, stamp_ns, &undos_);
  } catch (const std::bad_alloc&) {
    return Abort(Code::kOutOfMemory);
  }
  if (payload_bytes == kLinePayloadBytes) [[likely]] {
    staged_.AddLine(type, operation.instrument, flags | side, *sequence, stamp_ns, payload);
  } else {
    Stage(type, operation.instrument, flags | side, stamp_ns,
          reinterpret_cast<const uint8_t*>(payload), payload_bytes);
  }
  return Code::kOk;
}

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_TRANSACTION_H_
