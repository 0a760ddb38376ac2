#include "snapshot/snapshot_writer.h"

#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "checksum/crc32c.h"
#include "snapshot/format.h"
#include "snapshot/snapshot_directory.h"
#include "snapshot/snapshot_reader.h"

namespace pinnacle {

namespace {

constexpr size_t kBufferBytes = 1024 * 1024;

// Collects bytes and writes them in large pieces; the first error sticks.
class BufferedFile {
 public:
  explicit BufferedFile(File* file) : file_(file) { buffer_.reserve(kBufferBytes); }

  void Put(const void* bytes, size_t length) {
    const uint8_t* from = static_cast<const uint8_t*>(bytes);
    if (buffer_.size() + length > kBufferBytes) Flush();
    if (length > kBufferBytes) {
      WriteAt(offset_, {from, length});
      offset_ += length;
      return;
    }
    buffer_.insert(buffer_.end(), from, from + length);
  }

  void Flush() {
    WriteAt(offset_, buffer_);
    offset_ += buffer_.size();
    buffer_.clear();
  }

  // Overwrites what was put before.
  void WriteAt(uint64_t offset, std::span<const uint8_t> bytes) {
    if (status_.ok() && !bytes.empty()) status_ = file_->Write(offset, bytes);
  }

  uint64_t offset() const { return offset_ + buffer_.size(); }
  Status status() const { return status_; }

 private:
  File* file_;
  std::vector<uint8_t> buffer_;
  uint64_t offset_ = 0;
  Status status_;
};

class SnapshotWriter {
 public:
  explicit SnapshotWriter(File* file) : out_(file) {}

  Status Write(const SnapshotMeta& meta, const BookSet& books, std::span<const uint8_t> user_state,
               SnapshotInfo* info) {
    static constexpr uint8_t kZeros[kSnapshotHeaderBytes] = {};
    out_.Put(kZeros, sizeof(kZeros));
    WriteInstruments(books);
    for (uint32_t i = 1; i <= books.instrument_count(); ++i) {
      WriteBook(i, books.book(static_cast<uint16_t>(i)));
    }
    BeginSection(SectionType::kUserState, 0);
    PutContent(user_state.data(), user_state.size());
    EndSection();

    SnapshotFooter footer{};
    std::memcpy(footer.magic, kSnapshotFooterMagic, sizeof(kSnapshotFooterMagic));
    footer.sequence = meta.sequence;
    footer.total_bytes = out_.offset() + sizeof(footer);
    footer.sections_checksum = ~sections_state_;
    footer.checksum =
        Crc32c({reinterpret_cast<const uint8_t*>(&footer), offsetof(SnapshotFooter, checksum)});
    out_.Put(&footer, sizeof(footer));
    out_.Flush();

    SnapshotHeader header{};
    std::memcpy(header.magic, kSnapshotMagic, sizeof(kSnapshotMagic));
    header.version = kSnapshotVersion;
    header.header_bytes = kSnapshotHeaderBytes;
    header.mandatory_features = books.RequiredFeatures();
    header.journal_id_low = meta.journal_id.low;
    header.journal_id_high = meta.journal_id.high;
    header.sequence = meta.sequence;
    header.timestamp_ns = meta.timestamp_ns;
    header.total_bytes = footer.total_bytes;
    header.order_count = books.order_count();
    header.entry_checksum = meta.entry_checksum;
    header.instrument_count = books.instrument_count();
    header.user_state_bytes = user_state.size();
    header.checksum = Crc32c({reinterpret_cast<const uint8_t*>(&header), sizeof(header)});
    out_.WriteAt(0, {reinterpret_cast<const uint8_t*>(&header), sizeof(header)});
    info->meta = meta;
    info->bytes = footer.total_bytes;
    info->orders = header.order_count;
    info->instruments = header.instrument_count;
    info->user_state_bytes = user_state.size();
    return out_.status();
  }

 private:
  void BeginSection(SectionType type, uint32_t instrument) {
    section_ = SectionHeader{static_cast<uint32_t>(type), instrument, 0, 0, 0};
    section_offset_ = out_.offset();
    content_state_ = ~0u;
    out_.Put(&section_, sizeof(section_));
  }

  void PutContent(const void* bytes, size_t length) {
    content_state_ = Crc32cExtend(content_state_, static_cast<const uint8_t*>(bytes), length);
    section_.bytes += length;
    out_.Put(bytes, length);
  }

  void EndSection() {
    static constexpr uint8_t kZeros[8] = {};
    out_.Put(kZeros, (8 - section_.bytes % 8) % 8);
    section_.content_checksum = ~content_state_;
    section_.header_checksum = Crc32c(
        {reinterpret_cast<const uint8_t*>(&section_), offsetof(SectionHeader, header_checksum)});
    sections_state_ = Crc32cExtend(sections_state_, reinterpret_cast<const uint8_t*>(&section_),
                                   kSummedHeaderBytes);
    // Its length and checksum are known only now.
    out_.Flush();
    out_.WriteAt(section_offset_, {reinterpret_cast<const uint8_t*>(&section_), sizeof(section_)});
  }

