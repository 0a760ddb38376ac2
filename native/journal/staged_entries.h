// The entries of a transaction before it is committed: the lines that the journal will have. They
// are built at their place in the window's ring while each takes one line and all fit there,
// otherwise in memory of their own. In the ring they have no checksum before the commit, so a line
// that is taken back is never an entry there, and never comes to a file.
//
// Invariants: entries follow each other without a gap, each in whole lines, with zeros after the
// payload; the header is complete, and the trailer is not written. Each entry says that more
// follows, until Close. Not thread-safe.
#ifndef PINNACLE_JOURNAL_STAGED_ENTRIES_H_
#define PINNACLE_JOURNAL_STAGED_ENTRIES_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

#include "journal/format.h"
#include "platform/file_system.h"

namespace pinnacle {

class StagedEntries {
 public:
  // `most_bytes` is what a transaction may have. `place`, of `place_bytes`, is its lines' place in
  // the ring; null: they are built apart. It must stay valid until Clear. It is empty.
  void Begin(uint64_t most_bytes, uint8_t* place, uint64_t place_bytes) {
    most_bytes_ = most_bytes;
    if (place != nullptr) {
      lines_ = place;
      capacity_ = place_bytes;
    }
    AllowAll();
  }
  // Nothing more fits in.
  void Refuse() { most_bytes_ = end_ = bytes_; }
  bool HasRoom(uint64_t entry_bytes) const { return end_ - bytes_ >= entry_bytes; }
  // False: it would be too large. Throws std::bad_alloc, and nothing has changed.
  bool MakeRoom(uint64_t entry_bytes) {
    if (HasRoom(entry_bytes) && (entry_bytes == kLineBytes || !in_place())) return true;
    if (most_bytes_ - bytes_ < entry_bytes) return false;
    Grow(entry_bytes);
    return true;
  }

  // After MakeRoom for it. `payload` is header.payload_bytes long.
  void Add(const EntryHeader& header, const uint8_t* payload) {
    const uint64_t entry_bytes = EntryBytes(header.payload_bytes);
    uint8_t* entry = lines_ + bytes_;
    std::memcpy(entry, &header, sizeof(header));
    entry[offsetof(EntryHeader, flags)] |= PlaceFlags();
    uint8_t* end = entry + sizeof(header);
    if (header.payload_bytes > 0) std::memcpy(end, payload, header.payload_bytes);
    end += header.payload_bytes;
    std::memset(end, 0, static_cast<size_t>(entry + entry_bytes - end));
    Count(entry_bytes);
  }
  // The same for an entry of one line, whose payload fills it. It stores whole words: a reader that
  // soon loads them as words would have to wait for narrower or wider stores to reach the cache.
  void AddLine(EntryType type, uint16_t instrument, uint8_t flags, uint64_t sequence,
               uint64_t timestamp_ns, const uint64_t* payload) {
    uint64_t* words = reinterpret_cast<uint64_t*>(lines_ + bytes_);
    __builtin_prefetch(words + kPageBytes / sizeof(uint64_t), 1);  // as Journal::FetchAhead does
    words[0] = kLinePayloadBytes | uint64_t{instrument} << 32 | static_cast<uint64_t>(type) << 48 |
               static_cast<uint64_t>(flags | kFlagWritten | PlaceFlags()) << 56;
    words[1] = sequence;
    words[2] = timestamp_ns;
    for (size_t i = 0; i < kLinePayloadBytes / sizeof(uint64_t); ++i) words[3 + i] = payload[i];
    Count(kLineBytes);
  }

  // The last entry is the transaction's last: until now each said that more follows.
  void Close() {
    if (count_ == 0) return;
    EndAt(last_);
  }

  // Forgets all; the memory stays for the next transaction, except what a large one needed.
  void Clear() {
    bytes_ = count_ = last_ = 0;
    if (apart_bytes_ > kKeptBytes) [[unlikely]] {
      apart_.reset();
      apart_bytes_ = 0;
    }
    lines_ = apart_.get();
    capacity_ = apart_bytes_;
    AllowAll();
  }

  uint8_t* lines() { return lines_; }
  // The lines are at their place in the ring; each has one entry.
  bool in_place() const { return lines_ != apart_.get(); }
  uint64_t bytes() const { return bytes_; }
  uint64_t count() const { return count_; }

 private:
  static constexpr uint64_t kLeastBytes = 4096;
  static constexpr uint64_t kKeptBytes = 1024 * 1024;

  struct Free {
    void operator()(uint8_t* lines) const {
      ::operator delete[](lines, std::align_val_t{kLineBytes});
    }
  };

  // Of the entry that comes next.
  uint8_t PlaceFlags() const {
    return static_cast<uint8_t>(kFlagMoreFollows | (count_ > 0 ? kFlagContinues : 0));
  }

  void Count(uint64_t entry_bytes) {
    last_ = bytes_;
    bytes_ += entry_bytes;
    ++count_;
  }

  void EndAt(uint64_t offset) {
    constexpr uint64_t kMoreFollows = uint64_t{kFlagMoreFollows}
                                      << 8 * offsetof(EntryHeader, flags);
    *reinterpret_cast<uint64_t*>(lines_ + offset) &= ~kMoreFollows;
  }

  void AllowAll() { end_ = std::min(capacity_, most_bytes_); }

  [[gnu::noinline]] void Grow(uint64_t entry_bytes) {
    const uint64_t least = bytes_ + entry_bytes;
    if (!in_place() || apart_bytes_ < least) {
      const uint64_t bytes = std::max({kLeastBytes, 2 * apart_bytes_, least});
      std::unique_ptr<uint8_t[], Free> larger(
          static_cast<uint8_t*>(::operator new[](bytes, std::align_val_t{kLineBytes})));
      if (bytes_ > 0) std::memcpy(larger.get(), lines_, bytes_);
      apart_ = std::move(larger);
      apart_bytes_ = bytes;
    } else {
      std::memcpy(apart_.get(), lines_, bytes_);
    }
    lines_ = apart_.get();
    capacity_ = apart_bytes_;
    AllowAll();
  }

  std::unique_ptr<uint8_t[], Free> apart_;
  uint64_t apart_bytes_ = 0;
  uint8_t* lines_ = nullptr;  // in the ring, or apart_
  uint64_t capacity_ = 0;     // from there on
  uint64_t most_bytes_ = UINT64_MAX;
  uint64_t end_ = 0;  // that may be filled as things are: the lesser of the two
  uint64_t bytes_ = 0;
  uint64_t count_ = 0;
  uint64_t last_ = 0;  // offset of the last entry
};

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_STAGED_ENTRIES_H_
