// Speed of the books without JavaScript: operations alone, replay of a journal, restore of a
// snapshot, next to the cost of the bare memory accesses.
//
//   .build/release/book_bench [--only apply|replay|restore|limit] [--flow NAME] [--data DIR]
//                             [--rounds N] [--directory DIR] [--json]
//
// DIR of --data holds LOBSTER message files as <symbol>/message_1.csv; without it only the
// synthetic flows run. --json prints one object instead of lines. Build it with
// `cmake --preset release && cmake --build --preset release --target book_bench`. Best of the
// rounds and the median: compare two builds by running them in turns.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "bench/order_flow.h"
#include "engine/engine.h"
#include "snapshot/snapshot_reader.h"
#include "snapshot/snapshot_writer.h"
#include "test/temporary_directory.h"

namespace pinnacle::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Figure {
  std::string name;
  std::string unit;
  double best;
  double median;
};

struct Arguments {
  std::string only;
  std::string flow;
  std::string data;
  std::string directory;
  int rounds = 7;
  bool json = false;
};

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "book_bench: %s\n", what.c_str());
  std::exit(1);
}

void Require(const Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

class Report {
 public:
  explicit Report(const Arguments& arguments) : arguments_(arguments) {}

  // `run` does `count` operations and returns the seconds they took.
  void Rate(const std::string& name, double count, const std::function<double()>& run) {
    std::vector<double> seconds;
    for (int i = 0; i < arguments_.rounds; ++i) seconds.push_back(run());
    std::sort(seconds.begin(), seconds.end());
    Put({name, "ns", seconds.front() / count * 1e9, seconds[seconds.size() / 2] / count * 1e9});
  }

  void Put(const Figure& figure) {
    figures_.push_back(figure);
    if (arguments_.json) return;
    const bool rate = figure.unit == "ns" && figure.best > 0;
    std::printf("%-44s %9.2f %-5s (median %.2f)", figure.name.c_str(), figure.best,
                figure.unit.c_str(), figure.median);
    if (rate) std::printf("  %7.2f M/s", 1e3 / figure.best);
    std::printf("\n");
    std::fflush(stdout);
  }

  void PrintJson() const {
    std::printf("{\"figures\":[");
    for (size_t i = 0; i < figures_.size(); ++i) {
      std::printf("%s{\"name\":\"%s\",\"unit\":\"%s\",\"best\":%.4f,\"median\":%.4f}",
                  i == 0 ? "" : ",", figures_[i].name.c_str(), figures_[i].unit.c_str(),
                  figures_[i].best, figures_[i].median);
    }
    std::printf("]}\n");
  }

 private:
  const Arguments& arguments_;
  std::vector<Figure> figures_;
};

// Processor time, so that other load on the machine counts for less.
double ThreadSeconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double Since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

std::vector<OrderFlow> Flows(const Arguments& arguments) {
  std::vector<OrderFlow> flows;
  if (!arguments.data.empty()) {
    for (const char* symbol : {"goog", "amzn"}) {
      flows.push_back(LobsterFlow(std::string("lobster ") + symbol,
                                  arguments.data + "/" + symbol + "/message_1.csv"));
      if (flows.back().operations.empty()) Fail("no messages of " + flows.back().name);
    }
  }
  flows.push_back(SyntheticFlow(10'000, 1).Take("10 k live orders", 500'000));
  flows.push_back(SyntheticFlow(100'000, 2).Take("100 k live orders", 500'000));
  flows.push_back(SyntheticFlow(1'000'000, 3).Take("1 M live orders", 1'000'000));
  std::erase_if(flows, [&](const OrderFlow& flow) {
    return flow.name.find(arguments.flow) == std::string::npos;
  });
  return flows;
}

// One by one, as single calls do it.
void ApplyOneByOne(BookSet* books, const std::vector<Operation>& operations) {
  uint64_t sequence = books->last_sequence();
  for (const Operation& operation : operations) {
    BookSet::Prepared prepared;
    const Code code = books->Check(operation, &prepared);
    if (code != Code::kOk) Fail(std::string("refused: ") + CodeName(code));
    ++sequence;
    books->Apply(operation, prepared, sequence, sequence);
  }
}

// With prefetching, as batches and replay do it.
template <typename Books>
bool ApplyAhead(Books* books, const std::vector<Operation>& operations) {
  if constexpr (requires { books->Prefetch(operations[0], 0); }) {
    uint64_t sequence = books->last_sequence();
    const size_t count = operations.size();
    for (size_t i = 0; i < count; ++i) {
      const bool pays = books->PrefetchPays(operations[i].instrument);
      for (size_t stage = 0; pays && stage < Books::kPrefetchStages; ++stage) {
        const size_t ahead = i + Books::kPrefetchDistance * (Books::kPrefetchStages - stage);
        if (ahead < count) books->Prefetch(operations[ahead], stage);
      }
      BookSet::Prepared prepared;
      const Code code = books->Check(operations[i], &prepared);
      if (code != Code::kOk) Fail(std::string("refused: ") + CodeName(code));
      ++sequence;
      books->Apply(operations[i], prepared, sequence, sequence);
    }
    return true;
  } else {
    return false;
  }
}

BookSet BooksBefore(const OrderFlow& flow) {
  BookSet books;
  books.Define({"BENCH", 2, 0, InstrumentKind::kOrders}, 1);
  ApplyOneByOne(&books, flow.before);
  return books;
}

void Apply(const Arguments& arguments, Report* report) {
  for (const OrderFlow& flow : Flows(arguments)) {
    const double count = static_cast<double>(flow.operations.size());
    report->Rate("apply, " + flow.name, count, [&] {
      BookSet books = BooksBefore(flow);
      const double start = ThreadSeconds();
      ApplyOneByOne(&books, flow.operations);
      return ThreadSeconds() - start;
    });
    BookSet probe;
    if (!ApplyAhead(&probe, {})) continue;
    report->Rate("apply in batches, " + flow.name, count, [&] {
      BookSet books = BooksBefore(flow);
      const double start = ThreadSeconds();
      ApplyAhead(&books, flow.operations);
      return ThreadSeconds() - start;
    });
  }
  BookSet books = BooksBefore(SyntheticFlow(1'000'000, 3).Take("", 0));
  const double per_order = static_cast<double>(books.book(1).memory_bytes()) / 1e6;
  report->Put({"memory of 1 M orders, bytes each", "B", per_order, per_order});
}

// The memory accesses that an operation on a large book can't avoid: a slot of the id table and the
// order, at random places.
void Limit(Report* report) {
  constexpr size_t kSlots = 1u << 21;
  constexpr size_t kCount = 1'000'000;
  std::vector<uint64_t> slots(kSlots);
  std::vector<uint64_t> orders(kCount * 4);
  std::mt19937_64 random(5);
  std::vector<uint32_t> places(kCount + 16);
  for (uint32_t& place : places) place = static_cast<uint32_t>(random() % kSlots);
  for (uint64_t& slot : slots) slot = random() % kCount;
  uint64_t sum = 0;
  report->Rate("limit: touch slot and order, 1 M orders", kCount, [&] {
    const double start = ThreadSeconds();
    for (size_t i = 0; i < kCount; ++i) {
      // The next place depends on what was read, as a caller's next call does.
      uint64_t& order = orders[slots[(places[i] + (sum & 1)) & (kSlots - 1)] * 4];
      sum += ++order;
    }
    return ThreadSeconds() - start;
  });
  report->Rate("limit: the same, fetched ahead", kCount, [&] {
    const double start = ThreadSeconds();
    for (size_t i = 0; i < kCount; ++i) {
      __builtin_prefetch(&slots[places[i + 16]]);
      __builtin_prefetch(&orders[slots[places[i + 8]] * 4], 1);
      sum += ++orders[slots[places[i]] * 4];
    }
    return ThreadSeconds() - start;
  });
  if (sum == 0) Fail("nothing was read");
}

EngineOptions OptionsFor(const std::string& directory) {
  EngineOptions options;
  options.data_directory = directory;
  options.durability = Durability::kAppended;
  options.journal.segment_bytes = 64ull << 20;
  return options;
}

// The flow, repeated with other ids, until about `entries` are written.
void WriteJournal(const std::string& directory, const std::vector<OrderFlow>& flows,
                  size_t entries) {
  std::unique_ptr<Engine> engine;
  RecoveryReport recovery;
  Require(Engine::Open(Environment::Real(), OptionsFor(directory), nullptr, &engine, &recovery));
  for (size_t i = 0; i < flows.size(); ++i) {
    uint16_t index = 0;
    Require(engine->DefineInstrument({"BENCH" + std::to_string(i), 2, 0, InstrumentKind::kOrders},
                                     &index));
  }
  uint64_t sequence = 0;
  const auto put = [&](Operation operation, uint64_t round) {
    if (operation.id.low != 0) operation.id.low += round << 40;
    if (operation.new_id.low != 0) operation.new_id.low += round << 40;
    const Code code = engine->Apply(operation, 1, &sequence);
    if (code != Code::kOk) Fail(std::string("journal: ") + CodeName(code));
  };
  for (uint64_t round = 0; sequence < entries; ++round) {
    for (const OrderFlow& flow : flows) {
      if (round > 0)
        put({EntryType::kClear,
             flow.before.empty() ? flow.operations[0].instrument : flow.before[0].instrument,
             Side::kBuy,
             {},
             {},
             0,
             0},
            0);
      for (const Operation& operation : flow.before) put(operation, round);
    }
    // Alternating, as instruments of a venue trade side by side.
    size_t longest = 0;
    for (const OrderFlow& flow : flows) longest = std::max(longest, flow.operations.size());
    for (size_t i = 0; i < longest; ++i) {
      for (const OrderFlow& flow : flows) {
        if (i < flow.operations.size()) put(flow.operations[i], round);
      }
    }
  }
  Require(engine->Close());
}

template <typename E>
constexpr bool HasThreads() {
  return requires(E environment) { environment.worker_threads; };
}

template <typename E>
E WithThreads(E environment, unsigned threads) {
  if constexpr (requires { environment.worker_threads; }) environment.worker_threads = threads;
  return environment;
}

void ReplayOf(const Arguments& arguments, const std::string& name,
              const std::vector<OrderFlow>& flows, Report* report) {
  TemporaryDirectory directory;
  WriteJournal(directory.path() + "/data", flows, 1'000'000);
  for (const unsigned threads : {0u, 1u, 2u, 4u}) {
    const Environment environment = WithThreads(Environment::Real(), threads);
    std::vector<double> each;
    for (int i = 0; i < arguments.rounds; ++i) {
      RecoveredState state;
      RecoveryReport recovery;
      Require(ReadState(environment, directory.path() + "/data", {}, nullptr, &state, &recovery));
      each.push_back(static_cast<double>(recovery.scan_ns) /
                     static_cast<double>(recovery.entries_replayed));
    }
    std::sort(each.begin(), each.end());
    report->Put({"replay, " + name + ", " + std::to_string(threads) + " threads", "ns", each[0],
                 each[each.size() / 2]});
    if (!HasThreads<Environment>()) break;
  }
}

void Replay(const Arguments& arguments, Report* report) {
  for (const OrderFlow& flow : Flows(arguments)) {
    ReplayOf(arguments, flow.name, {flow}, report);
  }
  std::vector<OrderFlow> eight;
  for (uint16_t i = 1; i <= 8; ++i) {
    eight.push_back(SyntheticFlow(20'000, i, i).Take("", 100'000));
  }
  ReplayOf(arguments, "8 instruments of 20 k orders", eight, report);
}

void Restore(const Arguments& arguments, Report* report) {
  const auto measure = [&](const std::string& name, const BookSet& books) {
    TemporaryDirectory directory;
    SnapshotInfo info;
    std::vector<double> write_ms;
    for (int i = 0; i < arguments.rounds; ++i) {
      const auto start = SteadyClock::now();
      Require(WriteSnapshot(FileSystem::Real(), directory.path(), {{1, 2}, 10, 1, 1}, books, {},
                            &info));
      write_ms.push_back(Since(start) * 1e3);
    }
    std::sort(write_ms.begin(), write_ms.end());
    report->Put({"write snapshot, " + name, "ms", write_ms[0], write_ms[write_ms.size() / 2]});
    std::vector<double> ms;
    for (int i = 0; i < arguments.rounds; ++i) {
      BookSet restored;
      std::vector<uint8_t> user_state;
      const auto start = SteadyClock::now();
      Require(ReadSnapshot(FileSystem::Real(), info.path, &restored, &user_state, &info));
      ms.push_back(Since(start) * 1e3);
      for (uint16_t k = 1; k <= books.instrument_count(); ++k) {
        if (restored.book(k).Digest() != books.book(k).Digest()) Fail("restored another book");
      }
    }
    std::sort(ms.begin(), ms.end());
    report->Put({"restore, " + name, "ms", ms[0], ms[ms.size() / 2]});
  };
  measure("1 M orders", BooksBefore(SyntheticFlow(1'000'000, 3).Take("", 0)));
  BookSet eight;
  for (uint16_t i = 1; i <= 8; ++i) {
    eight.Define({"BENCH" + std::to_string(i), 2, 0, InstrumentKind::kOrders}, i);
  }
  for (uint16_t i = 1; i <= 8; ++i) {
    ApplyOneByOne(&eight, SyntheticFlow(125'000, i, i).Take("", 0).before);
  }
  measure("8 books of 125 k orders", eight);
}

}  // namespace

int Main(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 >= argc) Fail(name + " needs a value");
      return argv[++i];
    };
    if (name == "--only") {
      arguments.only = value();
    } else if (name == "--data") {
      arguments.data = value();
    } else if (name == "--flow") {
      arguments.flow = value();
    } else if (name == "--directory") {
      arguments.directory = value();
    } else if (name == "--rounds") {
      arguments.rounds = std::max(1, std::atoi(value().c_str()));
    } else if (name == "--json") {
      arguments.json = true;
    } else {
      Fail("unknown option " + name + "; known: --only --flow --data --directory --rounds --json");
    }
  }
  if (!arguments.directory.empty()) setenv("TMPDIR", arguments.directory.c_str(), 1);
  Report report(arguments);
  const auto wanted = [&](const char* part) {
    return arguments.only.empty() || arguments.only == part;
  };
  if (wanted("limit")) Limit(&report);
  if (wanted("apply")) Apply(arguments, &report);
  if (wanted("replay")) Replay(arguments, &report);
  if (wanted("restore")) Restore(arguments, &report);
  if (arguments.json) report.PrintJson();
  return 0;
}

}  // namespace pinnacle::bench

int main(int argc, char** argv) { return pinnacle::bench::Main(argc, argv); }
