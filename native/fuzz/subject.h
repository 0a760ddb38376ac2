// The fuzzers' subjects: each takes arbitrary bytes and returns "" or a sentence that names the
// broken promise. <name>_fuzz.cc hands them to libFuzzer; corpus_test.cc replays the corpora in the
// ordinary test run, so that a bug found once stays found.
#ifndef PINNACLE_FUZZ_SUBJECT_H_
#define PINNACLE_FUZZ_SUBJECT_H_

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

namespace pinnacle {

// Book operations against the naive reference.
std::string FuzzBook(std::span<const uint8_t> input);

// Lines of a segment, raw or with their checksums corrected: the check and the classification of
// each, and what valid ones do to books.
std::string FuzzEntry(std::span<const uint8_t> input);

// A journal made by a small program of appends and damage. The scan must return exactly what was
// appended, all of it up to the first damage, and never call a loss of durable entries a torn tail.
std::string FuzzScan(std::span<const uint8_t> input);

// A snapshot of books made by operations, then damaged. Restoring returns what was written, or is
// refused.
std::string FuzzSnapshot(std::span<const uint8_t> input);

// Reads an input as a stream; zeros after its end.
class FuzzInput {
 public:
  explicit FuzzInput(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool empty() const { return position_ >= bytes_.size(); }
  uint8_t Byte() { return empty() ? uint8_t{0} : bytes_[position_++]; }
  uint32_t Short() {
    const uint32_t low = Byte();
    return low | uint32_t{Byte()} << 8;
  }
  uint64_t Word() {
    uint64_t word = 0;
    for (int i = 0; i < 8; ++i) word |= uint64_t{Byte()} << (8 * i);
    return word;
  }
  std::span<const uint8_t> rest() const {
    return bytes_.subspan(std::min(position_, bytes_.size()));
  }

 private:
  std::span<const uint8_t> bytes_;
  size_t position_ = 0;
};

// For LLVMFuzzerTestOneInput.
inline int EndFuzzer(const std::string& broken) {
  if (!broken.empty()) {
    std::fprintf(stderr, "%s\n", broken.c_str());
    std::abort();
  }
  return 0;
}

}  // namespace pinnacle

#endif  // PINNACLE_FUZZ_SUBJECT_H_
