#include "state/book_set.h"

#include <algorithm>
#include <utility>

namespace pinnacle {

namespace {

constexpr int64_t kMostNumber = static_cast<int64_t>(kMaxSafeInteger);

bool IsQuantity(int64_t quantity) { return quantity >= 1 && quantity <= kMostNumber; }

}  // namespace

Code BookSet::Check(const Operation& operation, Prepared* prepared) {
  if (operation.instrument == 0 || operation.instrument > entries_.size()) {
    return Code::kUnknownInstrument;
  }
  Entry& entry = entries_[operation.instrument - 1u];
  const bool orders = entry.instrument.kind == InstrumentKind::kOrders;
  switch (operation.type) {
    case EntryType::kAdd:
      if (!orders) return Code::kInvalidOperation;
      if (!TakesPrice(entry.instrument, operation.price)) return Code::kInvalidPrice;
      if (!IsQuantity(operation.quantity)) return Code::kInvalidQuantity;
      return entry.book.CheckAdd(operation.id, operation.side, operation.price, operation.quantity,
                                 prepared);
    case EntryType::kReduce:
    case EntryType::kExecute:
      if (!orders) return Code::kInvalidOperation;
      if (!IsQuantity(operation.quantity)) return Code::kInvalidQuantity;
      return entry.book.CheckReduce(operation.id, operation.quantity, prepared);
    case EntryType::kCancel:
      if (!orders) return Code::kInvalidOperation;
      return entry.book.CheckCancel(operation.id, prepared);
    case EntryType::kReplace:
      if (!orders) return Code::kInvalidOperation;
      if (!TakesPrice(entry.instrument, operation.price)) return Code::kInvalidPrice;
      if (!IsQuantity(operation.quantity)) return Code::kInvalidQuantity;
      return entry.book.CheckReplace(operation.id, operation.new_id, operation.price,
                                     operation.quantity, prepared);
    case EntryType::kSetLevel:
      if (orders) return Code::kInvalidOperation;
      if (!TakesPrice(entry.instrument, operation.price)) return Code::kInvalidPrice;
      if (operation.quantity < 0 || operation.quantity > kMostNumber) return Code::kInvalidQuantity;
      return entry.book.CheckSetLevel(operation.side, operation.price, operation.quantity,
                                      prepared);
    case EntryType::kTrade:
      if (!TakesPrice(entry.instrument, operation.price)) return Code::kInvalidPrice;
      return IsQuantity(operation.quantity) ? Code::kOk : Code::kInvalidQuantity;
    case EntryType::kStatus:
      return operation.quantity >= 0 && operation.quantity <= kMostNumber ? Code::kOk
                                                                          : Code::kInvalidQuantity;
    case EntryType::kClear:
      return Code::kOk;
    default:
      return Code::kInvalidOperation;
  }
}

void BookSet::MakeRoomInBook(const Operation& operation, Prepared* prepared) {
  OrderBook& book = entries_[operation.instrument - 1u].book;
  if (operation.type == EntryType::kAdd) {
    book.MakeRoomForAdd(prepared, operation.id, operation.side, operation.price);
  } else if (operation.type == EntryType::kReplace) {
    book.MakeRoomForReplace(prepared, operation.new_id, operation.price);
  } else if (operation.type == EntryType::kSetLevel && prepared->order == kNoIndex &&
             operation.quantity != 0) {
    book.MakeRoomForAdd(prepared, OrderBook::LevelOrderId(operation.side, operation.price),
                        operation.side, operation.price);
  }
}

void BookSet::Apply(const Operation& operation, const Prepared& prepared, uint64_t sequence,
                    uint64_t timestamp_ns) {
  last_sequence_ = sequence;
  ApplyToBook(operation, prepared, sequence, timestamp_ns);
}

inline void BookSet::Note(const Operation& operation, const Prepared& prepared,
                          const OrderBook& book, OrderBook::Undo* undo) {
  if (operation.type == EntryType::kExecute || operation.type == EntryType::kReduce) {
    book.NoteReduce(prepared, operation.quantity, undo);
  } else if (operation.type == EntryType::kAdd) {
    book.NoteAdd(undo);
  } else {
    NoteRarer(operation, prepared, book, undo);
  }
}

void BookSet::NoteRarer(const Operation& operation, const Prepared& prepared, const OrderBook& book,
                        OrderBook::Undo* undo) {
  undo->kind = OrderBook::Undo::Kind::kNothing;
  switch (operation.type) {
    case EntryType::kCancel:
      return book.NoteCancel(prepared, undo);
    case EntryType::kReplace:
      return book.NoteReplace(prepared, undo);
    case EntryType::kSetLevel:
      return book.NoteSetLevel(prepared, operation.quantity, undo);
    default:
      return;  // it changes no order, or is undone as a whole
  }
}

void BookSet::ApplyUndoably(const Operation& operation, const Prepared& prepared, uint64_t sequence,
                            uint64_t timestamp_ns, UndoLog* log) {
  Entry& entry = entries_[operation.instrument - 1u];
  if (entry.noted_by != log->serial_ || log->serial_ == 0) [[unlikely]]
    NoteFacts(&entry, operation.instrument, log);
  UndoLog::Done* done = log->Next(operation.instrument);
  if (operation.type != EntryType::kClear) [[likely]] {
    Note(operation, prepared, entry.book, &done->undo);
    return Apply(operation, prepared, sequence, timestamp_ns);
  }
  try {
    ClearUndoably(&entry, log);
  } catch (const std::bad_alloc&) {
    --log->count_;
    throw;
  }
  done->cleared = true;
  entry.facts.last_sequence = sequence;
  entry.facts.last_timestamp_ns = timestamp_ns;
  last_sequence_ = sequence;
}

void BookSet::NoteFacts(Entry* entry, uint16_t instrument, UndoLog* log) {
  if (log->serial_ == 0) log->serial_ = ++undo_serial_;
  if (entry->noted_by == log->serial_) return;
  log->facts_.push_back({instrument, entry->facts});
  entry->noted_by = log->serial_;
}

void BookSet::ClearUndoably(Entry* entry, UndoLog* log) {
  auto cleared = std::make_unique<OrderBook>(entry->book.Emptied());
  cleared->set_growth(growth_);
  OrderBook* other = cleared.get();
  log->cleared_.push_back(std::move(cleared));
  std::swap(*other, entry->book);
}

void BookSet::TakeBack(UndoLog* log) {
  while (log->count_ > 0) {
    const UndoLog::Done& done = log->operations_[--log->count_];
    OrderBook& book = entries_[done.instrument - 1u].book;
    if (done.cleared) {
      book = std::move(*log->cleared_.back());
      log->cleared_.pop_back();
    } else {
      book.TakeBack(done.undo);
    }
  }
  for (const UndoLog::Facts& facts : log->facts_) {
    entries_[facts.instrument - 1u].facts = facts.were;
  }
  log->Clear();
}

void BookSet::ApplyToBook(const Operation& operation, const Prepared& prepared, uint64_t sequence,
                          uint64_t timestamp_ns) {
  Entry& entry = entries_[operation.instrument - 1u];
  InstrumentFacts& facts = entry.facts;
  const auto traded = [&](int64_t price) {
    ++facts.trade_count;
    facts.traded_quantity += static_cast<uint64_t>(operation.quantity);
    facts.last_trade_price = price;
  };
  switch (operation.type) {
    case EntryType::kAdd:
      entry.book.ApplyAdd(prepared, operation.id, operation.side, operation.price,
                          operation.quantity);
      break;
    case EntryType::kReduce:
      entry.book.ApplyReduce(prepared, operation.quantity);
      break;
    case EntryType::kExecute:
      traded(entry.book.PriceOf(prepared));
      entry.book.ApplyReduce(prepared, operation.quantity);
      break;
    case EntryType::kCancel:
      entry.book.ApplyCancel(prepared);
      break;
    case EntryType::kReplace:
      entry.book.ApplyReplace(prepared, operation.new_id, operation.price, operation.quantity);
      break;
    case EntryType::kSetLevel:
      entry.book.ApplySetLevel(prepared, operation.side, operation.price, operation.quantity);
      break;
    case EntryType::kTrade:
      traded(operation.price);
      break;
    case EntryType::kStatus:
      facts.status = operation.quantity;
      break;
    case EntryType::kClear:
      entry.book.Clear();
      break;
    default:
      break;
  }
  facts.last_sequence = sequence;
  facts.last_timestamp_ns = timestamp_ns;
}

void BookSet::set_growth(Growth growth) {
  growth_ = growth;
  for (Entry& entry : entries_) entry.book.set_growth(growth);
}

uint16_t BookSet::IndexOf(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? uint16_t{0} : found->second;
}

Status BookSet::CheckDefine(const Instrument& instrument, bool* present, uint16_t* index) const {
  *present = false;
  PINNACLE_RETURN_IF_ERROR(CheckInstrument(instrument));
  const uint16_t found = IndexOf(instrument.name);
  if (found != 0) {
    *index = found;
    *present = this->instrument(found) == instrument;
    if (*present) return Status();
    const Instrument& known = this->instrument(found);
    return Status(Code::kInstrumentMismatch,
                  "instrument " + instrument.name + " was journaled with priceScale " +
                      std::to_string(known.price_scale) + ", quantityScale " +
                      std::to_string(known.quantity_scale) + ", kind '" +
                      (known.kind == InstrumentKind::kOrders ? "orders" : "levels") +
                      (known.signed_prices ? "', with signedPrices" : "', without signedPrices") +
                      "; a definition can't change, choose another name for another definition");
  }
  if (entries_.size() >= kMaxInstruments) {
    return Status(Code::kTooManyInstruments, "a data directory holds at most " +
                                                 std::to_string(kMaxInstruments) +
                                                 " instruments; use a second directory");
  }
  *index = static_cast<uint16_t>(entries_.size() + 1);
  return Status();
}

void BookSet::MakeRoomToDefine(const Instrument& instrument) {
  Next next;
  Names name;
  name.emplace(instrument.name, static_cast<uint16_t>(entries_.size() + 1));
  next.name = name.extract(name.begin());
  by_name_.reserve(by_name_.size() + 1);
  if (entries_.size() == entries_.capacity()) entries_.reserve(2 * entries_.size() + 1);
  next.entry.emplace(Entry{OrderBook(expected_orders_), InstrumentFacts(), instrument});
  next.entry->book.set_growth(growth_);
  next_ = std::move(next);
}

void BookSet::Define(const Instrument& instrument, uint64_t sequence) {
  if (!next_.entry || !(next_.entry->instrument == instrument)) MakeRoomToDefine(instrument);
  entries_.push_back(std::move(*next_.entry));
  by_name_.insert(std::move(next_.name));
  next_ = {};
  last_sequence_ = sequence;
}

Status BookSet::Restore(const Instrument& instrument, const InstrumentFacts& facts,
                        OrderBook book) {
  bool present = false;
  uint16_t index = 0;
  PINNACLE_RETURN_IF_ERROR(CheckDefine(instrument, &present, &index));
  if (present) {
    return Status(Code::kInvalidInstrument,
                  "instrument " + instrument.name + " stands there twice");
  }
  entries_.push_back({std::move(book), facts, instrument});
  entries_.back().book.set_growth(growth_);
  by_name_.emplace(instrument.name, static_cast<uint16_t>(entries_.size()));
  return Status();
}

namespace {

[[gnu::cold]] Status Refused(const EntryHeader& header, const std::string& why) {
  return Status(Code::kCorrupt, "entry " + std::to_string(header.sequence) +
                                    " verifies but can't be applied to the books (" + why +
                                    "); it is not what was accepted before it was journaled");
}

}  // namespace

Status BookSet::ApplyEntry(const EntryHeader& header, const uint8_t* payload) {
  if (ChangesNoBook(header)) {
    Skip(header.sequence);
    return Status();
  }
  if (IsDefinition(header)) {
    InstrumentPayload encoded;
    std::memcpy(&encoded, payload, sizeof(encoded));
    Instrument instrument;
    bool present = false;
    uint16_t index = 0;
    Status status = DecodeInstrument(encoded, &instrument);
    if (status.ok()) status = CheckDefine(instrument, &present, &index);
    if (!status.ok()) return Refused(header, std::string(status.message()));
    if (present || index != header.instrument) {
      return Refused(header, "instrument out of its order");
    }
    Define(instrument, header.sequence);
    return Status();
  }
  PINNACLE_RETURN_IF_ERROR(ApplyOperationEntry(header, payload));
  last_sequence_ = header.sequence;
  return Status();
}

Status BookSet::ApplyOperationEntry(const EntryHeader& header, const uint8_t* payload) {
  Operation operation;
  if (!DecodeOperation(header, payload, &operation)) return Refused(header, "unknown type");
  Prepared prepared;
  if (const Code code = Check(operation, &prepared); code != Code::kOk) {
    return Refused(header, CodeName(code));
  }
  ApplyToBook(operation, prepared, header.sequence, header.timestamp_ns);
  return Status();
}

Status BookSet::ApplyEntryUndoably(const EntryHeader& header, const uint8_t* payload,
                                   UndoLog* log) {
  if (ChangesNoBook(header)) {
    Skip(header.sequence);
    return Status();
  }
  Operation operation;
  if (!DecodeOperation(header, payload, &operation)) return Refused(header, "unknown type");
  Prepared prepared;
  if (const Code code = Check(operation, &prepared); code != Code::kOk) {
    return Refused(header, CodeName(code));
  }
  ApplyUndoably(operation, prepared, header.sequence, header.timestamp_ns, log);
  return Status();
}

uint64_t BookSet::RequiredFeatures() const {
  const bool any = std::any_of(entries_.begin(), entries_.end(),
                               [](const Entry& entry) { return entry.instrument.signed_prices; });
  return any ? kFeatureSignedPrices : 0;
}

uint64_t BookSet::order_count() const {
  uint64_t count = 0;
  for (const Entry& entry : entries_) count += entry.book.order_count();
  return count;
}

}  // namespace pinnacle
