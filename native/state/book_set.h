// All books of a data directory with their instruments: the state that the journal's entries make.
//
// The writer uses Check and Apply around journaling an operation; whoever reads a journal back uses
// ApplyEntry. Both go through the same checks, so an entry that was accepted once is accepted
// again, and one that is not says that the journal is not what was written. Not thread-safe.
#ifndef PINNACLE_STATE_BOOK_SET_H_
#define PINNACLE_STATE_BOOK_SET_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "book/order_book.h"
#include "journal/format.h"
#include "state/instrument.h"
#include "state/operation.h"

namespace pinnacle {

class BookSet {
 public:
  // What Check found, for Apply.
  using Prepared = OrderBook::Handle;

  // `expected_orders` are reserved for in each book that an instrument definition makes.
  explicit BookSet(uint64_t expected_orders = 0) : expected_orders_(expected_orders) {}

  // --- operations ---

  // kUnknownInstrument, kInvalidOperation (not one for this kind of instrument), kInvalidPrice,
  // kInvalidQuantity, or what the book says. Changes nothing.
  Code Check(const Operation& operation, Prepared* prepared);
  // All the memory that Apply may need, of an operation for which Check returned kOk. Throws
  // std::bad_alloc, and nothing has changed. Who has nothing to journal may leave it out.
  void MakeRoom(const Operation& operation, Prepared* prepared) {
    if (operation.type != EntryType::kAdd && operation.type != EntryType::kReplace &&
        operation.type != EntryType::kSetLevel) {
      return;
    }
    if (operation.type == EntryType::kAdd &&
        entries_[operation.instrument - 1u].book.TakeRoom(*prepared, operation.id)) [[likely]] {
      return;
    }
    MakeRoomInBook(operation, prepared);
  }
  // After Check returned kOk for the same operation, with at most MakeRoom in between.
  void Apply(const Operation& operation, const Prepared& prepared, uint64_t sequence,
             uint64_t timestamp_ns);
  // What operations changed, to be taken back. Of one set, and one at a time in use.
  class UndoLog {
   public:
    size_t size() const { return count_; }
    // Nothing of it is to be taken back any more. Memory stays for what comes next, but for what a
    // large one had.
    void Clear() {
      count_ = 0;
      facts_.clear();
      serial_ = 0;
      if (!cleared_.empty() || capacity_ > kKeptOperations) [[unlikely]]
        Release();
    }

   private:
    friend class BookSet;
    static constexpr size_t kKeptOperations = 8192;
    struct Done {
      OrderBook::Undo undo;
      uint16_t instrument = 0;
      bool cleared = false;  // the book that it was is the last one of cleared_
    };
    // The next one, with what an earlier one left in it.
    Done* Next(uint16_t instrument) {
      if (count_ == capacity_) [[unlikely]]
        Grow();
      Done* done = &operations_[count_++];
      done->instrument = instrument;
      done->cleared = false;
      return done;
    }
    [[gnu::noinline]] void Grow() {
      operations_.resize(std::max<size_t>(64, 2 * count_));
      capacity_ = operations_.size();
    }
    [[gnu::noinline]] void Release() {
      cleared_.clear();
      if (capacity_ <= kKeptOperations) return;
      operations_ = {};
      capacity_ = 0;
    }
    // Of an instrument at its first operation: they are set back once.
    struct Facts {
      uint16_t instrument;
      InstrumentFacts were;
    };
    std::vector<Done> operations_;  // the first count_ of them
    size_t count_ = 0;
    size_t capacity_ = 0;  // operations_.size()
    std::vector<Facts> facts_;
    std::vector<std::unique_ptr<OrderBook>> cleared_;
    uint64_t serial_ = 0;  // 0: it is empty
  };
  // As Apply, but it can be taken back. Throws std::bad_alloc, and nothing has changed.
  void ApplyUndoably(const Operation& operation, const Prepared& prepared, uint64_t sequence,
                     uint64_t timestamp_ns, UndoLog* log);
  // All of the log, with nothing else applied since, and clears it; last_sequence() is the caller's
  // to set (Skip). Throws std::bad_alloc: the books are of no use then.
  void TakeBack(UndoLog* log);
  // Entries up to here are applied, or do not concern the books (a user's).
  void Skip(uint64_t sequence) { last_sequence_ = sequence; }

