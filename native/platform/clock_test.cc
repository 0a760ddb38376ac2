#include "platform/clock.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "doctest.h"
#include "platform/calibrated_clock.h"
#include "platform/system_calls.h"

namespace pinnacle {
namespace {

// A counter and a system clock that the test advances by hand.
struct World {
  uint64_t true_ns = 1'000'000'000;
  int64_t offset_ns = 1'700'000'000'000'000'000;  // the system's clock minus true time
  double ticks_per_ns = 2.4;
  int64_t counter_offset = 0;

  void Advance(uint64_t ns) { true_ns += ns; }
  uint64_t ReferenceNs() const { return true_ns + static_cast<uint64_t>(offset_ns); }
};

struct WorldSource {
  World* world;
  uint64_t Ticks() const {
    return static_cast<uint64_t>(static_cast<double>(world->true_ns) * world->ticks_per_ns) +
           static_cast<uint64_t>(world->counter_offset);
  }
  uint64_t ReferenceNs() const { return world->ReferenceNs(); }
};

using TestClock = CalibratedClock<WorldSource>;

void WarmUp(World& world, TestClock& clock) {
  for (int i = 0; i < 10'000 && !clock.uses_counter(); ++i) {
    world.Advance(10'000);
    clock.NowNs();
  }
  REQUIRE(clock.uses_counter());
}

int64_t ErrorNs(World& world, TestClock& clock) {
  return static_cast<int64_t>(clock.NowNs() - world.ReferenceNs());
}

}  // namespace

TEST_CASE("a calibrated clock answers with the system's time until it knows the counter's rate") {
  World world;
  TestClock clock(WorldSource{&world});
  for (int i = 0; i < 50; ++i) {
    REQUIRE_FALSE(clock.uses_counter());
    REQUIRE(ErrorNs(world, clock) == 0);
    world.Advance(10'000);
  }
  WarmUp(world, clock);
}

TEST_CASE("a calibrated clock follows the system's clock at any counter rate") {
  for (double ticks_per_ns : {0.024, 0.0625, 1.0, 2.4, 5.2}) {
    CAPTURE(ticks_per_ns);
    World world;
    world.ticks_per_ns = ticks_per_ns;
    TestClock clock(WorldSource{&world});
    WarmUp(world, clock);
    const auto tick_ns = static_cast<int64_t>(1 / ticks_per_ns) + 1;
    uint64_t previous = clock.NowNs();
    for (int i = 0; i < 200'000; ++i) {
      world.Advance(static_cast<uint64_t>(i % 7) * 113);
      const uint64_t now = clock.NowNs();
      REQUIRE(now >= previous);
      previous = now;
      // A sample errs by up to a tick, the rate from two samples by as much over an interval.
      REQUIRE(std::abs(static_cast<int64_t>(now - world.ReferenceNs())) <= 4 * tick_ns + 2);
    }
  }
}

TEST_CASE("a calibrated clock never uses an old line after an idle time") {
  World world;
  TestClock clock(WorldSource{&world});
  WarmUp(world, clock);
  for (uint64_t idle_ns : {11'000'000ull, 1'000'000'000ull, 86'400'000'000'000ull}) {
    world.Advance(idle_ns);
    CHECK(std::abs(ErrorNs(world, clock)) <= 4);
    world.Advance(500);
    CHECK(std::abs(ErrorNs(world, clock)) <= 4);
  }
}

TEST_CASE("a calibrated clock doesn't go back while the system's clock is slewed") {
  World world;
  TestClock clock(WorldSource{&world});
  WarmUp(world, clock);
  uint64_t previous = clock.NowNs();
  for (int i = 0; i < 400'000; ++i) {
    world.Advance(1'000);
    // 500 ppm slower, then 500 ppm faster: 1 ns less, or more, in 2 µs.
    if (i % 2 == 0) world.offset_ns += i < 200'000 ? -1 : 1;
    const uint64_t now = clock.NowNs();
    REQUIRE(now >= previous);
    previous = now;
    REQUIRE(std::abs(static_cast<int64_t>(now - world.ReferenceNs())) <= 11'000);
  }
}

TEST_CASE("a calibrated clock follows when the system's clock is set") {
  for (int64_t step_ns : {3'600'000'000'000ll, -3'600'000'000'000ll, 5'000'000ll, -5'000'000ll}) {
    CAPTURE(step_ns);
    World world;
    TestClock clock(WorldSource{&world});
    WarmUp(world, clock);
    world.offset_ns += step_ns;
    world.Advance(TestClock::kIntervalNs + 1'000'000);
    clock.NowNs();
    CHECK(std::abs(ErrorNs(world, clock)) <= 4);
    for (int i = 0; i < 5'000; ++i) {
      world.Advance(10'000);
      REQUIRE(std::abs(ErrorNs(world, clock)) <= 4);
    }
    CHECK(clock.uses_counter());  // it calibrates again
  }
}

TEST_CASE("a counter that was reset is calibrated again") {
  World world;
  TestClock clock(WorldSource{&world});
  WarmUp(world, clock);
  world.counter_offset = -static_cast<int64_t>(2.4e9);
  CHECK(std::abs(ErrorNs(world, clock)) <= 4);
  WarmUp(world, clock);
  CHECK(std::abs(ErrorNs(world, clock)) <= 4);
}

TEST_CASE("a counter that keeps changing its rate is given up") {
  World world;
  TestClock clock(WorldSource{&world});
  for (int i = 0; i < 1'000; ++i) {
    // Each measurement jumps by a different amount.
    world.counter_offset += (i * 7919) % 10'000'000;
    world.Advance(2'000'000);
    REQUIRE(ErrorNs(world, clock) == 0);
    REQUIRE_FALSE(clock.uses_counter());
  }
  world.Advance(1'000'000'000);
  for (int i = 0; i < 100; ++i) {
    world.Advance(2'000'000);
    clock.NowNs();
  }
  CHECK_FALSE(clock.uses_counter());  // permanently, although the counter is steady now
}

TEST_CASE("the real clock agrees with the system's and doesn't go back") {
  Clock* clock = Clock::Real();
  uint64_t previous = 0;
  uint64_t worst_ns = 0;
  const uint64_t end_ns = system_calls::MonotonicNs() + 60'000'000;
  while (system_calls::MonotonicNs() < end_ns) {
    const uint64_t before = system_calls::RealtimeNs();
    const uint64_t now = clock->NowNs();
    const uint64_t after = system_calls::RealtimeNs();
    REQUIRE(now >= previous);
    previous = now;
    if (now < before) worst_ns = std::max(worst_ns, before - now);
    if (now > after) worst_ns = std::max(worst_ns, now - after);
  }
  MESSAGE("largest error against the system's clock: ", worst_ns, " ns");
  CHECK(worst_ns < 20'000);
}

TEST_CASE("threads agree on the real clock's time to within its error") {
  Clock* clock = Clock::Real();
  std::atomic<uint64_t> latest{0};
  std::atomic<uint64_t> worst_ns{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100'000; ++i) {
        const uint64_t seen = latest.load();
        const uint64_t now = clock->NowNs();
        if (now < seen) {
          uint64_t worst = worst_ns.load();
          while (seen - now > worst && !worst_ns.compare_exchange_weak(worst, seen - now)) {
          }
        }
        uint64_t known = latest.load();
        while (now > known && !latest.compare_exchange_weak(known, now)) {
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(worst_ns.load() < 20'000);
}

TEST_CASE("monotonic time never goes back") {
  Clock* clock = Clock::Real();
  uint64_t previous = clock->MonotonicNs();
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t now = clock->MonotonicNs();
    REQUIRE(now >= previous);
    previous = now;
  }
}

}  // namespace pinnacle
