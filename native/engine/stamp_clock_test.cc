#include "engine/stamp_clock.h"

#include <limits>

#include "doctest.h"
#include "platform/system_calls.h"

namespace pinnacle {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kStartNs = 1'800'000'000 * kSecondNs;

class SetClock final : public Clock {
 public:
  uint64_t NowNs() noexcept override { return wall_ns; }
  uint64_t MonotonicNs() noexcept override {
    ++monotonic_readings;
    return monotonic_ns;
  }
  void Pass(uint64_t ns) {
    wall_ns += ns;
    monotonic_ns += ns;
  }

  uint64_t wall_ns = kStartNs;
  uint64_t monotonic_ns = 5;
  int monotonic_readings = 0;
};

struct Rig {
  explicit Rig(uint64_t last_ns = 0) { stamps.Start(&clock, last_ns); }
  uint64_t Stamp() { return stamps.Stamp(++sequence); }
  SetClock clock;
  StampClock stamps;
  uint64_t sequence = 0;
};

TEST_CASE("a small step back holds the time until the clock has caught up, and is not a step") {
  Rig rig;
  CHECK(rig.Stamp() == kStartNs);
  rig.clock.wall_ns -= kSecondNs;
  CHECK(rig.Stamp() == kStartNs);
  rig.clock.Pass(kSecondNs / 2);
  CHECK(rig.Stamp() == kStartNs);
  rig.clock.Pass(kSecondNs);
  CHECK(rig.Stamp() == kStartNs + kSecondNs / 2);
  CHECK(rig.stamps.steps() == 0);
}

TEST_CASE("a step forward is noted after days of steady traffic, too") {
  Rig rig;
  for (uint64_t passed = 0; passed < 8 * 86'400; ++passed) {
    rig.clock.Pass(kSecondNs);
    rig.Stamp();
  }
  CHECK(rig.stamps.steps() == 0);
  CHECK(rig.clock.monotonic_readings < 8 * 86'400 / 50);
  rig.clock.wall_ns += 600 * kSecondNs;
  rig.Stamp();
  CHECK(rig.stamps.steps() == 1);
}

TEST_CASE("a larger step back is taken at once and noted") {
  Rig rig;
  int told = 0;
  rig.stamps.OnStep([&] { ++told; });
  rig.Stamp();
  rig.clock.wall_ns -= kSecondNs + 1;
  CHECK(rig.Stamp() == kStartNs - kSecondNs - 1);
  CHECK(rig.stamps.steps() == 1);
  CHECK(told == 1);
  CHECK(rig.stamps.last_step().from_ns == kStartNs);
  CHECK(rig.stamps.last_step().to_ns == kStartNs - kSecondNs - 1);
  CHECK(rig.stamps.last_step().sequence == 2);
  rig.clock.Pass(3);
  CHECK(rig.Stamp() == kStartNs - kSecondNs + 2);
  CHECK(rig.stamps.steps() == 1);
}

TEST_CASE("a step forward is noted, and over when the clock is right again") {
  Rig rig;
  rig.Stamp();
  rig.clock.wall_ns += 1'000'000 * kSecondNs;
  CHECK(rig.Stamp() == kStartNs + 1'000'000 * kSecondNs);
  CHECK(rig.stamps.steps() == 1);
  CHECK(rig.stamps.last_step().from_ns == kStartNs);
  rig.clock.wall_ns -= 1'000'000 * kSecondNs;
  CHECK(rig.Stamp() == kStartNs);
  CHECK(rig.stamps.steps() == 2);
  rig.clock.Pass(1);
  CHECK(rig.Stamp() == kStartNs + 1);
  CHECK(rig.stamps.steps() == 2);
}

TEST_CASE("time that passes is not a step, however long, and neither is a frequency correction") {
  Rig rig;
  rig.Stamp();
  rig.clock.Pass(400ull * 24 * 3600 * kSecondNs);
  rig.Stamp();
  rig.clock.Pass(10'000 * kSecondNs);
  rig.clock.wall_ns += 5 * kSecondNs;  // 500 ppm
  rig.Stamp();
  CHECK(rig.stamps.steps() == 0);
}

TEST_CASE("a journal whose last time is beyond the clock goes on with the clock's") {
  Rig rig(4'000'000'000 * kSecondNs);
  CHECK(rig.Stamp() == kStartNs);
  CHECK(rig.stamps.steps() == 1);
  CHECK(rig.stamps.last_step().from_ns == 4'000'000'000 * kSecondNs);
  CHECK(rig.stamps.last_step().sequence == 1);
}

TEST_CASE("a journal that rested for years is not a step") {
  Rig rig(kSecondNs);
  rig.Stamp();
  CHECK(rig.stamps.steps() == 0);
}

TEST_CASE("the ends of what a clock can say are taken as they are") {
  Rig rig;
  rig.Stamp();
  for (const uint64_t wall_ns : {uint64_t{1}, std::numeric_limits<uint64_t>::max(), kStartNs}) {
    rig.clock.wall_ns = wall_ns;
    CHECK(rig.Stamp() == wall_ns);
  }
  CHECK(rig.stamps.steps() == 3);
}

TEST_CASE("a system's time before 1970, or beyond 64 bits, never wraps") {
  using system_calls::NsOfTime;
  CHECK(NsOfTime(-1, 999'999'999) == 1);
  CHECK(NsOfTime(-18'489'600, 0) == 1);
  CHECK(NsOfTime(0, 0) == 1);
  CHECK(NsOfTime(1, 2) == 1'000'000'002);
  CHECK(NsOfTime(9'246'182'400, 5) == 9'246'182'400'000'000'005u);  // 2263
  CHECK(NsOfTime(18'446'744'073, 0) == std::numeric_limits<uint64_t>::max());
  CHECK(NsOfTime(std::numeric_limits<int64_t>::max(), 0) == std::numeric_limits<uint64_t>::max());
}

TEST_CASE("without a gap one clock is read, and the other once a minute") {
  Rig rig;
  rig.Stamp();
  const int before = rig.clock.monotonic_readings;
  for (int i = 0; i < 1000; ++i) {
    rig.clock.Pass(kSecondNs / 2);
    rig.Stamp();
  }
  CHECK(rig.clock.monotonic_readings - before == 8);
}

}  // namespace
}  // namespace pinnacle
