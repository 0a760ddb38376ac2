// Every error code of the project, in one list. The addon exports the same list to TypeScript, so a
// code can't exist on one side only. docs/errors.md says for each what happened and what to do.
#ifndef PINNACLE_BASE_ERROR_CODES_H_
#define PINNACLE_BASE_ERROR_CODES_H_

#include <cstdint>

namespace pinnacle {

// X(enumerator, "ERR_PINNACLE_…" without its prefix)
#define PINNACLE_ERROR_CODES(X)                    \
  X(kOk, "OK")                                     \
  /* misuse of a call */                           \
  X(kInvalidArgument, "INVALID_ARGUMENT")          \
  X(kInvalidOperation, "INVALID_OPERATION")        \
  X(kInvalidPrice, "INVALID_PRICE")                \
  X(kInvalidQuantity, "INVALID_QUANTITY")          \
  X(kInvalidSide, "INVALID_SIDE")                  \
  X(kInvalidOrderId, "INVALID_ORDER_ID")           \
  X(kInvalidTimestamp, "INVALID_TIMESTAMP")        \
  X(kInvalidSequence, "INVALID_SEQUENCE")          \
  X(kInvalidInstrument, "INVALID_INSTRUMENT")      \
  X(kInvalidEntryType, "INVALID_ENTRY_TYPE")       \
  X(kBufferLength, "BUFFER_LENGTH")                \
  X(kEntryTooLarge, "ENTRY_TOO_LARGE")             \
  X(kClosed, "CLOSED")                             \
  X(kBusy, "BUSY")                                 \
  X(kTransactionOpen, "TRANSACTION_OPEN")          \
  X(kTransactionAborted, "TRANSACTION_ABORTED")    \
  X(kTransactionTooLarge, "TRANSACTION_TOO_LARGE") \
  X(kTransactionAsync, "TRANSACTION_ASYNC")        \
  X(kConfigRange, "CONFIG_RANGE")                  \
  /* refused by a book */                          \
  X(kUnknownInstrument, "UNKNOWN_INSTRUMENT")      \
  X(kInstrumentMismatch, "INSTRUMENT_MISMATCH")    \
  X(kTooManyInstruments, "TOO_MANY_INSTRUMENTS")   \
  X(kUnknownOrder, "UNKNOWN_ORDER")                \
  X(kDuplicateOrder, "DUPLICATE_ORDER")            \
  X(kQuantityExceedsOpen, "QUANTITY_EXCEEDS_OPEN") \
  X(kQuantityOverflow, "QUANTITY_OVERFLOW")        \
  X(kBookFull, "BOOK_FULL")                        \
  /* files and devices */                          \
  X(kNotFound, "NOT_FOUND")                        \
  X(kAlreadyExists, "ALREADY_EXISTS")              \
  X(kNotADirectory, "NOT_A_DIRECTORY")             \
  X(kPermission, "PERMISSION")                     \
  X(kReadOnly, "READ_ONLY")                        \
  X(kNoSpace, "NO_SPACE")                          \
  X(kTooManyFiles, "TOO_MANY_FILES")               \
  X(kTooManyThreads, "TOO_MANY_THREADS")           \
  X(kOutOfMemory, "OUT_OF_MEMORY")                 \
  X(kIo, "IO")                                     \
  X(kLocked, "LOCKED")                             \
  X(kDirectoryLost, "DIRECTORY_LOST")              \
  /* the journal and what is read back */          \
  X(kJournalFailed, "JOURNAL_FAILED")              \
  X(kCorrupt, "CORRUPT")                           \
  X(kTornTail, "TORN_TAIL")                        \
  X(kNotOurFile, "NOT_OUR_FILE")                   \
  X(kNewerVersion, "NEWER_VERSION")                \
  X(kUnknownFeature, "UNKNOWN_FEATURE")            \
  X(kNoSnapshot, "NO_SNAPSHOT")                    \
  X(kSnapshotCorrupt, "SNAPSHOT_CORRUPT")          \
  X(kJournalGap, "JOURNAL_GAP")                    \
  X(kOutOfReach, "OUT_OF_REACH")                   \
  X(kInsideTransaction, "INSIDE_TRANSACTION")      \
  X(kConsumerDiverged, "CONSUMER_DIVERGED")        \
  /* backups */                                    \
  X(kIsBackup, "IS_BACKUP")                        \
  X(kBackupCorrupt, "BACKUP_CORRUPT")              \
  X(kAborted, "ABORTED")

enum class Code : uint16_t {
#define PINNACLE_X(enumerator, name) enumerator,
  PINNACLE_ERROR_CODES(PINNACLE_X)
#undef PINNACLE_X
};

// The public name, such as "ERR_PINNACLE_CLOSED"; "OK" for kOk.
const char* CodeName(Code code);

// Number of codes, kOk included; a Code's value is below it.
inline constexpr uint16_t kCodeCount = 0
#define PINNACLE_X(enumerator, name) +1  // NOLINT(bugprone-macro-parentheses): a term of the sum
    PINNACLE_ERROR_CODES(PINNACLE_X)
#undef PINNACLE_X
    ;

}  // namespace pinnacle

#endif  // PINNACLE_BASE_ERROR_CODES_H_
