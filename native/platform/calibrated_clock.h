// Wall-clock time from the processor's cycle counter, steered by the operating system's clock.
//
// Why: the vDSO's clock_gettime was measured at 29 ns, more than journaling an order costs; this
// clock takes 12, nearly all of it the counter instruction under virtualisation.
//
// How: time is a line, base_ns + (ticks - base_ticks) * rate, valid for kIntervalNs. A caller that
// finds it expired reads the system's clock between two counter reads and computes the next line. A
// rate is used once two consecutive measurements agree; until then the system's clock answers.
//
// Error against the system's clock: that of a sample (half the bracket of two counter reads, some
// 20 ns) plus that of the rate from two samples over one interval (as much again). While NTP slews,
// add its change of rate (at most 500 ppm) over one interval: 5 µs. Idle time adds nothing, since
// an expired line is never used.
//
// Invariants:
// - Time doesn't go back unless the system's clock was set back: a line starts no lower than its
//   predecessor could end, and slows down (by at most 2 %) until the system's clock has caught up.
//   (Threads that read during a change of lines may differ by the error above.)
// - A line more than kStepNs ahead of the system's clock means that the clock was set: time jumps.
// - A counter that disagrees kMaxDisagreements times in a row is not trusted: from then on the
//   system's clock answers.
// - No caller ever waits for another.
#ifndef PINNACLE_PLATFORM_CALIBRATED_CLOCK_H_
#define PINNACLE_PLATFORM_CALIBRATED_CLOCK_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>

namespace pinnacle {

// Source has `uint64_t Ticks()`, the counter, and `uint64_t ReferenceNs()`, the system's clock.
// Both are thread-safe, and so is the clock.
template <typename Source>
class CalibratedClock {
 public:
  static constexpr uint64_t kIntervalNs = 10'000'000;
  static constexpr uint64_t kFirstMeasurementNs = 1'000'000;
  static constexpr uint64_t kStepNs = 200'000;
  static constexpr uint64_t kAgreement = 1000;  // rates agree when they differ by 1 / 1000 or less
  static constexpr int kMaxDisagreements = 64;

  explicit CalibratedClock(Source source = Source()) : source_(source), anchor_(TakeSample()) {}

  uint64_t NowNs() noexcept {
    const uint64_t version = version_.load(std::memory_order_acquire);
    const Line line = LoadLine();
    // Odd: a line is being written. Changed: one was written meanwhile.
    if ((version & 1) == 0 && version == version_.load(std::memory_order_relaxed)) [[likely]] {
      const uint64_t age = source_.Ticks() - line.base_ticks;  // huge for a counter that went back
      if (age < line.valid_ticks) [[likely]]
        return line.base_ns + Scale(age, line.rate);
      return NowNsWithoutLine(line.EndNs());
    }
    return source_.ReferenceNs();
  }

  // False while the system's clock answers instead.
  bool uses_counter() const noexcept { return valid_ticks_.load(std::memory_order_relaxed) != 0; }

 private:
  static constexpr int kRateBits = 32;  // binary places of a rate, which is in ns per tick

  struct Sample {
    uint64_t ticks;
    uint64_t ns;
  };

  struct Line {
    uint64_t base_ticks;
    uint64_t base_ns;
    uint64_t rate;
    uint64_t valid_ticks;  // 0: there is no line

    uint64_t EndNs() const { return base_ns + Scale(valid_ticks, rate); }
  };

  // For one interval: 10 ms are below 2^24 ns, so the product fits.
  static uint64_t Scale(uint64_t ticks, uint64_t rate) { return (ticks * rate) >> kRateBits; }

  static uint64_t Ratio(uint64_t numerator, uint64_t denominator) {
    const unsigned __int128 scaled = static_cast<unsigned __int128>(numerator) << kRateBits;
    return static_cast<uint64_t>(scaled / denominator);
  }

  static bool Agree(uint64_t rate, uint64_t other) {
    const uint64_t difference = rate > other ? rate - other : other - rate;
    return difference <= other / kAgreement;
  }

  // The system's time at a counter value. Takes the tightest bracket of three tries, since an
  // interruption between the reads would count as error.
  Sample TakeSample() noexcept {
    Sample best{};
    uint64_t tightest = std::numeric_limits<uint64_t>::max();
    for (int round = 0; round < 3; ++round) {
      const uint64_t before = source_.Ticks();
      const uint64_t ns = source_.ReferenceNs();
      const uint64_t bracket = source_.Ticks() - before;
      if (round == 0 || bracket < tightest) {
        tightest = bracket;
        best = {before + bracket / 2, ns};
      }
    }
    return best;
  }

