#include "engine/stamp_clock.h"

namespace pinnacle {

uint64_t StampClock::StampOverGap(uint64_t now_ns, uint64_t sequence) {
  if (now_ns < last_ns_ && last_ns_ - now_ns <= kHeldNs) return last_ns_;
  const uint64_t monotonic_ns = clock_->MonotonicNs();
  const uint64_t passed_ns = monotonic_ns - monotonic_ns_;
  const uint64_t expected_ns = wall_ns_ + passed_ns;
  // NTP corrects a clock's frequency by up to 500 ppm.
  const uint64_t tolerance_ns = kHeldNs + passed_ns / 1000;
  const bool back = now_ns < last_ns_;
  const bool forward = now_ns > expected_ns && now_ns - expected_ns > tolerance_ns;
  if (back || forward) {
    ++steps_;
    last_step_ = {back ? last_ns_ : expected_ns, now_ns, sequence};
  }
  last_ns_ = now_ns;
  Anchor(now_ns, monotonic_ns);
  if ((back || forward) && on_step_) on_step_();
  return now_ns;
}

}  // namespace pinnacle
