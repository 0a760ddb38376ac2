// The state of the simulated user's state machine: a fold of the user entries, in order. A missing,
// duplicated, changed or misplaced entry gives another state.
#ifndef PINNACLE_SIMULATOR_USER_STATE_H_
#define PINNACLE_SIMULATOR_USER_STATE_H_

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "checksum/crc32c.h"

namespace pinnacle::simulation {

struct UserState {
  uint64_t entries = 0;
  uint64_t last_sequence = 0;
  uint64_t digest = 0;

  void Apply(uint64_t sequence, uint8_t type, uint16_t instrument,
             std::span<const uint8_t> payload) {
    ++entries;
    last_sequence = sequence;
    const uint64_t what = uint64_t{Crc32c(payload)} << 32 | uint64_t{instrument} << 8 | type;
    digest = (digest ^ what ^ sequence) * 0x9e3779b97f4a7c15;
    digest ^= digest >> 29;
  }

  // The part of it in a snapshot, of a length that varies with the state.
  std::vector<uint8_t> Bytes() const {
    std::vector<uint8_t> bytes(24 + digest % 40, static_cast<uint8_t>(digest));
    std::memcpy(bytes.data(), this, 24);
    return bytes;
  }
  // False: no state machine wrote these bytes.
  static bool Restore(std::span<const uint8_t> bytes, UserState* state) {
    if (bytes.size() < 24) return false;
    std::memcpy(state, bytes.data(), 24);
    const std::vector<uint8_t> whole = state->Bytes();
    return std::equal(bytes.begin(), bytes.end(), whole.begin(), whole.end());
  }

  friend bool operator==(const UserState&, const UserState&) = default;
};
static_assert(sizeof(UserState) == 24);

}  // namespace pinnacle::simulation

#endif  // PINNACLE_SIMULATOR_USER_STATE_H_
