#include "snapshot/snapshot_reader.h"

#include <cstring>
#include <memory>
#include <utility>

#include "base/zeros.h"
#include "book/book_builder.h"
#include "checksum/crc32c.h"
#include "platform/memory_limit.h"
#include "platform/path_parts.h"
#include "platform/read_fully.h"
#include "platform/table_memory.h"
#include "snapshot/format.h"
#include "snapshot/snapshot_directory.h"

namespace pinnacle {

namespace {

// Reads records out of verified bytes.
class Cursor {
 public:
  explicit Cursor(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  template <typename T>
  bool Take(T* record) {
    if (bytes_.size() - position_ < sizeof(T)) return false;
    std::memcpy(record, bytes_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return true;
  }
  size_t left() const { return bytes_.size() - position_; }

 private:
  std::span<const uint8_t> bytes_;
  size_t position_ = 0;
};

struct InstrumentState {
  Instrument definition;
  InstrumentFacts facts;
};

constexpr int64_t kMostNumber = static_cast<int64_t>(kMaxSafeInteger);

bool AreInRange(const Instrument& definition, const InstrumentFacts& facts) {
  const int64_t status = facts.status.value_or(0);
  return status >= 0 && status <= kMostNumber &&
         TakesPrice(definition, facts.last_trade_price.value_or(0));
}

template <typename Record>
InstrumentFacts CountsOf(const Record& record) {
  InstrumentFacts facts;
  facts.last_sequence = record.last_sequence;
  facts.last_timestamp_ns = record.last_timestamp_ns;
  facts.trade_count = record.trade_count;
  facts.traded_quantity = record.traded_quantity;
  return facts;
}

// False: a writer never produces this record.
bool DecodeFacts(const InstrumentRecord& record, InstrumentState* state) {
  InstrumentFacts* const facts = &state->facts;
  if ((record.presence & ~(kStatusIsKnown | kHasLastTradePrice)) != 0) return false;
  const bool known = (record.presence & kStatusIsKnown) != 0;
  const bool traded = (record.presence & kHasLastTradePrice) != 0;
  if ((!known && record.status != 0) || (!traded && record.last_trade_price != 0)) return false;
  *facts = CountsOf(record);
  if (known) facts->status = record.status;
  if (traded) facts->last_trade_price = record.last_trade_price;
  return AreInRange(state->definition, *facts);
}

bool DecodeFacts(const InstrumentRecordV1& record, InstrumentState* state) {
  constexpr int64_t kNone = -1;
  InstrumentFacts* const facts = &state->facts;
  *facts = CountsOf(record);
  if (record.status != kNone) facts->status = record.status;
  if (record.last_trade_price != kNone) facts->last_trade_price = record.last_trade_price;
  return AreInRange(state->definition, *facts);
}

class SnapshotReader {
 public:
  // A null `journal_id` accepts any.
  SnapshotReader(FileSystem* file_system, const std::string& path, const JournalId* journal_id)
      : file_system_(file_system), path_(path), journal_id_(journal_id) {}

  Status Open(SnapshotInfo* info) {
    info->path = path_;
    PINNACLE_RETURN_IF_ERROR(file_system_->Open(path_, OpenMode::kRead, &file_));
    PINNACLE_RETURN_IF_ERROR(file_->Size(&file_bytes_));
    PINNACLE_RETURN_IF_ERROR(CheckHeader());
    PINNACLE_RETURN_IF_ERROR(CheckIdentity());
    info->meta.journal_id = {header_.journal_id_low, header_.journal_id_high};
    info->meta.sequence = header_.sequence;
    info->meta.timestamp_ns = header_.timestamp_ns;
    info->meta.entry_checksum = header_.entry_checksum;
    info->bytes = header_.total_bytes;
    info->orders = header_.order_count;
    info->instruments = header_.instrument_count;
    info->user_state_bytes = header_.user_state_bytes;
    return Status();
  }

  Status Restore(BookSet* books, std::vector<uint8_t>* user_state) {
    PINNACLE_RETURN_IF_ERROR(ReadSections(Books::kKeep, books));
    CheckMemoryFor(content_.size());
    user_state->assign(content_.begin(), content_.end());
    books->set_last_sequence(header_.sequence);
    return Status();
  }

  Status Verify() {
    BookSet names;
    return ReadSections(Books::kDrop, &names);
  }

 private:
  // kDrop: a book is built, which checks it, and dropped before the next.
  enum class Books { kKeep, kDrop };

  Status Damaged(const std::string& what) const {
    return Status(Code::kSnapshotCorrupt,
                  path_ + " at offset " + std::to_string(section_offset_) + ": " + what);
  }

  // Reads all sections and the footer; content_ then holds the user's state.
  Status ReadSections(Books keep, BookSet* books) {
    std::vector<InstrumentState> instruments;
    PINNACLE_RETURN_IF_ERROR(ReadSection(SectionType::kInstruments, 0));
    PINNACLE_RETURN_IF_ERROR(header_.version == 1
                                 ? ReadInstruments<InstrumentRecordV1>(&instruments)
                                 : ReadInstruments<InstrumentRecord>(&instruments));
    uint64_t orders = 0;
    for (uint32_t i = 0; i < header_.instrument_count; ++i) {
      PINNACLE_RETURN_IF_ERROR(RestoreBook(i + 1, instruments[i], keep, books, &orders));
    }
    if (orders != header_.order_count) return Damaged("the order count does not match the header");
    PINNACLE_RETURN_IF_ERROR(ReadSection(SectionType::kUserState, 0));
    if (content_.size() != header_.user_state_bytes) {
      return Damaged("the length of the user state does not match the header");
    }
    return CheckFooter();
  }

  Status ReadExactly(uint64_t offset, std::span<uint8_t> out) {
    size_t bytes_read = 0;
    PINNACLE_RETURN_IF_ERROR(ReadFully(*file_, offset, out, &bytes_read));
    return bytes_read == out.size() ? Status() : Damaged("the file ends too early");
  }

  template <typename T>
  Status ReadStruct(uint64_t offset, T* record) {
    return ReadExactly(offset, {reinterpret_cast<uint8_t*>(record), sizeof(T)});
  }

  Status CheckHeader() {
    PINNACLE_RETURN_IF_ERROR(ReadStruct(0, &header_));
    if (std::memcmp(header_.magic, kSnapshotMagic, sizeof(kSnapshotMagic)) != 0) {
      // One damaged byte is damage; a file with none of our magic is not ours.
      int same = 0;
      for (size_t i = 0; i < sizeof(kSnapshotMagic); ++i) {
        same += header_.magic[i] == kSnapshotMagic[i] || header_.magic[i] == 0;
      }
      if (same >= 4) return Damaged("the header's first bytes are damaged");
      return Status(Code::kNotOurFile,
                    path_ + " does not start like a snapshot; move it out of the directory");
    }
    SnapshotHeader copy = header_;
    copy.checksum = 0;
    const bool sound =
        header_.checksum == Crc32c({reinterpret_cast<const uint8_t*>(&copy), sizeof(copy)});
    if (sound && header_.version > kSnapshotVersion) {
      return Status(Code::kNewerVersion,
                    path_ + " has format version " + std::to_string(header_.version) +
                        ", this library reads up to " + std::to_string(kSnapshotVersion) +
                        "; open it with a newer pinnacle-persistence");
    }
    if (!sound) return Damaged("the header does not match its checksum");
    if ((header_.mandatory_features & ~kSupportedFeatures) != 0) {
      return Status(Code::kUnknownFeature,
                    path_ +
                        " needs a feature that this library does not have; open it with a newer "
                        "pinnacle-persistence");
    }
    if (!AllZero(header_.key_id, sizeof(header_.key_id))) {
      return Damaged("the header names a key, but not the feature that uses one");
    }
    // The padding of the header page must be zero.
    std::vector<uint8_t> padding(kSnapshotHeaderBytes - sizeof(header_));
    PINNACLE_RETURN_IF_ERROR(ReadExactly(sizeof(header_), padding));
    if (!AllZero(padding.data(), padding.size())) {
      return Damaged("the header's padding is not zero");
    }
    if (header_.version == 0 || header_.header_bytes != kSnapshotHeaderBytes ||
        header_.sequence == 0 || header_.total_bytes != file_bytes_ ||
        header_.instrument_count > kMaxInstruments) {
      return Damaged("the header does not fit the file (" + std::to_string(file_bytes_) +
                     " bytes, " + std::to_string(header_.total_bytes) + " expected)");
    }
    section_offset_ = next_offset_ = kSnapshotHeaderBytes;
    return Status();
  }

  // A valid file in the wrong place: its content belongs to another moment or another journal.
  Status CheckIdentity() const {
    const std::string name = BaseName(path_);
    uint64_t named = 0;
    if (ParseSnapshotName(name, &named) && named != header_.sequence) {
      const std::string right_name = SnapshotName(header_.sequence);
      return Status(Code::kSnapshotCorrupt, path_ + " holds snapshot " +
                                                std::to_string(header_.sequence) +
                                                " and was renamed; rename it to " + right_name +
                                                ", or move it out of the directory");
    }
    const JournalId id{header_.journal_id_low, header_.journal_id_high};
    if (journal_id_ != nullptr && id != *journal_id_) {
      return Status(Code::kSnapshotCorrupt,
                    path_ + " belongs to another journal (" + JournalIdText(id) + "), not to " +
                        JournalIdText(*journal_id_) + "; move it out of the directory");
    }
    return Status();
  }

  // Reads and verifies the next section into content_.
  Status ReadSection(SectionType type, uint32_t instrument) {
    section_offset_ = next_offset_;
    SectionHeader section;
    PINNACLE_RETURN_IF_ERROR(ReadStruct(section_offset_, &section));
    if (section.header_checksum != Crc32c({reinterpret_cast<const uint8_t*>(&section),
                                           offsetof(SectionHeader, header_checksum)})) {
      return Damaged("a section header does not match its checksum");
    }
    const uint64_t content_offset = section_offset_ + sizeof(section);
    if (section.type != static_cast<uint32_t>(type) || section.instrument != instrument ||
        section.bytes > file_bytes_ || content_offset + section.bytes > file_bytes_) {
      return Damaged("unexpected section");
    }
    if (section.bytes > content_memory_bytes_) {
      content_memory_ = TableMemory(section.bytes, TableMemory::Pages::kPresent);
      content_memory_bytes_ = section.bytes;
    }
    content_ = {static_cast<uint8_t*>(content_memory_.data()), section.bytes};
    PINNACLE_RETURN_IF_ERROR(ReadExactly(content_offset, content_));
    if (section.content_checksum != Crc32c(content_)) {
      return Damaged("a section does not match its checksum");
    }
    const uint64_t padding_bytes = (8 - section.bytes % 8) % 8;
    uint8_t padding[8] = {};
    PINNACLE_RETURN_IF_ERROR(
        ReadExactly(content_offset + section.bytes, {padding, static_cast<size_t>(padding_bytes)}));
    if (!AllZero(padding, padding_bytes)) {
      return Damaged("a section's padding is not zero");
    }
    sections_state_ = Crc32cExtend(sections_state_, reinterpret_cast<const uint8_t*>(&section),
                                   header_.version == 1 ? sizeof(section) : kSummedHeaderBytes);
    next_offset_ = content_offset + section.bytes + padding_bytes;
    return Status();
  }

  template <typename Record>
  Status ReadInstruments(std::vector<InstrumentState>* instruments) const {
    if (content_.size() != header_.instrument_count * sizeof(Record)) {
      return Damaged("the instruments section has the wrong length");
    }
    Cursor cursor(content_);
    for (uint32_t i = 0; i < header_.instrument_count; ++i) {
      Record record{};
      cursor.Take(&record);
      InstrumentState& state = instruments->emplace_back();
      if (Status status = DecodeInstrument(record.definition, &state.definition); !status.ok()) {
        return Damaged(std::string(status.message()));
      }
      if (state.definition.signed_prices &&
          (header_.mandatory_features & kFeatureSignedPrices) == 0) {
        return Damaged("instrument " + state.definition.name +
                       " has signed prices, but the header lacks the feature for them");
      }
      if (!DecodeFacts(record, &state)) {
        return Damaged("the facts of instrument " + state.definition.name + " are out of range");
      }
    }
    return Status();
  }

  Status RestoreBook(uint32_t index, const InstrumentState& state, Books keep, BookSet* books,
                     uint64_t* orders) {
    PINNACLE_RETURN_IF_ERROR(ReadSection(SectionType::kBook, index));
    // At most as many as the section can hold, so a wrong count can't reserve more.
    BookBuilder builder(content_.size() / sizeof(OrderRecord), books->expected_orders());
    Cursor cursor(content_);
    const auto misplaced = [&] { return Damaged("an order does not fit its book"); };
    for (const Side side : {Side::kBuy, Side::kSell}) {
      uint64_t levels = 0;
      if (!cursor.Take(&levels)) return Damaged("a book ends too early");
      for (uint64_t i = 0; i < levels; ++i) {
        LevelRecord level;
        if (!cursor.Take(&level)) return Damaged("a book ends too early");
        if (!TakesPrice(state.definition, level.price)) {
          return Damaged("a level's price is out of range");
        }
        builder.BeginLevel(side, level.price);
        for (uint64_t k = 0; k < level.orders; ++k) {
          OrderRecord order;
          if (!cursor.Take(&order)) return Damaged("a level ends too early");
          if (order.quantity < 1 || order.quantity > kMostNumber ||
              builder.AddOrder({order.id_low, order.id_high}, order.quantity) != Code::kOk) {
            return misplaced();
          }
          ++*orders;
        }
      }
    }
    if (cursor.left() != 0) return Damaged("something follows the book in its section");
    OrderBook book;
    if (builder.Finish(&book) != Code::kOk) return misplaced();
    if (keep == Books::kDrop) book = OrderBook();
    Status status = books->Restore(state.definition, state.facts, std::move(book));
    return status.ok() ? Status() : Damaged(std::string(status.message()));
  }

  Status CheckFooter() {
    section_offset_ = next_offset_;
    SnapshotFooter footer;
    PINNACLE_RETURN_IF_ERROR(ReadStruct(next_offset_, &footer));
    const uint32_t checksum =
        Crc32c({reinterpret_cast<const uint8_t*>(&footer), offsetof(SnapshotFooter, checksum)});
    if (std::memcmp(footer.magic, kSnapshotFooterMagic, sizeof(kSnapshotFooterMagic)) != 0 ||
        footer.checksum != checksum || footer.sequence != header_.sequence ||
        footer.total_bytes != file_bytes_ || next_offset_ + sizeof(footer) != file_bytes_ ||
        footer.sections_checksum != ~sections_state_) {
      return Damaged("the footer does not match the sections");
    }
    return Status();
  }

  FileSystem* const file_system_;
  const std::string path_;
  const JournalId* const journal_id_;
  std::unique_ptr<File> file_;
  uint64_t file_bytes_ = 0;
  SnapshotHeader header_{};
  uint64_t section_offset_ = 0;
  uint64_t next_offset_ = 0;
  uint32_t sections_state_ = ~0u;
  // In huge pages: a large book has thousands of ordinary pages, each of which costs a fault.
  TableMemory content_memory_;
  uint64_t content_memory_bytes_ = 0;
  std::span<uint8_t> content_;
};

}  // namespace

Status ReadSnapshot(FileSystem* file_system, const std::string& path, BookSet* books,
                    std::vector<uint8_t>* user_state, SnapshotInfo* info,
                    const JournalId* journal_id) {
  SnapshotReader reader(file_system, path, journal_id);
  PINNACLE_RETURN_IF_ERROR(reader.Open(info));
  return reader.Restore(books, user_state);
}

Status VerifySnapshot(FileSystem* file_system, const std::string& path, SnapshotInfo* info,
                      const JournalId* journal_id) {
  SnapshotReader reader(file_system, path, journal_id);
  PINNACLE_RETURN_IF_ERROR(reader.Open(info));
  return reader.Verify();
}

Status VerifySnapshotOnDevice(FileSystem* file_system, const std::string& path, SnapshotInfo* info,
                              const JournalId* journal_id) {
  std::unique_ptr<File> file;
  PINNACLE_RETURN_IF_ERROR(file_system->Open(path, OpenMode::kRead, &file));
  file->DropCache();
  return VerifySnapshot(file_system, path, info, journal_id);
}

Status ReadSnapshotInfo(FileSystem* file_system, const std::string& path, SnapshotInfo* info) {
  return SnapshotReader(file_system, path, nullptr).Open(info);
}

}  // namespace pinnacle
