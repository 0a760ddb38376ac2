// Memory for secrets: passwords, keys, API credentials.
//
// Invariants:
// - A region occupies its own pages between two inaccessible guard pages; an overrun faults instead
//   of reading or damaging a neighbour. The bytes end right below the upper guard page.
// - Its pages are locked (never swapped), excluded from core dumps and wiped in a forked child,
//   each if the system can do it. A region that could not be locked is refused unless the caller
//   allows it.
// - Release first overwrites the bytes with a call that a compiler may not remove. When the process
//   exits, every region still alive is wiped.
//
// It can't hide a live secret from root or from a debugger of the same user, or wipe what a caller
// copied elsewhere.
#ifndef PINNACLE_SECRET_SECRET_MEMORY_H_
#define PINNACLE_SECRET_SECRET_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/status.h"

namespace pinnacle {

// Largest secret in bytes. Bounds how much memory bad input can make the process lock.
inline constexpr size_t kMaxSecretBytes = 1024 * 1024;

// Overwrites `bytes` with zeros; never optimised away.
void WipeBytes(std::span<uint8_t> bytes);

// Creating and destroying is thread-safe; the caller synchronises access to the bytes.
class SecretMemory {
 public:
  enum class Locking { kRequired, kPreferred };

  // A zeroed region of `length` bytes, 0 .. kMaxSecretBytes. kInvalidArgument if it is too long,
  // kNoSpace if there is no memory or the limit on locked memory (RLIMIT_MEMLOCK) is reached.
  static Status Create(size_t length, Locking locking, std::shared_ptr<SecretMemory>* memory);

  ~SecretMemory();
  SecretMemory(const SecretMemory&) = delete;
  SecretMemory& operator=(const SecretMemory&) = delete;

  // Wipes the bytes. They stay mapped (and zero) until the last owner releases them, so a stale
  // view reads zeros and never someone else's memory. Idempotent.
  void Wipe();

  // Wipes the live region whose bytes start at `data` and returns its locked-memory quota before
  // its last owner releases it. False if there is no such region. Idempotent.
  static bool RetireAt(const uint8_t* data);

  std::span<uint8_t> bytes() { return {data_, length_}; }
  std::span<const uint8_t> bytes() const { return {data_, length_}; }
  size_t length() const { return length_; }
  bool locked() const { return locked_; }
  bool excluded_from_dumps() const { return excluded_from_dumps_; }

  // Wipes every live region. Called at exit, public for tests. Not async-signal-safe.
  static void WipeAll();
  // Number of live regions.
  static size_t LiveCount();

 private:
  SecretMemory() = default;

  uint8_t* mapping_ = nullptr;
  size_t mapping_bytes_ = 0;
  uint8_t* pages_ = nullptr;  // between the guard pages
  size_t pages_bytes_ = 0;
  uint8_t* data_ = nullptr;
  size_t length_ = 0;
  bool locked_ = false;
  bool excluded_from_dumps_ = false;
  SecretMemory* previous_ = nullptr;  // the list of live regions, guarded by the registry
  SecretMemory* next_ = nullptr;
};

}  // namespace pinnacle

#endif  // PINNACLE_SECRET_SECRET_MEMORY_H_
