// How a transaction's entries get into the journal.
//
// Everything that can refuse it comes first; then its lines get their checksums and are stored one
// after the other (those that were staged in the ring are there already), and published together. A
// kill or a power cut in between leaves an open transaction at the journal's end, which recovery
// cuts off whole. The frontiers are always at the end of one.
#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "base/check.h"
#include "checksum/crc32c.h"
#include "journal/journal.h"

namespace pinnacle {

namespace {

constexpr uint64_t kChecksumsAtATime = 8;

}  // namespace

Code Journal::MakeRoomForTransaction(uint64_t bytes) {
  if (closed_) return Refuse(Status(Code::kClosed, "the journal is closed"));
  if (failed()) return FailureCode();
  if (bytes > most_transaction_bytes_) {
    return Refuse(Status(Code::kTransactionTooLarge,
                         "a transaction of " + std::to_string(bytes) + " bytes is above the " +
                             std::to_string(most_transaction_bytes_) +
                             " that fit one segment and half the window; raise segmentSize and "
                             "windowSize, or make it smaller"));
  }
  if (current_->bytes - static_cast<uint64_t>(cursor_ - base_) < bytes) {
    if (const Code code = Roll(); code != Code::kOk) return code;
  }
  return has_window_ ? AwaitRing(bytes) : Code::kOk;
}

Code Journal::AppendStaged(StagedEntries* staged) {
  if (staged->count() == 0) return Code::kOk;
  if (staged->count() > 1 && (features_ & kFeatureTransactions) == 0) [[unlikely]] {
    Status status = RequireFeature(kFeatureTransactions);
    if (!status.ok()) return Refuse(std::move(status));
  }
  if (staged->in_place()) return PublishInPlace(staged);
  const bool fits = static_cast<uint64_t>(end_ - cursor_) >= staged->bytes();
  if (!fits || staged->bytes() > most_transaction_bytes_) [[unlikely]] {
    if (const Code code = MakeRoomForTransaction(staged->bytes()); code != Code::kOk) return code;
  }
  if (failed_.load(std::memory_order_relaxed)) [[unlikely]]
    return FailureCode();
  const bool in_one_piece = static_cast<uint64_t>(end_ - cursor_) >= staged->bytes();
  staged->Close();
  if (in_one_piece && staged->bytes() == staged->count() * kLineBytes) [[likely]] {
    std::memcpy(cursor_, staged->lines(), staged->bytes());
    PublishLines(staged->count());
    return Code::kOk;
  }
  const uint32_t checksum = Finish(staged);
  const uint64_t begin = static_cast<uint64_t>(cursor_ - base_);
  for (uint64_t at = 0; at < staged->bytes();) {
    const uint8_t* entry = staged->lines() + at;
    EntryHeader header;
    std::memcpy(&header, entry, sizeof(header));
    const uint64_t entry_bytes = EntryBytes(header.payload_bytes);
    StoreEntry(entry, entry_bytes, begin + at);
    at += entry_bytes;
  }
  last_checksum_ = checksum;
  Publish(staged->bytes(), staged->count());
  if (!in_one_piece) Aim();
  return Code::kOk;
}

// Trailers of up to kChecksumsAtATime entries of one line each, stored with the checksum last.
// Returns the last one.
inline uint32_t Journal::FinishLines(uint64_t* words, uint64_t count) const {
  uint32_t checksums[kChecksumsAtATime];
  const uint64_t durable = durable_.load(std::memory_order_relaxed);
  for (uint64_t i = 0; i < count; ++i) words[8 * i + 7] = DurableLag(words[8 * i + 1], durable);
  Crc32cLines(seed_, reinterpret_cast<const uint8_t*>(words), count, checksums);
  for (uint64_t i = 0; i < count; ++i, words += 8) {
    __atomic_store_n(words + 7, words[7] | uint64_t{checksums[i]} << 32, __ATOMIC_RELEASE);
  }
  return checksums[count - 1];
}

// Entries of one line each, in the ring at the cursor.
Code Journal::PublishInPlace(StagedEntries* staged) {
  if (failed_.load(std::memory_order_relaxed)) [[unlikely]]
    return FailureCode();
  const uint64_t count = staged->count();
  if (count == 0) [[unlikely]]
    return Code::kOk;
  PINNACLE_CHECK(staged->lines() == cursor_);
  staged->Close();
  PublishLines(count);
  return Code::kOk;
}

// Of entries of one line each that are at the cursor, all but their trailers.
void Journal::PublishLines(uint64_t count) {
  for (uint64_t done = 0; done < count; done += kChecksumsAtATime) {
    last_checksum_ = FinishLines(reinterpret_cast<uint64_t*>(cursor_ + done * kLineBytes),
                                 std::min(kChecksumsAtATime, count - done));
  }
  Publish(count * kLineBytes, count);
}

// Trailers: what is known of durability, and the checksums. Returns the last one.
uint32_t Journal::Finish(StagedEntries* staged) const {
  uint32_t checksum = 0;
  const uint64_t durable = durable_.load(std::memory_order_relaxed);
  for (uint64_t at = 0; at < staged->bytes();) {
    uint8_t* entry = staged->lines() + at;
    EntryHeader header;
    std::memcpy(&header, entry, sizeof(header));
    const uint64_t entry_bytes = EntryBytes(header.payload_bytes);
    EntryTrailer trailer{static_cast<uint32_t>(DurableLag(header.sequence, durable)), 0};
    uint8_t* end = entry + entry_bytes - sizeof(trailer);
    std::memcpy(end, &trailer, sizeof(trailer));
    trailer.checksum = checksum = Crc32cExtend(seed_, entry, entry_bytes - sizeof(checksum));
    std::memcpy(end, &trailer, sizeof(trailer));
    at += entry_bytes;
  }
  return checksum;
}

// Stores a finished entry at `offset` of the segment, its checksum last.
void Journal::StoreEntry(const uint8_t* entry, uint64_t entry_bytes, uint64_t offset) const {
  uint8_t* to = base_ + offset;
  if (has_window_) {
    const uint64_t place = window_->PlaceOf(current_->index, offset);
    if (window_->ContiguousAt(place) < entry_bytes) {
      return window_->Store(place, std::span(entry, entry_bytes));
    }
    to = window_->At(place);
  }
  const uint64_t before = entry_bytes - sizeof(uint64_t);
  std::memcpy(to, entry, before);
  uint64_t last;
  std::memcpy(&last, entry + before, sizeof(last));
  __atomic_store_n(reinterpret_cast<uint64_t*>(to + before), last, __ATOMIC_RELEASE);
}

}  // namespace pinnacle
