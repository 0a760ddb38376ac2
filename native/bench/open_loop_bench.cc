// Latency under load, free of coordinated omission: operations are due at a fixed rate, and each
// one's latency counts from when it was due, whether or not the one before it was late. Meanwhile
// the journal syncs, segments roll and snapshots are taken. Prints JSON.
//
//   open_loop_bench DIRECTORY [RATE] [SECONDS] [ORDERS] [SYNC_INTERVAL_MS] [SNAPSHOTS]
//                  [WRITE_PATH] [WINDOW_MIB]
//
// Every stall above 20 µs is counted with what the system says of it. "in": during an operation;
// "out": while waiting for the next to be due, so not of our making.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
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

// Adds and cancels in turn around a book of constant size.
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
    if (engine_->Apply(operation_, 0, &sequence) != Code::kOk) Die("an operation was refused");
  }

  pinnacle::Engine* engine_;
  Operation operation_{};
  uint64_t next_ = 1;
  uint64_t oldest_ = 1;
  uint64_t turn_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2)
    Die("usage: open_loop_bench DIRECTORY [RATE] [SECONDS] [ORDERS] [SYNC_MS] [SNAPSHOTS]");
  const auto number = [&](int index, double fallback) {
    return argc > index ? std::atof(argv[index]) : fallback;
  };
  const double rate = number(2, 1e6);
  const double seconds = number(3, 10);
  const auto orders = static_cast<uint64_t>(number(4, 1e6));
  const bool takes_snapshots = number(6, 1) != 0;
  pinnacle::EngineOptions options;
  options.data_directory = std::string(argv[1]) + "/open-loop";
  options.sync_interval_ns = static_cast<uint64_t>(number(5, 10) * 1e6);
  options.expected_orders = orders + orders / 4;
  options.journal.window.path = argc > 7 && std::string(argv[7]) == "mapped"
                                    ? pinnacle::WritePath::kMapped
                                    : pinnacle::WritePath::kWindow;
  options.journal.window.bytes = static_cast<uint64_t>(number(8, 16)) * 1024 * 1024;
  std::unique_ptr<pinnacle::Engine> engine;
  pinnacle::RecoveryReport report;
  pinnacle::Status status =
      pinnacle::Engine::Open(pinnacle::Environment::Real(), options, nullptr, &engine, &report);
  if (!status.ok()) Die(std::string(status.message()));
  status = engine->StartThreads([](uint64_t, const pinnacle::Status&) {});
  if (!status.ok()) Die(std::string(status.message()));
  uint16_t instrument = 0;
  pinnacle::Instrument definition;
  definition.name = "BENCH";
  status = engine->DefineInstrument(definition, &instrument);
  if (!status.ok()) Die(std::string(status.message()));
  Flow flow(engine.get(), instrument);
  for (uint64_t i = 0; i < orders; ++i) flow.Add();
  if (!engine->SyncNow().ok()) Die("a sync failed");
  std::this_thread::sleep_for(std::chrono::milliseconds(500));

  // The writer fixes a point when asked to; this thread builds the snapshot of it.
  std::atomic<int> wish{0};  // 1: asked for, 2: fixed
  std::atomic<bool> ends{false};
  pinnacle::SnapshotPoint point;
  uint64_t snapshots = 0;
  std::thread snapshotter([&] {
    const pinnacle::Status ran = pinnacle::RunAtLowPriority([&] {
      while (takes_snapshots && !ends) {
        wish = 1;
        while (wish != 2 && !ends) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        if (ends) break;
        wish = 0;
        pinnacle::SnapshotInfo info;
        if (!engine->BuildSnapshot(point, {}, &info).ok()) Die("a snapshot failed");
        ++snapshots;
        pinnacle::CompactionReport compaction;
        if (!engine->Compact(false, &compaction).ok()) Die("a compaction failed");
      }
      return pinnacle::Status();
    });
    if (!ran.ok()) Die(std::string(ran.message()));
  });

  Latencies latencies;
  Stalls in;
  Stalls out;
  pinnacle::ThreadUsage usage = pinnacle::ThisThreadUsage();
  const pinnacle::ThreadUsage usage_at_start = usage;
  uint64_t segment = engine->journal()->segment_index();
  const auto operations = static_cast<uint64_t>(rate * seconds);
  const double gap_ns = 1e9 / rate;
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
      const uint64_t segment_now = engine->journal()->segment_index();
      in.Count(usage, after, segment_now != segment, now_ns - before_ns);
      segment = segment_now;
      usage = after;
    } else if (i % kUsageEvery == 0) {
      usage = pinnacle::ThisThreadUsage();
      segment = engine->journal()->segment_index();
      if (wish.load(std::memory_order_relaxed) == 1) {
        point = engine->FixSnapshotPoint();
        wish = 2;
      }
      now_ns = NowNs();
    }
  }
  const pinnacle::ThreadUsage usage_at_end = pinnacle::ThisThreadUsage();
  ends = true;
  snapshotter.join();
  const pinnacle::FlushCounters flushes = engine->journal()->flush_counters();
  const pinnacle::WindowCounters window = engine->journal()->window_counters();
  const pinnacle::SupplyCounters supply = engine->journal()->supply_counters();
  std::printf("{\"rate\": %.0f, \"seconds\": %.1f, \"snapshots\": %llu, \"ns\": {", rate, seconds,
              static_cast<unsigned long long>(snapshots));
  const std::pair<const char*, double> quantiles[] = {
      {"p50", .5}, {"p99", .99}, {"p999", .999}, {"p9999", .9999}, {"p99999", .99999}};
  for (const auto& [name, quantile] : quantiles) {
    std::printf("\"%s\": %lld, ", name, static_cast<long long>(latencies.At(quantile)));
  }
  std::printf("\"max\": %lld}, \"stalls\": {", static_cast<long long>(latencies.max()));
  in.Print("in");
  std::printf(", ");
  out.Print("out");
  std::printf(
      "}, \"writerMinorFaults\": %llu, \"writerPreemptions\": %llu, \"syncs\": %llu, "
      "\"syncBytes\": %llu, \"fills\": %llu, \"windowBytes\": %llu, \"windowWaits\": %llu, "
      "\"segmentStalls\": %llu, \"segmentsCreated\": %llu, \"segmentsRecycled\": %llu}\n",
      static_cast<unsigned long long>(usage_at_end.minor_faults - usage_at_start.minor_faults),
      static_cast<unsigned long long>(usage_at_end.involuntary_switches -
                                      usage_at_start.involuntary_switches),
      static_cast<unsigned long long>(engine->threads()->syncs()),
      static_cast<unsigned long long>(flushes.bytes),
      static_cast<unsigned long long>(flushes.fills),
      static_cast<unsigned long long>(window.ring_bytes),
      static_cast<unsigned long long>(window.waits), static_cast<unsigned long long>(supply.stalls),
      static_cast<unsigned long long>(supply.created),
      static_cast<unsigned long long>(supply.recycled));
  (void)engine->Close();
  return 0;
}
