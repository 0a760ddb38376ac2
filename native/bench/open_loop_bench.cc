// Latency under load, free of coordinated omission: operations are due at a fixed rate, and the
// latency of each counts from its due time, whether or not the previous one was late. Meanwhile the
// journal copies and syncs, segments roll and snapshots are taken. Prints JSON, a line for each
// round of each path, alternating the paths:
//
//   generator   nothing is done when an operation is due: what the machine itself adds
//   window      the engine, through a window
//   mapped      the engine, storing into mapped segments
//
//   open_loop_bench DIRECTORY [name=value ...]
//     rate=1000000       operations a second
//     seconds=3          of a round
//     rounds=1
//     paths=generator,window,mapped
//     orders=10000       in the book
//     sync_ms=10         the sync interval
//     snapshots=0        1: snapshots and compaction all the while
//     window_mib=16
//     segment_mib=64
//     background_cpus=   0: all threads of the journal on processor 0, and so on
//
// Every stall above 20 us is counted with the system's explanation. "in": during an operation;
// "out": while waiting for the next one, so not our doing. `afterFirstLap` counts what the writer's
// thread met once the window's memory was touched.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "platform/thread_priority.h"
#include "platform/thread_usage.h"

namespace {

using pinnacle::Code;
using pinnacle::EntryType;
using pinnacle::Operation;
using pinnacle::Side;

constexpr int64_t kStallNs = 20'000;
constexpr uint64_t kUsageEvery = 512;  // operations between two looks at the thread's usage

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "open_loop_bench: %s\n", what.c_str());
  std::exit(1);
}

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Exact to 10 ns up to 1 ms, to 10 µs above.
class Latencies {
 public:
  void Record(int64_t ns) {
    ++count_;
    max_ = std::max(max_, ns);
    if (ns < 1'000'000) {
      ++fine_[static_cast<size_t>(ns / 10)];
    } else {
      ++coarse_[static_cast<size_t>(std::min<int64_t>(ns / 10'000, 99'999))];
    }
  }
  int64_t At(double quantile) const {
    uint64_t left = static_cast<uint64_t>(static_cast<double>(count_) * (1 - quantile));
    for (size_t i = coarse_.size(); i-- > 0;) {
      if (coarse_[i] > left) return static_cast<int64_t>(i + 1) * 10'000;
      left -= coarse_[i];
    }
    for (size_t i = fine_.size(); i-- > 0;) {
      if (fine_[i] > left) return static_cast<int64_t>(i + 1) * 10;
      left -= fine_[i];
    }
    return 0;
  }
  int64_t max() const { return max_; }

