// `simulate`: runs the simulation over many seeds, or over one of them with its trace.
//
//   simulate [--seed S] [--runs N] [--steps K] [--minutes M] [--verbose]
//
// Ends at N runs or after M minutes, whichever comes first. Exit code 1: a run broke an invariant;
// the line that reproduces it is printed. 2: misuse.
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "simulator/simulation.h"

namespace pinnacle {
namespace {

char g_reproduce[160];  // for the signal handler: an assertion of the engine ends the process

void SayWhere(int signal_number) {
  static constexpr char kWords[] = "\nthe engine died; reproduce with: ";
  ssize_t ignored = write(STDERR_FILENO, kWords, sizeof(kWords) - 1);
  ignored = write(STDERR_FILENO, g_reproduce, std::strlen(g_reproduce));
  ignored = write(STDERR_FILENO, "\n", 1);
  static_cast<void>(ignored);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

struct Options {
  uint64_t seed = 1;
  uint64_t runs = 0;  // 0: not given
  uint64_t steps = kDefaultSimulationSteps;
  double minutes = 0;
  bool verbose = false;
};

int Misuse(const std::string& why) {
  std::fprintf(stderr,
               "simulate: %s\nusage: simulate [--seed S] [--runs N] [--steps K] [--minutes M] "
               "[--verbose]\n",
               why.c_str());
  return 2;
}

bool ParseNumber(const char* text, uint64_t* number) {
  char* end = nullptr;
  *number = std::strtoull(text, &end, 0);
  return *text >= '0' && *text <= '9' && *end == '\0';
}

int Main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--verbose") {
      options.verbose = true;
      continue;
    }
    if (word != "--seed" && word != "--runs" && word != "--steps" && word != "--minutes") {
      return Misuse("unknown option '" + word + "'");
    }
    if (i + 1 == argc) return Misuse(word + " needs a value");
    const char* value = argv[++i];
    uint64_t number = 0;
    if (word == "--minutes") {
      char* end = nullptr;
      options.minutes = std::strtod(value, &end);
      if (*end != '\0' || !(options.minutes > 0)) return Misuse("--minutes needs a number above 0");
      continue;
    }
    if (!ParseNumber(value, &number)) return Misuse(word + " needs a whole number");
    if (word == "--seed") options.seed = number;
    if (word == "--runs") options.runs = number;
    if (word == "--steps") options.steps = number;
  }
  if (options.runs == 0)
    options.runs = options.minutes > 0 ? ~uint64_t{0} : options.verbose ? 1 : 500;
  if (options.steps == 0) return Misuse("--steps starts at 1");
  for (const int fatal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE}) signal(fatal, SayWhere);

  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  SimulationCounts counts;
  uint64_t seed = options.seed;
  for (uint64_t run = 0; run < options.runs; ++run, ++seed) {
    if (options.minutes > 0 && seconds() > options.minutes * 60) break;
    std::snprintf(g_reproduce, sizeof(g_reproduce),
                  "npm run simulate -- --seed %" PRIu64 " --runs 1 --steps %" PRIu64 " --verbose",
                  seed, options.steps);
    const SimulationResult result = Simulate(seed, options.steps, options.verbose);
    counts.Add(result.counts);
    if (options.verbose) {
      std::printf("seed %" PRIu64 "\n", seed);
      for (const std::string& line : result.trace) std::printf("  %s\n", line.c_str());
    }
    if (!result.violation.empty()) {
      std::printf("VIOLATION at seed %" PRIu64 " (run %" PRIu64 "): %s\nreproduce with: %s\n", seed,
                  run + 1, result.violation.c_str(), g_reproduce);
      return 1;
    }
  }
  const double took = seconds();
  std::printf("%" PRIu64 " runs (seeds %" PRIu64 "..%" PRIu64
              "), no violation\n"
              "%" PRIu64 " crashes: %" PRIu64 " power cuts, %" PRIu64 " process kills, %" PRIu64
              " container kills; %" PRIu64
              " began in the middle of a step\n"
              "%" PRIu64 " windows used, with %" PRIu64 " entries; %" PRIu64
              " copied, restored or damaged\n"
              "%" PRIu64 " clean restarts, %" PRIu64
              " failed calls\n"
              "%" PRIu64 " damaged disks: %" PRIu64 " reported; unseen %" PRIu64
              " cut newest segments, %" PRIu64 " other copies of the directory, %" PRIu64
              " empty directories\n"
              "%" PRIu64 " repairs (%" PRIu64 " interrupted, %" PRIu64
              " kept another copy's files), %" PRIu64 " holes; %" PRIu64
              " refused\n"
              "%" PRIu64 " transactions, %" PRIu64 " taken back, %" PRIu64
              " killed inside\n"
              "%" PRIu64 " entries, %" PRIu64 " snapshots, %" PRIu64 " segments released; %" PRIu64
              " backups, %" PRIu64 " restored; %" PRIu64
              " commits\n"
              "%.1f s, %.0f crashes/s\n",
              counts.runs, options.seed, seed - 1, counts.crashes(), counts.power_cuts,
              counts.process_kills, counts.container_kills, counts.mid_call, counts.windows_used,
              counts.entries_adopted, counts.windows_judged, counts.clean_restarts,
              counts.failed_calls, counts.damaged_images, counts.damage_reported,
              counts.unseen_tails, counts.unseen_copies, counts.unseen_empty, counts.repairs,
              counts.repair_crashes, counts.copies_kept, counts.holes, counts.repairs_refused,
              counts.transactions, counts.taken_back, counts.killed_inside, counts.entries,
              counts.snapshots, counts.segments_released, counts.backups, counts.restores,
              counts.commits, took, static_cast<double>(counts.crashes()) / took);
  return 0;
}

}  // namespace
}  // namespace pinnacle

int main(int argc, char** argv) { return pinnacle::Main(argc, argv); }