  // `floor_ns` is the latest time the expired line may have returned; 0 if there was none.
  [[gnu::noinline]] uint64_t NowNsWithoutLine(uint64_t floor_ns) noexcept {
    const uint64_t ns = source_.ReferenceNs();
    if (untrusted_.load(std::memory_order_relaxed)) return ns;
    // One caller computes the line, the others read the system's clock.
    if (!laying_.test_and_set(std::memory_order_acquire)) {
      const bool expired = version_.load(std::memory_order_relaxed) == 0 ||
                           source_.Ticks() - LoadLine().base_ticks >= LoadLine().valid_ticks;
      if (expired) LayLine(ns);
      laying_.clear(std::memory_order_release);
    }
    const bool was_set_back = floor_ns > ns && floor_ns - ns > kStepNs;
    return was_set_back ? ns : std::max(ns, floor_ns);
  }

  // Only the holder of laying_ calls it.
  void LayLine(uint64_t now_ns) noexcept {
    // Time (modulo 2^64) since the last sample; a clock that was set back makes it huge.
    if (!uses_counter() && now_ns - anchor_.ns < kFirstMeasurementNs) return;
    const Line expired = LoadLine();
    const Sample sample = TakeSample();
    const auto passed_ticks = static_cast<int64_t>(sample.ticks - anchor_.ticks);
    const auto passed_ns = static_cast<int64_t>(sample.ns - anchor_.ns);
    anchor_ = sample;
    const bool sane = passed_ticks > 0 && passed_ns > 0;
    const uint64_t rate =
        sane ? Ratio(static_cast<uint64_t>(passed_ns), static_cast<uint64_t>(passed_ticks)) : 0;
    const bool agrees = rate != 0 && Agree(rate, measured_rate_);
    measured_rate_ = rate;
    if (!agrees) {
      if (++disagreements_ >= kMaxDisagreements) untrusted_.store(true, std::memory_order_relaxed);
      Publish({sample.ticks, sample.ns, 0, 0});
      return;
    }
    disagreements_ = 0;
    const uint64_t floor_ns = expired.EndNs();
    const uint64_t ahead_ns = floor_ns > sample.ns ? floor_ns - sample.ns : 0;
    const uint64_t slowed_ns = ahead_ns > kStepNs ? 0 : ahead_ns;
    const uint64_t valid_ticks = Ratio(kIntervalNs, rate);
    Publish({sample.ticks, sample.ns + slowed_ns, Ratio(kIntervalNs - slowed_ns, valid_ticks),
             valid_ticks});
  }

  void Publish(const Line& line) noexcept {
    const uint64_t version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, std::memory_order_relaxed);
    base_ticks_.store(line.base_ticks, std::memory_order_release);
    base_ns_.store(line.base_ns, std::memory_order_release);
    rate_.store(line.rate, std::memory_order_release);
    valid_ticks_.store(line.valid_ticks, std::memory_order_release);
    version_.store(version + 2, std::memory_order_release);
  }

  // Acquire here and release above order each field between the two reads of the version, without
  // fences, which ThreadSanitizer does not understand. On x86 they are plain loads and stores.
  Line LoadLine() const noexcept {
    return {base_ticks_.load(std::memory_order_acquire), base_ns_.load(std::memory_order_acquire),
            rate_.load(std::memory_order_acquire), valid_ticks_.load(std::memory_order_acquire)};
  }

  Source source_;

  // The line, guarded by a version that is odd while it changes; one cache line.
  alignas(64) std::atomic<uint64_t> version_{0};
  std::atomic<uint64_t> base_ticks_{0};
  std::atomic<uint64_t> base_ns_{0};
  std::atomic<uint64_t> rate_{0};
  std::atomic<uint64_t> valid_ticks_{0};

  // Held by the thread that computes the next line.
  alignas(64) std::atomic_flag laying_;
  std::atomic<bool> untrusted_{false};
  Sample anchor_;
  uint64_t measured_rate_ = 0;
  int disagreements_ = 0;
};

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_CALIBRATED_CLOCK_H_
