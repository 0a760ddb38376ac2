#include "simulator/simulation.h"

#include "doctest.h"

namespace pinnacle {
namespace {

// Enough to be worth it and little enough to be run at every change; `npm run simulate` does more.
constexpr uint64_t kRuns = 400;

TEST_CASE("whatever crashes, fails, lies or rots, recovery gives what was promised") {
  SimulationCounts counts;
  for (uint64_t seed = 1; seed <= kRuns; ++seed) {
    const SimulationResult result = Simulate(seed);
    REQUIRE_MESSAGE(result.violation.empty(), "seed ", seed, ": ", result.violation,
                    " (npm run simulate -- --seed ", seed, " --runs 1 --verbose)");
    counts.Add(result.counts);
  }
  // The schedule still reaches every kind of trouble.
  CHECK(counts.power_cuts > 10 * kRuns / 4);
  CHECK(counts.process_kills > kRuns);
  CHECK(counts.mid_call > kRuns);
  CHECK(counts.failed_calls > kRuns);
  CHECK(counts.damage_reported > kRuns / 4);
  CHECK(counts.snapshots > kRuns);
  CHECK(counts.segments_released > kRuns / 4);
  CHECK(counts.backups > kRuns / 2);
}

TEST_CASE("a seed means the same run every time") {
  const SimulationResult first = Simulate(42, 60, true);
  const SimulationResult second = Simulate(42, 60, true);
  CHECK(first.trace.size() > 20);
  CHECK(first.trace == second.trace);
}

}  // namespace
}  // namespace pinnacle