  // Brings what an operation that comes soon will touch into the cache. Called once for each stage
  // in turn, kPrefetchDistance operations apart, where PrefetchPays. A hint: it may be left out,
  // and be about an operation that never comes.
  static constexpr size_t kPrefetchStages = 3;
  static constexpr size_t kPrefetchDistance = 8;
  void Prefetch(const Operation& operation, size_t stage) const {
    if (!PrefetchPays(operation.instrument)) return;
    const OrderBook& book = entries_[operation.instrument - 1u].book;
    const uint32_t hash = OrderBook::HashOf(operation.id);
    if (stage == 0) {
      book.PrefetchId(hash);
    } else if (operation.type == EntryType::kAdd) {
      if (stage == 2) book.PrefetchTail(operation.side, operation.price);
    } else if (stage == 1) {
      book.PrefetchOrder(hash);
    } else {
      book.PrefetchNeighbours(hash);
    }
  }
  // False where the book fits the processor's caches, or there is none.
  bool PrefetchPays(uint16_t instrument) const {
    return instrument - 1u < entries_.size() &&
           entries_[instrument - 1u].book.order_count() >= kLeastOrdersToPrefetch;
  }

  // How the books' tables grow from here on; kGradual at first.
  void set_growth(Growth growth);

  // --- instruments ---

  // The index that the definition has (`*present`) or would get. kInstrumentMismatch where the name
  // is taken by another definition, kTooManyInstruments, kInvalidInstrument.
  Status CheckDefine(const Instrument& instrument, bool* present, uint16_t* index) const;
  // All the memory that Define of it will need, as MakeRoom for Apply.
  void MakeRoomToDefine(const Instrument& instrument);
  // Gives it back, where the definition does not follow.
  void ForgetRoomToDefine() { next_ = {}; }
  void Define(const Instrument& instrument, uint64_t sequence);
  // 0 where there is none of this name.
  uint16_t IndexOf(const std::string& name) const;

  // --- reading back ---

  // Any entry of the journal. kCorrupt where the books refuse it.
  Status ApplyEntry(const EntryHeader& header, const uint8_t* payload);
  // The same for an operation's entry, but for last_sequence(), which stays: entries of different
  // instruments may so be applied on different threads, while nothing else uses the set.
  Status ApplyOperationEntry(const EntryHeader& header, const uint8_t* payload);
  // The same for an entry of a transaction, so that it can be taken back. kCorrupt where the books
  // refuse it, and nothing has changed.
  Status ApplyEntryUndoably(const EntryHeader& header, const uint8_t* payload, UndoLog* log);

  // For the snapshot reader: the next instrument, its facts and its book.
  Status Restore(const Instrument& instrument, const InstrumentFacts& facts, OrderBook book);
  void set_last_sequence(uint64_t sequence) { last_sequence_ = sequence; }

  // --- reading; indices are 1 .. instrument_count() ---
  uint32_t instrument_count() const { return static_cast<uint32_t>(entries_.size()); }
  const Instrument& instrument(uint16_t index) const { return entries_[index - 1u].instrument; }
  const InstrumentFacts& facts(uint16_t index) const { return entries_[index - 1u].facts; }
  const OrderBook& book(uint16_t index) const { return entries_[index - 1u].book; }
  uint64_t last_sequence() const { return last_sequence_; }
  uint64_t expected_orders() const { return expected_orders_; }
  uint64_t order_count() const;
  // The mandatory features of a file that holds these instruments.
  uint64_t RequiredFeatures() const;

 private:
  struct Entry {
    OrderBook book;
    InstrumentFacts facts;
    Instrument instrument;
    uint64_t noted_by = 0;  // the last undo log that has its facts
  };

  static void Note(const Operation& operation, const Prepared& prepared, const OrderBook& book,
                   OrderBook::Undo* undo);
  static void NoteRarer(const Operation& operation, const Prepared& prepared, const OrderBook& book,
                        OrderBook::Undo* undo);
  [[gnu::noinline]] void NoteFacts(Entry* entry, uint16_t instrument, UndoLog* log);
  void ClearUndoably(Entry* entry, UndoLog* log);
  void ApplyToBook(const Operation& operation, const Prepared& prepared, uint64_t sequence,
                   uint64_t timestamp_ns);

  using Names = std::unordered_map<std::string, uint16_t>;
  // Made ahead by MakeRoomToDefine.
  struct Next {
    std::optional<Entry> entry;
    Names::node_type name;
  };

  void MakeRoomInBook(const Operation& operation, Prepared* prepared);

  static constexpr size_t kLeastOrdersToPrefetch = 20'000;

  uint64_t expected_orders_;
  Growth growth_ = Growth::kGradual;
  std::vector<Entry> entries_;
  Names by_name_;
  Next next_;
  uint64_t last_sequence_ = 0;
  uint64_t undo_serial_ = 0;
};

}  // namespace pinnacle

#endif  // PINNACLE_STATE_BOOK_SET_H_
