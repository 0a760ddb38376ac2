#include "engine/replay.h"

#include <fstream>
#include <random>

#include "checksum/crc32c.h"
#include "doctest.h"
#include "state/operation.h"
#include "test/temporary_directory.h"

namespace pinnacle {
namespace {

constexpr uint32_t kSeed = 7;

// Entries as a journal holds them.
class Entries {
 public:
  void Define(uint16_t index, InstrumentKind kind = InstrumentKind::kOrders) {
    InstrumentPayload payload;
    EncodeInstrument({"I" + std::to_string(index), 2, 0, kind}, &payload);
    Put(EntryType::kInstrument, index, 0, &payload, sizeof(payload));
  }
  void Operate(const Operation& operation) {
    uint8_t payload[kMaxOperationPayload];
    EntryType type;
    uint8_t flags = 0;
    const uint32_t bytes = EncodeOperation(operation, payload, &type, &flags);
    Put(type, operation.instrument, flags, payload, bytes);
  }
  void Put(EntryType type, uint16_t instrument, uint8_t flags, const void* payload,
           uint32_t payload_bytes) {
    const EntryHeader header{payload_bytes,
                             instrument,
                             static_cast<uint8_t>(type),
                             static_cast<uint8_t>(flags | kFlagWritten),
                             static_cast<uint64_t>(entries_.size() + 1),
                             1};
    std::vector<uint8_t> entry(EntryBytes(payload_bytes));
    std::memcpy(entry.data(), &header, sizeof(header));
    if (payload_bytes > 0) {
      std::memcpy(entry.data() + sizeof(header), payload, payload_bytes);
    }
    const uint32_t checksum = Crc32cExtend(kSeed, entry.data(), entry.size() - sizeof(checksum));
    std::memcpy(entry.data() + entry.size() - sizeof(checksum), &checksum, sizeof(checksum));
    entries_.push_back(std::move(entry));
  }
  const std::vector<std::vector<uint8_t>>& all() const { return entries_; }

 private:
  std::vector<std::vector<uint8_t>> entries_;
};

EntryHeader HeaderOf(const std::vector<uint8_t>& entry) {
  EntryHeader header;
  std::memcpy(&header, entry.data(), sizeof(header));
  return header;
}

// The segment that holds them, for threads to read them again.
class SegmentOnDisk {
 public:
  explicit SegmentOnDisk(const Entries& entries) {
    facts_.file.path = directory_.path() + "/segment";
    facts_.header.segment_id = kSeed;
    std::ofstream file(facts_.file.path, std::ios::binary);
    const std::vector<char> page(kSegmentHeaderBytes);
    file.write(page.data(), static_cast<std::streamsize>(page.size()));
    uint64_t offset = kSegmentHeaderBytes;
    for (const auto& entry : entries.all()) {
      offsets_.push_back(offset);
      file.write(reinterpret_cast<const char*>(entry.data()),
                 static_cast<std::streamsize>(entry.size()));
      offset += entry.size();
    }
    facts_.header.segment_bytes = offset;
  }
  EntryPlace PlaceOf(size_t i) const { return {&facts_, offsets_[i]}; }
  const std::string& path() const { return facts_.file.path; }

