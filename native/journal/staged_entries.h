// The entries of a transaction before it is committed: the lines that the journal will have, in
// memory of their own. A line that is taken back so never stands in the window or in a file.
//
// Invariants: entries stand back to back, each in whole lines, with zeros behind the payload; all
// of a header is there but the flags of the transaction, and nothing of a trailer. Not thread-safe.
#ifndef PINNACLE_JOURNAL_STAGED_ENTRIES_H_
#define PINNACLE_JOURNAL_STAGED_ENTRIES_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

#include "journal/format.h"

namespace pinnacle {

class StagedEntries {
 public:
  // Room for one more entry of this size. Throws std::bad_alloc, and nothing has changed.
  void MakeRoom(uint64_t entry_bytes) {
    if (capacity_ - bytes_ < entry_bytes) [[unlikely]]
      Grow(entry_bytes);
  }

  // After MakeRoom for it. `payload` is header.payload_bytes long.
  void Add(const EntryHeader& header, const uint8_t* payload) {
    const uint64_t entry_bytes = EntryBytes(header.payload_bytes);
    uint8_t* entry = lines_.get() + bytes_;
    std::memcpy(entry, &header, sizeof(header));
    uint8_t* end = entry + sizeof(header);
    if (header.payload_bytes > 0) std::memcpy(end, payload, header.payload_bytes);
    end += header.payload_bytes;
    std::memset(end, 0, static_cast<size_t>(entry + entry_bytes - end));
    last_ = bytes_;
    bytes_ += entry_bytes;
    ++count_;
  }

  // Sets the flags of the transaction: each entry says what comes before and behind it.
  void Close() {
    uint64_t offset = 0;
    for (uint64_t i = 0; i < count_; ++i) {
      uint8_t flags = 0;
      if (i > 0) flags |= kFlagContinues;
#if defined(PINNACLE_MUTATION_TRANSACTION_ENDS_EARLY)
      if (i + 2 < count_) flags |= kFlagMoreFollows;
#else
      if (i + 1 < count_) flags |= kFlagMoreFollows;
#endif
      EntryHeader header;
      std::memcpy(&header, lines_.get() + offset, sizeof(header));
      lines_.get()[offset + offsetof(EntryHeader, flags)] = header.flags | flags;
      offset += EntryBytes(header.payload_bytes);
    }
  }

  // Forgets all; the memory stays for the next transaction, but for what a large one had.
  void Clear() {
    bytes_ = count_ = last_ = 0;
    if (capacity_ <= kKeptBytes) return;
    lines_.reset();
    capacity_ = 0;
  }

  uint8_t* lines() { return lines_.get(); }
  uint64_t bytes() const { return bytes_; }
  uint64_t count() const { return count_; }
  // Where the last entry begins.
  uint64_t last() const { return last_; }

 private:
  static constexpr uint64_t kLeastBytes = 4096;
  static constexpr uint64_t kKeptBytes = 1024 * 1024;

  struct Free {
    void operator()(uint8_t* lines) const {
      ::operator delete[](lines, std::align_val_t{kLineBytes});
    }
  };

  [[gnu::noinline]] void Grow(uint64_t entry_bytes) {
    const uint64_t capacity = std::max({kLeastBytes, 2 * capacity_, bytes_ + entry_bytes});
    std::unique_ptr<uint8_t[], Free> larger(
        static_cast<uint8_t*>(::operator new[](capacity, std::align_val_t{kLineBytes})));
    if (bytes_ > 0) std::memcpy(larger.get(), lines_.get(), bytes_);
    lines_ = std::move(larger);
    capacity_ = capacity;
  }

  std::unique_ptr<uint8_t[], Free> lines_;
  uint64_t capacity_ = 0;
  uint64_t bytes_ = 0;
  uint64_t count_ = 0;
  uint64_t last_ = 0;
};

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_STAGED_ENTRIES_H_