 private:
  uint64_t count_ = 0;
  int64_t max_ = 0;
  std::vector<uint32_t> fine_ = std::vector<uint32_t>(100'000);
  std::vector<uint32_t> coarse_ = std::vector<uint32_t>(100'000);
};

struct Stalls {
  uint64_t preempted = 0;  // the scheduler gave the processor to another thread
  uint64_t faulted = 0;    // a page fault
  uint64_t rolled = 0;     // a new segment was begun
  uint64_t unknown = 0;    // none of these: interrupts, the hypervisor
  int64_t longest_ns = 0;

  void Count(const pinnacle::ThreadUsage& before, const pinnacle::ThreadUsage& after, bool roll,
             int64_t ns) {
    longest_ns = std::max(longest_ns, ns);
    if (roll) {
      ++rolled;
    } else if (after.involuntary_switches != before.involuntary_switches) {
      ++preempted;
    } else if (after.minor_faults + after.major_faults !=
               before.minor_faults + before.major_faults) {
      ++faulted;
    } else {
      ++unknown;
    }
  }
  void Print(const char* name) const {
    std::printf(
        "\"%s\": {\"preempted\": %llu, \"faulted\": %llu, \"rolled\": %llu, \"unknown\": %llu, "
        "\"longestUs\": %.1f}",
        name, static_cast<unsigned long long>(preempted), static_cast<unsigned long long>(faulted),
        static_cast<unsigned long long>(rolled), static_cast<unsigned long long>(unknown),
        static_cast<double>(longest_ns) / 1e3);
  }
};

// Alternates adds and cancels around a book of constant size.
class Flow {
 public:
  Flow(pinnacle::Engine* engine, uint16_t instrument) : engine_(engine) {
    operation_.instrument = instrument;
  }
  void Add() {
    operation_.type = EntryType::kAdd;
    operation_.id = {next_, 0};
    operation_.side = next_ % 2 == 0 ? Side::kBuy : Side::kSell;
    const int64_t distance = static_cast<int64_t>(next_ * 7919 % 5000);
    operation_.price = next_ % 2 == 0 ? 100'000 - distance : 100'001 + distance;
    operation_.quantity = 10;
    ++next_;
    Apply();
  }
  void Next() {
    if (++turn_ % 2 == 0) {
      Add();
      return;
    }
    operation_.type = EntryType::kCancel;
    operation_.id = {oldest_++, 0};
    Apply();
  }

 private:
  void Apply() {
    uint64_t sequence;
    if (engine_ == nullptr) return;
    if (engine_->Apply(operation_, 0, &sequence) != Code::kOk) Die("an operation was refused");
  }

  pinnacle::Engine* engine_;
  Operation operation_{};
  uint64_t next_ = 1;
  uint64_t oldest_ = 1;
  uint64_t turn_ = 0;
};

struct Settings {
  std::string directory;
  std::map<std::string, std::string> values{
      {"rate", "1000000"},   {"seconds", "3"},
      {"rounds", "1"},       {"paths", "generator,window,mapped"},
      {"orders", "10000"},   {"sync_ms", "10"},
      {"snapshots", "0"},    {"window_mib", "16"},
      {"segment_mib", "64"}, {"background_cpus", ""}};

  double Number(const char* name) const { return std::atof(values.at(name).c_str()); }
  uint64_t Mib(const char* name) const { return static_cast<uint64_t>(Number(name)) << 20; }
};

std::unique_ptr<pinnacle::Engine> OpenEngine(const Settings& settings, const std::string& path) {
  pinnacle::EngineOptions options;
  options.data_directory = settings.directory + "/open-loop";
  std::filesystem::remove_all(options.data_directory);
  options.sync_interval_ns = static_cast<uint64_t>(settings.Number("sync_ms") * 1e6);
  const auto orders = static_cast<uint64_t>(settings.Number("orders"));
  options.expected_orders = orders + orders / 4;
  options.journal.segment_bytes = settings.Mib("segment_mib");
  options.journal.window.path =
      path == "mapped" ? pinnacle::WritePath::kMapped : pinnacle::WritePath::kWindow;
  options.journal.window.bytes = settings.Mib("window_mib");
  const std::string& cpus = settings.values.at("background_cpus");
  if (!cpus.empty()) options.background_cpus = {static_cast<uint16_t>(std::atoi(cpus.c_str()))};
  std::unique_ptr<pinnacle::Engine> engine;
  pinnacle::RecoveryReport report;
  pinnacle::Status status =
      pinnacle::Engine::Open(pinnacle::Environment::Real(), options, nullptr, &engine, &report);
  if (status.ok()) status = engine->StartThreads([](uint64_t, const pinnacle::Status&) {});
  if (!status.ok()) Die(std::string(status.message()));
  return engine;
}

// Takes snapshots on its own thread; the writer fixes each point when asked to.
class Snapshotter {
 public:
  explicit Snapshotter(pinnacle::Engine* engine) : engine_(engine), thread_([this] { Run(); }) {}
  ~Snapshotter() {
    ends_ = true;
    thread_.join();
  }
  void Answer() {
    if (wish_.load(std::memory_order_relaxed) != 1) return;
    point_ = engine_->FixSnapshotPoint();
    wish_ = 2;
  }
  uint64_t count() const { return count_.load(); }

 private:
  void Run() {
    const pinnacle::Status ran = pinnacle::RunAtLowPriority([this] {
      while (!ends_) {
        wish_ = 1;
        while (wish_ != 2 && !ends_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        if (ends_) break;
        wish_ = 0;
        pinnacle::SnapshotInfo info;
        if (!engine_->BuildSnapshot(point_, {}, &info).ok()) Die("a snapshot failed");
        ++count_;
        pinnacle::CompactionReport compaction;
        if (!engine_->Compact(false, &compaction).ok()) Die("a compaction failed");
      }
      return pinnacle::Status();
    });
    if (!ran.ok()) Die(std::string(ran.message()));
  }

  pinnacle::Engine* engine_;
  std::atomic<int> wish_{0};  // 1: asked for, 2: fixed
  std::atomic<bool> ends_{false};
  std::atomic<uint64_t> count_{0};
  pinnacle::SnapshotPoint point_;
  std::thread thread_;
};

void RunRound(const Settings& settings, const std::string& path, uint64_t round) {
  std::unique_ptr<pinnacle::Engine> engine;
  uint16_t instrument = 0;
  if (path != "generator") {
    engine = OpenEngine(settings, path);
    pinnacle::Instrument definition;
    definition.name = "BENCH";
    if (!engine->DefineInstrument(definition, &instrument).ok()) Die("no instrument");
  }
  Flow flow(engine.get(), instrument);
  const auto orders = static_cast<uint64_t>(settings.Number("orders"));
  for (uint64_t i = 0; i < orders; ++i) flow.Add();
  if (engine && !engine->SyncNow().ok()) Die("a sync failed");
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  std::unique_ptr<Snapshotter> snapshotter;
  if (engine && settings.Number("snapshots") != 0) {
    snapshotter = std::make_unique<Snapshotter>(engine.get());
  }

  const double rate = settings.Number("rate");
  const auto operations = static_cast<uint64_t>(rate * settings.Number("seconds"));
  const double gap_ns = 1e9 / rate;
  // After this many operations the writer has gone through the ring once; a thread of the journal
  // has touched all of it long before.
  const uint64_t lap = settings.Mib("window_mib") / 64;
  Latencies latencies;
  Stalls in;
  Stalls out;
  pinnacle::ThreadUsage usage = pinnacle::ThisThreadUsage();
  pinnacle::ThreadUsage usage_after_lap = usage;
  uint64_t waits_after_lap = 0;
  const auto segment_now = [&] { return engine ? engine->journal()->segment_index() : 0; };
  const auto waits_now = [&] { return engine ? engine->journal()->window_counters().waits : 0; };
  uint64_t segment = segment_now();
  const int64_t start_ns = NowNs();
  int64_t now_ns = start_ns;
  for (uint64_t i = 0; i < operations; ++i) {
    const int64_t due_ns = start_ns + static_cast<int64_t>(static_cast<double>(i) * gap_ns);
    while (now_ns < due_ns) {
      const int64_t before_ns = now_ns;
      now_ns = NowNs();
      if (now_ns - before_ns > kStallNs) {
        const pinnacle::ThreadUsage after = pinnacle::ThisThreadUsage();
        out.Count(usage, after, false, now_ns - before_ns);
        usage = after;
      }
    }
    const int64_t before_ns = now_ns;
    flow.Next();
    now_ns = NowNs();
    latencies.Record(now_ns - due_ns);
    if (now_ns - before_ns > kStallNs) {
      const pinnacle::ThreadUsage after = pinnacle::ThisThreadUsage();
      in.Count(usage, after, segment_now() != segment, now_ns - before_ns);
      segment = segment_now();
      usage = after;
    } else if (i % kUsageEvery == 0) {
      usage = pinnacle::ThisThreadUsage();
      segment = segment_now();
      if (snapshotter) snapshotter->Answer();
      now_ns = NowNs();
    }
    if (i == lap) {
      usage_after_lap = pinnacle::ThisThreadUsage();
      waits_after_lap = waits_now();
    }
  }
  const pinnacle::ThreadUsage usage_at_end = pinnacle::ThisThreadUsage();
  const double elapsed_s = static_cast<double>(NowNs() - start_ns) / 1e9;
  const uint64_t snapshots = snapshotter ? snapshotter->count() : 0;
  snapshotter.reset();
  std::printf(
      "{\"path\": \"%s\", \"round\": %llu, \"rate\": %.0f, \"reached\": %.0f, "
      "\"snapshots\": %llu, \"ns\": {",
      path.c_str(), static_cast<unsigned long long>(round), rate,
      static_cast<double>(operations) / elapsed_s, static_cast<unsigned long long>(snapshots));
  const std::pair<const char*, double> quantiles[] = {
      {"p50", .5}, {"p99", .99}, {"p999", .999}, {"p9999", .9999}};
  for (const auto& [name, quantile] : quantiles) {
    std::printf("\"%s\": %lld, ", name, static_cast<long long>(latencies.At(quantile)));
  }
  std::printf("\"max\": %lld}, \"stalls\": {", static_cast<long long>(latencies.max()));
  in.Print("in");
  std::printf(", ");
  out.Print("out");
  std::printf(
      "}, \"afterFirstLap\": {\"faults\": %llu, \"voluntarySwitches\": %llu, "
      "\"preemptions\": %llu, \"windowWaits\": %llu}",
      static_cast<unsigned long long>(usage_at_end.minor_faults + usage_at_end.major_faults -
                                      usage_after_lap.minor_faults - usage_after_lap.major_faults),
      static_cast<unsigned long long>(usage_at_end.voluntary_switches -
                                      usage_after_lap.voluntary_switches),
      static_cast<unsigned long long>(usage_at_end.involuntary_switches -
                                      usage_after_lap.involuntary_switches),
      static_cast<unsigned long long>(waits_now() - waits_after_lap));
  if (engine) {
    const pinnacle::FlushCounters flushes = engine->journal()->flush_counters();
    const pinnacle::SupplyCounters supply = engine->journal()->supply_counters();
    std::printf(
        ", \"syncs\": %llu, \"syncBytes\": %llu, \"fills\": %llu, \"segmentStalls\": %llu, "
        "\"segmentsCreated\": %llu, \"segmentsRecycled\": %llu",
        static_cast<unsigned long long>(engine->sync_ns()->count()),
        static_cast<unsigned long long>(flushes.bytes),
        static_cast<unsigned long long>(flushes.fills),
        static_cast<unsigned long long>(supply.stalls),
        static_cast<unsigned long long>(supply.created),
        static_cast<unsigned long long>(supply.recycled));
    if (!engine->Close().ok()) Die("closing failed");
  }
  std::printf("}\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) Die("usage: open_loop_bench DIRECTORY [name=value ...]");
  Settings settings;
  settings.directory = argv[1];
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    const size_t equals = word.find('=');
    if (equals == std::string::npos || !settings.values.contains(word.substr(0, equals))) {
      Die("there is no setting '" + word + "'");
    }
    settings.values[word.substr(0, equals)] = word.substr(equals + 1);
  }
  std::string paths = settings.values["paths"] + ",";
  for (uint64_t round = 1; round <= static_cast<uint64_t>(settings.Number("rounds")); ++round) {
    for (size_t at = 0; at < paths.size();) {
      const size_t comma = paths.find(',', at);
      RunRound(settings, paths.substr(at, comma - at), round);
      at = comma + 1;
    }
  }
  return 0;
}