 private:
  TemporaryDirectory directory_;
  SegmentFacts facts_;
  std::vector<uint64_t> offsets_;
};

Status PutEntry(Replay* replay, const Entries& entries, const SegmentOnDisk& segment, size_t i) {
  const std::vector<uint8_t>& entry = entries.all()[i];
  return replay->Put({HeaderOf(entry), entry, segment.PlaceOf(i)});
}

// Many instruments, defined now and then, wide ids and users' entries among them.
Entries RandomEntries(uint64_t seed, size_t count) {
  std::mt19937_64 random(seed);
  Entries entries;
  uint16_t instruments = 0;
  std::vector<std::vector<OrderId>> live;
  uint64_t next_id = 1;
  for (size_t i = 0; i < count; ++i) {
    if (instruments < 7 && (instruments == 0 || random() % (count / 8 + 1) == 0)) {
      entries.Define(++instruments);
      live.emplace_back();
      continue;
    }
    if (random() % 50 == 0) {
      const std::vector<uint8_t> payload(random() % 300);
      entries.Put(static_cast<EntryType>(0x80 + random() % 128), 0, 0, payload.data(),
                  static_cast<uint32_t>(payload.size()));
      continue;
    }
    const uint16_t instrument = static_cast<uint16_t>(1 + random() % instruments);
    std::vector<OrderId>& ids = live[instrument - 1u];
    const int64_t price = static_cast<int64_t>(random() % 100);
    const OrderId fresh{next_id++, random() % 5 == 0 ? next_id : 0};
    if (ids.empty() || random() % 2 == 0) {
      entries.Operate({EntryType::kAdd,
                       instrument,
                       random() % 2 == 0 ? Side::kBuy : Side::kSell,
                       fresh,
                       {},
                       price,
                       10});
      ids.push_back(fresh);
      continue;
    }
    const size_t at = random() % ids.size();
    if (random() % 2 == 0) {
      entries.Operate({EntryType::kCancel, instrument, Side::kBuy, ids[at], {}, 0, 0});
      ids[at] = ids.back();
      ids.pop_back();
    } else {
      entries.Operate({EntryType::kReplace, instrument, Side::kBuy, ids[at], fresh, price, 5});
      ids[at] = fresh;
    }
  }
  return entries;
}

void CheckSame(const BookSet& books, const BookSet& expected) {
  CHECK(books.last_sequence() == expected.last_sequence());
  REQUIRE(books.instrument_count() == expected.instrument_count());
  for (uint32_t i = 1; i <= expected.instrument_count(); ++i) {
    const uint16_t index = static_cast<uint16_t>(i);
    CHECK(books.book(index).Digest() == expected.book(index).Digest());
    CHECK(books.facts(index).last_sequence == expected.facts(index).last_sequence);
  }
}

TEST_CASE("entries replayed on any number of threads make the same books") {
  for (const size_t count : {size_t{1}, size_t{50}, size_t{30'000}}) {
    const Entries entries = RandomEntries(count, count);
    BookSet expected;
    for (const auto& entry : entries.all()) {
      REQUIRE(expected.ApplyEntry(HeaderOf(entry), entry.data() + sizeof(EntryHeader)).ok());
    }
    const SegmentOnDisk segment(entries);
    for (const unsigned threads : {0u, 1u, 2u, 3u, 5u}) {
      CAPTURE(count);
      CAPTURE(threads);
      BookSet books;
      Replay replay(FileSystem::Real(), &books, threads);
      for (size_t put = 0; put < entries.all().size();) {
        REQUIRE(PutEntry(&replay, entries, segment, put).ok());
        if (++put % 7777 == 0) {
          REQUIRE(replay.Drain().ok());
          CHECK(books.last_sequence() == put);
        }
      }
      REQUIRE(replay.Drain().ok());
      CheckSame(books, expected);
    }
  }
}

TEST_CASE("of entries that the books refuse, the first in the journal is the error on any thread") {
  for (const unsigned threads : {0u, 1u, 2u, 3u}) {
    for (const size_t behind : {size_t{0}, size_t{10}, size_t{9000}}) {
      Entries entries = RandomEntries(3, 20'000);
      const uint64_t first = entries.all().size() + 1;
      // Two that can't be, of instruments that other threads have, the later one's thread idle.
      entries.Operate({EntryType::kCancel, 2, Side::kBuy, {~0ull, 7}, {}, 0, 0});
      entries.Operate({EntryType::kCancel, 3, Side::kBuy, {~0ull, 7}, {}, 0, 0});
      for (size_t i = 0; i < behind; ++i) {
        entries.Operate(
            {EntryType::kStatus, static_cast<uint16_t>(1 + i % 3), Side::kBuy, {}, {}, 0, 1});
      }
      const SegmentOnDisk segment(entries);
      BookSet books;
      Replay replay(FileSystem::Real(), &books, threads);
      Status status;
      for (size_t i = 0; i < entries.all().size() && status.ok(); ++i) {
        status = PutEntry(&replay, entries, segment, i);
      }
      if (status.ok()) status = replay.Drain();
      CAPTURE(threads);
      CAPTURE(behind);
      CHECK(status.code() == Code::kCorrupt);
      CHECK(replay.failed_sequence() == first);
      CHECK(status.message().find("entry " + std::to_string(first)) != std::string::npos);
      CHECK(replay.Drain().ToString() == status.ToString());
      CHECK(PutEntry(&replay, entries, segment, 0).code() == Code::kCorrupt);
    }
  }
}

TEST_CASE("a definition that does not fit is refused in order") {
  for (const unsigned threads : {0u, 2u}) {
    Entries entries;
    entries.Define(1);
    entries.Operate({EntryType::kAdd, 1, Side::kBuy, {1, 0}, {}, 5, 5});
    entries.Define(3);
    const SegmentOnDisk segment(entries);
    BookSet books;
    Replay replay(FileSystem::Real(), &books, threads);
    CHECK(PutEntry(&replay, entries, segment, 0).ok());
    CHECK(PutEntry(&replay, entries, segment, 1).ok());
    CHECK(PutEntry(&replay, entries, segment, 2).code() == Code::kCorrupt);
    CHECK(replay.failed_sequence() == 3);
    CHECK(books.book(1).order_count() == 1);
  }
}

TEST_CASE(
    "an entry that a thread reads otherwise than it was verified is an error, and not applied") {
  Entries entries;
  entries.Define(1);
  entries.Define(2);
  entries.Operate({EntryType::kAdd, 1, Side::kBuy, {1, 0}, {}, 5, 5});
  const SegmentOnDisk segment(entries);
  {
    std::fstream file(segment.path(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(segment.PlaceOf(2).offset + 50));
    file.put('x');
  }
  BookSet books;
  Replay replay(FileSystem::Real(), &books, 2);
  for (size_t i = 0; i < 3; ++i) REQUIRE(PutEntry(&replay, entries, segment, i).ok());
  const Status status = replay.Drain();
  CHECK(status.code() == Code::kIo);
  CHECK(status.message().find("returned different bytes on a second read") != std::string::npos);
  CHECK(replay.failed_sequence() == 3);
  CHECK(books.book(1).order_count() == 0);
}

}  // namespace
}  // namespace pinnacle
