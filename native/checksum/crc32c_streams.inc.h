// The algorithms around a CRC unit, as text. Each file that has a unit includes it once, after it
// has defined PINNACLE_CRC_TARGET (the function attribute that enables the instruction) and, in an
// unnamed namespace, StepU64, StepU32 and StepU8. (Not every compiler lets a template pass the
// attribute on to the intrinsics.) It deliberately has no include guard.
//
// A CRC instruction takes 3 cycles but a new one starts every cycle, so three independent chains
// must be in flight: streams of one long input, or separate lines.

namespace {

inline uint64_t LoadU64(const uint8_t* bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

inline uint32_t LoadU32(const uint8_t* bytes) {
  uint32_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// While at least 3 * `stream_bytes` are left, consumes them as three streams. The second and third
// start from zero and are added once the sum before them is shifted past their length.
PINNACLE_CRC_TARGET inline uint32_t ConsumeStreams(uint32_t state, const uint8_t** bytes,
                                                   size_t* length, size_t stream_bytes,
                                                   const crc32c::ShiftTable& shift) {
  while (*length >= 3 * stream_bytes) {
    const uint8_t* first = *bytes;
    const uint8_t* second = first + stream_bytes;
    const uint8_t* third = second + stream_bytes;
    uint32_t second_state = 0;
    uint32_t third_state = 0;
    for (size_t at = 0; at < stream_bytes; at += 8) {
      state = StepU64(state, LoadU64(first + at));
      second_state = StepU64(second_state, LoadU64(second + at));
      third_state = StepU64(third_state, LoadU64(third + at));
    }
    state = crc32c::Shift(shift, state) ^ second_state;
    state = crc32c::Shift(shift, state) ^ third_state;
    *bytes += 3 * stream_bytes;
    *length -= 3 * stream_bytes;
  }
  return state;
}

PINNACLE_CRC_TARGET uint32_t ExtendByUnit(uint32_t state, const uint8_t* bytes, size_t length) {
  if (length >= 3 * crc32c::kSmallStreamBytes) {
    state = ConsumeStreams(state, &bytes, &length, crc32c::kLargeStreamBytes, crc32c::kLargeShift);
    state =
        ConsumeStreams(state, &bytes, &length, crc32c::kMiddleStreamBytes, crc32c::kMiddleShift);
    state = ConsumeStreams(state, &bytes, &length, crc32c::kSmallStreamBytes, crc32c::kSmallShift);
  }
  for (; length >= 8; bytes += 8, length -= 8) state = StepU64(state, LoadU64(bytes));
  for (; length > 0; ++bytes, --length) state = StepU8(state, *bytes);
  return state;
}

PINNACLE_CRC_TARGET uint32_t LineByUnit(uint32_t state, const uint8_t* line) {
  for (size_t at = 0; at < 56; at += 8) state = StepU64(state, LoadU64(line + at));
  return StepU32(state, LoadU32(line + 56));
}

PINNACLE_CRC_TARGET void LinesByUnit(uint32_t state, const uint8_t* lines, size_t count,
                                     uint32_t* checksums) {
  for (; count >= 4; count -= 4, lines += 4 * 64, checksums += 4) {
    uint32_t a = state, b = state, c = state, d = state;
    for (size_t at = 0; at < 56; at += 8) {
      a = StepU64(a, LoadU64(lines + at));
      b = StepU64(b, LoadU64(lines + 64 + at));
      c = StepU64(c, LoadU64(lines + 128 + at));
      d = StepU64(d, LoadU64(lines + 192 + at));
    }
    checksums[0] = StepU32(a, LoadU32(lines + 56));
    checksums[1] = StepU32(b, LoadU32(lines + 64 + 56));
    checksums[2] = StepU32(c, LoadU32(lines + 128 + 56));
    checksums[3] = StepU32(d, LoadU32(lines + 192 + 56));
  }
  for (; count > 0; --count, lines += 64, ++checksums) *checksums = LineByUnit(state, lines);
}

}  // namespace