  void WriteInstruments(const BookSet& books) {
    BeginSection(SectionType::kInstruments, 0);
    for (uint32_t i = 1; i <= books.instrument_count(); ++i) {
      const uint16_t index = static_cast<uint16_t>(i);
      const InstrumentFacts& facts = books.facts(index);
      InstrumentRecord record{};
      EncodeInstrument(books.instrument(index), &record.definition);
      record.presence =
          (facts.status ? kStatusIsKnown : 0) | (facts.last_trade_price ? kHasLastTradePrice : 0);
      record.status = facts.status.value_or(0);
      record.last_sequence = facts.last_sequence;
      record.last_timestamp_ns = facts.last_timestamp_ns;
      record.trade_count = facts.trade_count;
      record.traded_quantity = facts.traded_quantity;
      record.last_trade_price = facts.last_trade_price.value_or(0);
      PutContent(&record, sizeof(record));
    }
    EndSection();
  }

  void WriteBook(uint32_t instrument, const OrderBook& book) {
    BeginSection(SectionType::kBook, instrument);
    std::vector<uint8_t> piece;  // so that the checksum runs over long stretches
    const auto put = [&](const auto& record) {
      const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&record);
      piece.insert(piece.end(), bytes, bytes + sizeof(record));
      if (piece.size() >= 32768) {
        PutContent(piece.data(), piece.size());
        piece.clear();
      }
    };
    for (const Side side : {Side::kBuy, Side::kSell}) {
      put(uint64_t{book.level_count(side)});
      book.Visit(
          side, [&](const LevelView& level) { put(LevelRecord{level.price, level.orders}); },
          [&](const OrderView& order) {
            put(OrderRecord{order.id.low, order.id.high, order.quantity});
          });
    }
    PutContent(piece.data(), piece.size());
    EndSection();
  }

  BufferedFile out_;
  SectionHeader section_{};
  uint64_t section_offset_ = 0;
  uint32_t content_state_ = ~0u;
  uint32_t sections_state_ = ~0u;
};

// The bytes were read and judged, which is no error of the call that read them.
bool IsVerdict(Code code) {
  return code == Code::kSnapshotCorrupt || code == Code::kNotOurFile ||
         code == Code::kNewerVersion || code == Code::kUnknownFeature;
}

Status ReadBack(FileSystem* fs, const SnapshotInfo& written, const std::string& temporary) {
  SnapshotInfo read;
  Status status = VerifySnapshotOnDevice(fs, temporary, &read, &written.meta.journal_id);
  const auto other_bytes = [](std::string_view what) {
    return Status(Code::kIo, "the device gives back other bytes than were written (" +
                                 std::string(what) + "); check the device and the system's log");
  };
  if (IsVerdict(status.code())) return other_bytes(status.message());
  PINNACLE_RETURN_IF_ERROR(std::move(status));
  if (!(read.meta == written.meta) || read.bytes != written.bytes ||
      read.orders != written.orders || read.instruments != written.instruments ||
      read.user_state_bytes != written.user_state_bytes) {
    return other_bytes("a sound snapshot, but another one");
  }
  return Status();
}

// Best effort: what is left is removed at the next open.
Status GiveUp(FileSystem* fs, const std::string& path, const std::string& temporary,
              Status status) {
  (void)fs->Remove(temporary);
  return std::move(status).WithContext("writing snapshot " + path);
}

}  // namespace

Status WriteTemporarySnapshot(FileSystem* fs, const std::string& directory,
                              const SnapshotMeta& meta, const BookSet& books,
                              std::span<const uint8_t> user_state, SnapshotInfo* info) {
  const std::string path = directory + "/" + SnapshotName(meta.sequence);
  const std::string temporary = path + kSnapshotTemporarySuffix;
  info->path = path;
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(temporary, &exists));
  if (exists) PINNACLE_RETURN_IF_ERROR(fs->Remove(temporary));
  const auto write = [&]() -> Status {
    std::unique_ptr<File> file;
    PINNACLE_RETURN_IF_ERROR(fs->Open(temporary, OpenMode::kCreate, &file));
    PINNACLE_RETURN_IF_ERROR(SnapshotWriter(file.get()).Write(meta, books, user_state, info));
    return file->Sync();
  };
  Status status = Guarded(write);
  if (status.ok()) return status;
  return GiveUp(fs, path, temporary, std::move(status));
}

Status PublishSnapshot(FileSystem* fs, const std::string& directory, const SnapshotInfo& written) {
  const std::string temporary = written.path + kSnapshotTemporarySuffix;
  const auto publish = [&]() -> Status {
    PINNACLE_RETURN_IF_ERROR(ReadBack(fs, written, temporary));
    PINNACLE_RETURN_IF_ERROR(fs->Rename(temporary, written.path));
    return fs->SyncDirectory(directory);
  };
  Status status = Guarded(publish);
  if (status.ok()) return status;
  return GiveUp(fs, written.path, temporary, std::move(status));
}

Status WriteSnapshot(FileSystem* fs, const std::string& directory, const SnapshotMeta& meta,
                     const BookSet& books, std::span<const uint8_t> user_state,
                     SnapshotInfo* info) {
  PINNACLE_RETURN_IF_ERROR(WriteTemporarySnapshot(fs, directory, meta, books, user_state, info));
  return PublishSnapshot(fs, directory, *info);
}

}  // namespace pinnacle
