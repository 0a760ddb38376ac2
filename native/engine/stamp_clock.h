// The one clock of a journal's entries: the system's, followed in every direction, with its steps
// noted.
//
// - Back by up to kHeldNs (what a time daemon corrects): the time is held until the clock reaches
//   it again, so that entries stay in order. Back by more: taken at once. One wrong reading must
//   not keep every later entry at its time.
// - Forward by more than the monotonic clock (and a frequency correction) explains: taken at once.
// - Each step that is taken is noted: how many, and the last one.
//
// For one thread. Without a gap of more than kHeldNs since the reading before, it reads one clock,
// and once a minute the other one.
#ifndef PINNACLE_ENGINE_STAMP_CLOCK_H_
#define PINNACLE_ENGINE_STAMP_CLOCK_H_

#include <cstdint>
#include <functional>

#include "platform/clock.h"

namespace pinnacle {

struct ClockStep {
  uint64_t from_ns = 0;   // what the time would have been, or was
  uint64_t to_ns = 0;     // what it is
  uint64_t sequence = 0;  // the first entry of the new time
};

class StampClock {
 public:
  static constexpr uint64_t kHeldNs = 1'000'000'000;
  // How old the two clocks' last comparison may be: what a frequency correction explains grows with
  // it.
  static constexpr uint64_t kComparedNs = 60'000'000'000;

  // `last_ns`: the journal's last time from a clock; 0: there is none.
  void Start(Clock* clock, uint64_t last_ns) {
    clock_ = clock;
    last_ns_ = last_ns;
    Anchor(clock->NowNs(), clock->MonotonicNs());
  }

  // The time of the entry that gets `sequence`.
  uint64_t Stamp(uint64_t sequence) {
    const uint64_t now_ns = clock_->NowNs();
    // (A clock that went back makes the difference huge.)
    if (now_ns - last_ns_ <= kHeldNs && now_ns - wall_ns_ <= kComparedNs) [[likely]]
      return last_ns_ = now_ns;
    return StampOverGap(now_ns, sequence);
  }

  uint64_t steps() const { return steps_; }
  const ClockStep& last_step() const { return last_step_; }
  // Called after each step, by the thread that stamps.
  void OnStep(std::function<void()> on_step) { on_step_ = std::move(on_step); }

 private:
  uint64_t StampOverGap(uint64_t now_ns, uint64_t sequence);
  void Anchor(uint64_t wall_ns, uint64_t monotonic_ns) {
    wall_ns_ = wall_ns;
    monotonic_ns_ = monotonic_ns;
  }

  Clock* clock_ = nullptr;
  uint64_t last_ns_ = 0;
  uint64_t wall_ns_ = 0;  // the two clocks, read together
  uint64_t monotonic_ns_ = 0;
  uint64_t steps_ = 0;
  ClockStep last_step_;
  std::function<void()> on_step_;
};

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_STAMP_CLOCK_H_
