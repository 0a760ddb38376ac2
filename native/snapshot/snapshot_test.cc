#include <fstream>

#include "doctest.h"
#include "snapshot/format.h"
#include "snapshot/snapshot_directory.h"
#include "snapshot/snapshot_reader.h"
#include "snapshot/snapshot_writer.h"
#include "test/small_books.h"
#include "test/snapshot_image.h"
#include "test/temporary_directory.h"

namespace pinnacle {
namespace {

struct Written {
  TemporaryDirectory directory;
  BookSet books = SmallBooks();
  std::vector<uint8_t> state = {1, 2, 3, 4, 5};
  SnapshotInfo info;
  Written() {
    SnapshotMeta meta{{7, 8}, books.last_sequence(), 99, 0x1234};
    const Status status =
        WriteSnapshot(FileSystem::Real(), directory.path(), meta, books, state, &info);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
  }
  std::vector<uint8_t> Bytes() const {
    std::ifstream file(info.path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  void Put(const std::vector<uint8_t>& bytes) const {
    std::ofstream file(info.path, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  Status Read(BookSet* books_out, std::vector<uint8_t>* state_out) const {
    SnapshotInfo read;
    return ReadSnapshot(FileSystem::Real(), info.path, books_out, state_out, &read);
  }
};

TEST_CASE("a snapshot gives back books, facts, instruments and the user's state") {
  Written written;
  BookSet books;
  std::vector<uint8_t> state;
  SnapshotInfo info;
  const Status status = ReadSnapshot(FileSystem::Real(), written.info.path, &books, &state, &info);
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  CHECK(state == written.state);
  CHECK(info.meta.sequence == written.books.last_sequence());
  CHECK(info.meta.journal_id == JournalId{7, 8});
  CHECK(info.meta.entry_checksum == 0x1234);
  CHECK(info.orders == 7);
  CHECK(books.last_sequence() == written.books.last_sequence());
  REQUIRE(books.instrument_count() == 2);
  for (uint16_t i = 1; i <= 2; ++i) {
    CHECK(books.instrument(i) == written.books.instrument(i));
    CHECK(books.book(i).Digest() == written.books.book(i).Digest());
    CHECK(books.facts(i) == written.books.facts(i));
  }
}

TEST_CASE("no status and no last price are kept apart from zero and from a negative price") {
  TemporaryDirectory directory;
  BookSet books;
  const InstrumentFacts none{std::nullopt, 3, 1003, 0, 0, std::nullopt};
  const InstrumentFacts zero{0, 4, 1004, 1, 2, 0};
  const InstrumentFacts negative{std::nullopt, 5, 1005, 1, 2, -1};
  REQUIRE(books.Restore({"NONE", 0, 0, InstrumentKind::kOrders}, none, OrderBook()).ok());
  REQUIRE(books.Restore({"ZERO", 0, 0, InstrumentKind::kOrders}, zero, OrderBook()).ok());
  REQUIRE(
      books.Restore({"NEGATIVE", 0, 0, InstrumentKind::kOrders, true}, negative, OrderBook()).ok());
  SnapshotInfo info;
  REQUIRE(WriteSnapshot(FileSystem::Real(), directory.path(), {{7, 8}, 5, 1, 1}, books, {}, &info)
              .ok());
  BookSet read;
  std::vector<uint8_t> state;
  REQUIRE(ReadSnapshot(FileSystem::Real(), info.path, &read, &state, &info).ok());
  REQUIRE(read.instrument_count() == 3);
  CHECK(read.facts(1) == none);
  CHECK(read.facts(2) == zero);
  CHECK(read.facts(3) == negative);
}

TEST_CASE("a version 1 snapshot gives back the same state as one of today") {
  Written written;
  const SnapshotImage today = SnapshotImage::Load(written.info.path);
  CHECK(today.version() == 2);
  SnapshotImage old = today.AsVersion1();
  CHECK(old.version() == 1);
  CHECK(old.bytes().size() == written.Bytes().size() - 2 * 8);
  old.Store(written.info.path);
  BookSet books;
  std::vector<uint8_t> state;
  const Status status = written.Read(&books, &state);
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  CHECK(state == written.state);
  CHECK(books.last_sequence() == written.books.last_sequence());
  REQUIRE(books.instrument_count() == 2);
  for (uint16_t i = 1; i <= 2; ++i) {
    CHECK(books.instrument(i) == written.books.instrument(i));
    CHECK(books.book(i).Digest() == written.books.book(i).Digest());
    CHECK(books.facts(i) == written.books.facts(i));
  }
  CHECK_FALSE(books.facts(1).status.has_value());
  CHECK_FALSE(books.facts(2).last_trade_price.has_value());
}

TEST_CASE("an instrument record that contradicts its presence bits is refused") {
  Written written;
  const SnapshotImage whole = SnapshotImage::Load(written.info.path);
  const uint64_t record = whole.Sections().front().content();  // AAA: has traded, has no status
  REQUIRE(whole.Get<uint64_t>(record + 48) == 2);
  const auto refused = [&](uint64_t offset, int64_t value) {
    SnapshotImage image = whole;
    image.Put<int64_t>(record + offset, value);
    image.Seal().Store(written.info.path);
    BookSet books;
    std::vector<uint8_t> state;
    return written.Read(&books, &state).code() == Code::kSnapshotCorrupt;
  };
  CHECK_FALSE(refused(48, 2));
  CHECK(refused(48, 2 | 4));             // an undefined bit
  CHECK(refused(48, 0));                 // no last price, yet it has one
  CHECK(refused(56, 1));                 // no status, yet it has one
  CHECK(refused(96, int64_t{1} << 53));  // a price out of range
  CHECK(refused(96, -(int64_t{1} << 53)));
  CHECK(refused(96, -5));  // a price that the instrument does not accept
}

// A book with one level on each side, of an instrument that takes negative prices.
struct WrittenSigned {
  TemporaryDirectory directory;
  BookSet books;
  SnapshotInfo info;

  WrittenSigned() {
    const InstrumentFacts facts{1, 3, 1003, 1, 2, -3763};
    OrderBook book;
    for (const Side side : {Side::kBuy, Side::kSell}) {
      const int64_t price = side == Side::kBuy ? -3763 : -1;
      OrderBook::Handle handle;
      REQUIRE(book.CheckAdd({side == Side::kBuy ? 1u : 2u, 0}, side, price, 5, &handle) ==
              Code::kOk);
      book.ApplyAdd(handle, {side == Side::kBuy ? 1u : 2u, 0}, side, price, 5);
    }
    REQUIRE(
        books.Restore({"CL", 2, 0, InstrumentKind::kOrders, true}, facts, std::move(book)).ok());
    const Status status =
        WriteSnapshot(FileSystem::Real(), directory.path(), {{7, 8}, 5, 1, 1}, books, {}, &info);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
  }
  Status Read(const SnapshotImage& image, BookSet* read) {
    image.Store(info.path);
    std::vector<uint8_t> state;
    return ReadSnapshot(FileSystem::Real(), info.path, read, &state, &info);
  }
};

TEST_CASE("a book with negative prices comes back, from a file that names the feature") {
  WrittenSigned written;
  const SnapshotImage image = SnapshotImage::Load(written.info.path);
  CHECK(image.Get<uint64_t>(16) == kFeatureSignedPrices);
  BookSet read;
  REQUIRE(written.Read(image, &read).ok());
  CHECK(read.instrument(1).signed_prices);
  CHECK(read.facts(1).last_trade_price == -3763);
  CHECK(read.book(1).Digest() == written.books.book(1).Digest());
  LevelView best;
  REQUIRE(read.book(1).Best(Side::kSell, &best));
  CHECK(best.price == -1);
}

TEST_CASE("negative prices are refused unless both header and instrument allow them") {
  WrittenSigned written;
  const SnapshotImage whole = SnapshotImage::Load(written.info.path);
  const uint64_t record = whole.Sections().front().content();
  REQUIRE(whole.Get<uint32_t>(record + 44) == kInstrumentSignedPrices);
  const auto code = [&](uint64_t offset, uint64_t value, bool header) {
    SnapshotImage image = whole;
    if (header) {
      image.Put<uint64_t>(offset, value);
    } else {
      image.Put<uint32_t>(record + offset, static_cast<uint32_t>(value));
    }
    BookSet read;
    return written.Read(image.Seal(), &read).code();
  };
  CHECK(code(16, kFeatureSignedPrices, true) == Code::kOk);
  CHECK(code(16, 0, true) == Code::kSnapshotCorrupt);
  CHECK(code(16, kFeatureSignedPrices | 16, true) == Code::kUnknownFeature);
  CHECK(code(44, 0, false) == Code::kSnapshotCorrupt);
  CHECK(code(44, kInstrumentSignedPrices | 2, false) == Code::kSnapshotCorrupt);
}

TEST_CASE("a snapshot without a signed instrument needs no feature") {
  Written written;
  CHECK(SnapshotImage::Load(written.info.path).Get<uint64_t>(16) == 0);
}

TEST_CASE("a section of another snapshot is refused, though its own checksums are correct") {
  Written written;
  SnapshotImage image = SnapshotImage::Load(written.info.path);
  const SnapshotImage::Section instruments = image.Sections().front();
  SnapshotImage other = image;
  other.Put<int64_t>(instruments.content() + 96, 99);  // a different last price
  other.Seal();
  const auto at = [&](uint64_t offset) {
    return image.bytes().begin() + static_cast<std::ptrdiff_t>(offset);
  };
  std::copy(other.bytes().begin() + static_cast<std::ptrdiff_t>(instruments.offset),
            other.bytes().begin() + static_cast<std::ptrdiff_t>(instruments.end()),
            at(instruments.offset));
  image.Store(written.info.path);
  BookSet books;
  std::vector<uint8_t> state;
  CHECK(written.Read(&books, &state).code() == Code::kSnapshotCorrupt);
}

TEST_CASE("every single flipped bit of a snapshot is refused") {
  Written written;
  const std::vector<uint8_t> whole = written.Bytes();
  for (size_t position = 0; position < whole.size(); ++position) {
    for (int bit = 0; bit < 8; ++bit) {
      std::vector<uint8_t> bytes = whole;
      bytes[position] ^= static_cast<uint8_t>(1 << bit);
      // The header's zero padding is long: flip only a sample of it.
      if (position >= 128 && position < 4096 && position % 97 != 0) continue;
      written.Put(bytes);
      BookSet books;
      std::vector<uint8_t> state;
      CAPTURE(position);
      CAPTURE(bit);
      CHECK(written.Read(&books, &state).code() == Code::kSnapshotCorrupt);
    }
  }
}

TEST_CASE("a snapshot cut off at any length is refused") {
  Written written;
  const std::vector<uint8_t> whole = written.Bytes();
  for (size_t length = 0; length < whole.size(); length += length < 4096 ? 101 : 1) {
    written.Put({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
    BookSet books;
    std::vector<uint8_t> state;
    CAPTURE(length);
    CHECK(written.Read(&books, &state).code() == Code::kSnapshotCorrupt);
  }
}

TEST_CASE("another kind of file and a newer version have codes of their own") {
  Written written;
  written.Put(std::vector<uint8_t>(8192, 'x'));
  BookSet books;
  std::vector<uint8_t> state;
  CHECK(written.Read(&books, &state).code() == Code::kNotOurFile);
}

TEST_CASE(
    "a snapshot under another sequence's name is refused, and the message says what it holds") {
  Written written;
  const std::string renamed = written.directory.path() + "/" + SnapshotName(4400);
  REQUIRE(FileSystem::Real()->Rename(written.info.path, renamed).ok());
  BookSet books;
  std::vector<uint8_t> state;
  SnapshotInfo info;
  const Status read = ReadSnapshot(FileSystem::Real(), renamed, &books, &state, &info);
  CHECK(read.code() == Code::kSnapshotCorrupt);
  CHECK(read.message().find("holds snapshot 11 and was renamed") != std::string::npos);
  CHECK(VerifySnapshot(FileSystem::Real(), renamed, &info).code() == Code::kSnapshotCorrupt);
  CHECK(ReadSnapshotInfo(FileSystem::Real(), renamed, &info).code() == Code::kSnapshotCorrupt);
  // A name without a sequence claims none: a copy kept for reference.
  const std::string copy = written.directory.path() + "/kept-for-monday.snapshot";
  REQUIRE(FileSystem::Real()->Rename(renamed, copy).ok());
  CHECK(VerifySnapshot(FileSystem::Real(), copy, &info).ok());
}

TEST_CASE("a snapshot of another journal is refused if the journal is known") {
  Written written;
  BookSet books;
  std::vector<uint8_t> state;
  SnapshotInfo info;
  const JournalId ours{7, 8};
  const JournalId another{7, 9};
  CHECK(VerifySnapshot(FileSystem::Real(), written.info.path, &info, &ours).ok());
  const Status read =
      ReadSnapshot(FileSystem::Real(), written.info.path, &books, &state, &info, &another);
  CHECK(read.code() == Code::kSnapshotCorrupt);
  CHECK(read.message().find("belongs to another journal (00000000000000080000000000000007)") !=
        std::string::npos);
  CHECK(VerifySnapshot(FileSystem::Real(), written.info.path, &info, &another).code() ==
        Code::kSnapshotCorrupt);
}

TEST_CASE("a number that is too large for a sequence makes no snapshot's name") {
  uint64_t sequence = 0;
  CHECK(ParseSnapshotName(SnapshotName(UINT64_MAX), &sequence));
  CHECK(sequence == UINT64_MAX);
  CHECK_FALSE(ParseSnapshotName("18446744073709551619.snapshot", &sequence));
  CHECK_FALSE(ParseSnapshotName("99999999999999999999.snapshot", &sequence));
  CHECK_FALSE(ParseSnapshotName(SnapshotName(0), &sequence));
}

// A directory with the snapshots 10, 20 .. 50 of one journal.
// Fails the n-th call, except closing and removing, of the file system that it wraps.
class FailingFile : public File {
 public:
  FailingFile(std::unique_ptr<File> file, int* countdown)
      : file_(std::move(file)), countdown_(countdown) {}
  Status Read(uint64_t offset, std::span<uint8_t> out, size_t* bytes_read) const override {
    if (--*countdown_ == 0) return Status(Code::kIo, "read failed");
    return file_->Read(offset, out, bytes_read);
  }
  Status Write(uint64_t offset, std::span<const uint8_t> bytes) override {
    if (--*countdown_ == 0) return Status(Code::kNoSpace, "no space");
    return file_->Write(offset, bytes);
  }
  Status Sync() override {
    if (--*countdown_ == 0) return Status(Code::kIo, "sync failed");
    return file_->Sync();
  }
  Status Size(uint64_t* bytes) const override { return file_->Size(bytes); }
  Status Identity(FileIdentity* identity) const override { return file_->Identity(identity); }
  Status Truncate(uint64_t bytes) override { return file_->Truncate(bytes); }
  Status Preallocate(uint64_t bytes) override { return file_->Preallocate(bytes); }
  Status ZeroBlocks(uint64_t begin, uint64_t end, bool* done) override {
    return file_->ZeroBlocks(begin, end, done);
  }
  void DropCache() override {}
  Status Map(std::unique_ptr<Mapping>* mapping) override { return file_->Map(mapping); }

 private:
  std::unique_ptr<File> file_;
  int* countdown_;
};

class FailingFileSystem : public FileSystem {
 public:
  int countdown = 0;
  Status Open(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) override {
    if (--countdown == 0) return Status(Code::kNoSpace, "no space");
    std::unique_ptr<File> opened;
    PINNACLE_RETURN_IF_ERROR(FileSystem::Real()->Open(path, mode, &opened));
    *file = std::make_unique<FailingFile>(std::move(opened), &countdown);
    return Status();
  }
  Status List(const std::string& path, std::vector<std::string>* names) override {
    return FileSystem::Real()->List(path, names);
  }
  Status CreateDirectory(const std::string& path) override {
    return FileSystem::Real()->CreateDirectory(path);
  }
  Status Exists(const std::string& path, bool* exists) override {
    return FileSystem::Real()->Exists(path, exists);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    if (--countdown == 0) return Status(Code::kIo, "rename failed");
    return FileSystem::Real()->Rename(from, to);
  }
  Status Remove(const std::string& path) override { return FileSystem::Real()->Remove(path); }
  Status SyncDirectory(const std::string& path) override {
    if (--countdown == 0) return Status(Code::kIo, "sync failed");
    return FileSystem::Real()->SyncDirectory(path);
  }
  Status Identify(const std::string& path, FileIdentity* identity) override {
    return FileSystem::Real()->Identify(path, identity);
  }
  Status Lock(const std::string& directory, std::unique_ptr<DirectoryLock>* lock) override {
    return FileSystem::Real()->Lock(directory, lock);
  }
  Status IsLocked(const std::string& directory, bool* is_locked) override {
    return FileSystem::Real()->IsLocked(directory, is_locked);
  }
};

TEST_CASE("a failure at any call of writing leaves the older snapshot and no partial one") {
  for (int call = 1;; ++call) {
    Written written;
    FailingFileSystem failing;
    failing.countdown = call;
    SnapshotInfo info;
    const Status status =
        WriteSnapshot(&failing, written.directory.path(),
                      {{7, 8}, written.books.last_sequence() + 1, 1, 1}, written.books, {}, &info);
    if (status.ok()) {
      CHECK(call > 20);  // includes reading back
      break;
    }
    std::vector<SnapshotFile> files;
    REQUIRE(ListSnapshots(FileSystem::Real(), written.directory.path(), &files).ok());
    for (const SnapshotFile& file : files) {
      SnapshotInfo found;
      CHECK(VerifySnapshot(FileSystem::Real(), file.path, &found).ok());
    }
    CHECK(files.front().path == written.info.path);
    std::vector<std::string> names;
    REQUIRE(FileSystem::Real()->List(written.directory.path(), &names).ok());
    for (const std::string& name : names) CHECK_FALSE(name.ends_with(".tmp"));
  }
}

}  // namespace
}  // namespace pinnacle
