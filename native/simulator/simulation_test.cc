#include "simulator/simulation.h"

#include <algorithm>
#include <cstdlib>

#include "doctest.h"
#include "test/thoroughness.h"

namespace pinnacle {
namespace {

// Enough runs to be useful and few enough for every change; `npm run simulate` does more.
constexpr uint64_t kRuns = 400;

TEST_CASE("whatever crashes, fails, lies or rots, recovery gives what was promised") {
  SimulationCounts counts;
  const uint64_t runs = std::max<uint64_t>(60, kRuns / TestEvery());
  for (uint64_t seed = 1; seed <= runs; ++seed) {
    const SimulationResult result = Simulate(seed);
    REQUIRE_MESSAGE(result.violation.empty(), "seed ", seed, ": ", result.violation,
                    " (npm run simulate -- --seed ", seed, " --runs 1 --verbose)");
    counts.Add(result.counts);
  }
  // The schedule still reaches every kind of fault.
  CHECK(counts.power_cuts > 10 * runs / 4);
  CHECK(counts.process_kills > runs);
  CHECK(counts.container_kills > runs / 2);
  CHECK(counts.windows_used > runs / 4);
  CHECK(counts.windows_judged > runs / 4);
  CHECK(counts.mid_call > runs);
  CHECK(counts.failed_calls > runs);
  CHECK(counts.damage_reported > runs / 4);
  CHECK(counts.snapshots > runs);
  CHECK(counts.segments_released > runs / 4);
  CHECK(counts.backups > runs / 2);
  CHECK(counts.features_checked > runs);
}

TEST_CASE("a seed means the same run every time") {
  const SimulationResult first = Simulate(42, 60, true);
  const SimulationResult second = Simulate(42, 60, true);
  CHECK(first.trace.size() > 20);
  CHECK(first.trace == second.trace);
}

}  // namespace
}  // namespace pinnacle
