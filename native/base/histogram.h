// Counts of durations in log-linear buckets: 64 per power of two, so a reading is off by at most
// 1/64. Recording takes a few instructions and allocates nothing. One thread records, any thread
// reads (counts are atomic, relaxed). The reader's library computes percentiles, not this class.
#ifndef PINNACLE_BASE_HISTOGRAM_H_
#define PINNACLE_BASE_HISTOGRAM_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace pinnacle {

class Histogram {
 public:
  static constexpr uint32_t kSubBuckets = 64;
  // Values of 2^40 (18 minutes, in nanoseconds) and above share the last bucket.
  static constexpr uint32_t kPowers = 40 - 6 + 1;
  static constexpr uint32_t kBuckets = kSubBuckets * (kPowers + 1);

  void Record(uint64_t value) {
    Add(counts_[BucketOf(value)], 1);
    Add(count_, 1);
    if (value < min_.load(std::memory_order_relaxed)) min_.store(value, std::memory_order_relaxed);
    if (value > max_.load(std::memory_order_relaxed)) max_.store(value, std::memory_order_relaxed);
  }

  uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  uint64_t min() const { return count() == 0 ? 0 : min_.load(std::memory_order_relaxed); }
  uint64_t max() const { return max_.load(std::memory_order_relaxed); }
  uint64_t CountOf(uint32_t bucket) const {
    return counts_[bucket].load(std::memory_order_relaxed);
  }

  static uint32_t BucketOf(uint64_t value) {
    if (value < kSubBuckets) return static_cast<uint32_t>(value);
    const uint32_t power =
        static_cast<uint32_t>(std::bit_width(value)) - 7;  // value >> power in 64..127
    return std::min(kBuckets - 1, kSubBuckets * (power + 1) +
                                      static_cast<uint32_t>((value >> power) - kSubBuckets));
  }

  // The largest value of a bucket.
  static uint64_t UpperBound(uint32_t bucket) {
    if (bucket < kSubBuckets) return bucket;
    const uint32_t power = bucket / kSubBuckets - 1;
    return ((static_cast<uint64_t>(bucket % kSubBuckets) + kSubBuckets + 1) << power) - 1;
  }

 private:
  // There is one recording thread, so no read-modify-write is needed.
  static void Add(std::atomic<uint64_t>& counter, uint64_t n) {
    counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  std::array<std::atomic<uint64_t>, kBuckets> counts_{};
  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> min_{UINT64_MAX};
  std::atomic<uint64_t> max_{0};
};

}  // namespace pinnacle

#endif  // PINNACLE_BASE_HISTOGRAM_H_
