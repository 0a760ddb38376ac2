#include <cstring>
#include <vector>

#include "checksum/crc32c.h"
#include "fuzz/subject.h"
#include "journal/entry_check.h"
#include "state/book_set.h"

namespace pinnacle {

namespace {

constexpr uint32_t kSeed = 0x1badcafe;

// Whether the checksum covers what docs/format.md says, computed with the portable table.
bool VerifiesByTheBook(std::span<const uint8_t> bytes) {
  uint32_t payload_bytes;
  std::memcpy(&payload_bytes, bytes.data(), 4);
  const uint64_t entry_bytes = (uint64_t{payload_bytes} + 32 + 63) / 64 * 64;
  if (entry_bytes > bytes.size()) return false;
  uint32_t stored;
  std::memcpy(&stored, bytes.data() + entry_bytes - 4, 4);
  return Crc32cExtendPortable(kSeed, bytes.data(), entry_bytes - 4) == stored;
}

void Seal(std::span<uint8_t> bytes) {
  uint32_t payload_bytes;
  std::memcpy(&payload_bytes, bytes.data(), 4);
  const uint64_t entry_bytes = (uint64_t{payload_bytes} + 32 + 63) / 64 * 64;
  if (entry_bytes > bytes.size()) return;
  const uint32_t checksum = Crc32cExtendPortable(kSeed, bytes.data(), entry_bytes - 4);
  std::memcpy(bytes.data() + entry_bytes - 4, &checksum, 4);
}

uint64_t CountedOrders(const BookSet& books) {
  uint64_t orders = 0;
  for (uint32_t index = 1; index <= books.instrument_count(); ++index) {
    for (const Side side : {Side::kBuy, Side::kSell}) {
      books.book(static_cast<uint16_t>(index))
          .Visit(side, [](const LevelView&) {}, [&](const OrderView&) { ++orders; });
    }
  }
  return orders;
}

}  // namespace

// First byte: bit 0 seals each line's entry as it is reached, bits 1 to 3 are the line at which the
// bytes begin.
std::string FuzzEntry(std::span<const uint8_t> input) {
  FuzzInput stream(input);
  const uint8_t control = stream.Byte();
  const bool seal = (control & 1) != 0;
  const uint64_t base = (control >> 1 & 7) * kLineBytes;
  std::vector<uint8_t> bytes(stream.rest().begin(), stream.rest().end());
  bytes.resize((bytes.size() + kLineBytes - 1) / kLineBytes * kLineBytes);

  BookSet books;
  books.Define({"ORDERS", 2, 0, InstrumentKind::kOrders}, 1);
  books.Define({"LEVELS", 2, 8, InstrumentKind::kLevels}, 2);

  for (uint64_t offset = 0; offset < bytes.size();) {
    const std::span<uint8_t> rest = std::span(bytes).subspan(offset);
    if (seal) Seal(rest);
    const EntryCheck check = CheckEntry(rest, base + offset, kSeed);
    if (check.state != EntryState::kValid) {
      if (check.bytes != 0) return "an entry that is not valid has a size";
      offset += kLineBytes;
      continue;
    }
    const EntryHeader header = LoadHeader(rest.data());
    if (!VerifiesByTheBook(rest)) return "an entry is valid whose checksum is not";
    if (check.bytes != EntryBytes(header.payload_bytes) || check.bytes > rest.size()) {
      return "a valid entry differs in size from its header";
    }
    const EntryTrailer trailer = LoadTrailer(rest.data(), check.bytes);
    if (header.sequence > 0 && DurableClaim(header, trailer) >= header.sequence) {
      return "an entry claims that it was durable before it was written";
    }

    const uint8_t* payload = rest.data() + sizeof(EntryHeader);
    Operation operation;
    if (DecodeOperation(header, payload, &operation)) {
      uint8_t encoded[kMaxOperationPayload];
      EntryType type;
      uint8_t flags;
      const uint32_t length = EncodeOperation(operation, encoded, &type, &flags);
      // A wide replace with narrow ids has a shorter form.
      if (static_cast<uint8_t>(type) == header.type &&
          (length != header.payload_bytes || std::memcmp(encoded, payload, length) != 0)) {
        return "an operation is not encoded as it was decoded";
      }
    }
    const uint64_t before = books.last_sequence();
    const uint64_t orders_before = books.order_count();
    const Status applied = books.ApplyEntry(header, payload);
    if (!applied.ok() &&
        (books.last_sequence() != before || books.order_count() != orders_before)) {
      return "a refused entry changed the books: " + applied.ToString();
    }
    offset += check.bytes;
  }
  if (CountedOrders(books) != books.order_count()) return "the books' order count is wrong";
  return "";
}

}  // namespace pinnacle
