// What a transaction costs compared to the same operations outside of one, in the engine alone.
//
//   .build/release/transaction_bench [--rounds N] [--directory DIR] [--mapped]
//
// Each round runs the same operations plainly, in small transactions and in large ones; the two
// sizes give the cost of a transaction and that of an operation in it, ns above the same outside.
// One line of JSON for each kind of work. The time is the thread's own, so that other load on the
// machine counts for less. Build it with
// `cmake --preset release && cmake --build --preset release --target transaction_bench`.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "platform/environment.h"
#include "test/temporary_directory.h"

namespace pinnacle::bench {
namespace {

constexpr uint64_t kOperations = 96'000;  // of one run; a multiple of both sizes
constexpr uint64_t kFew = 3;
constexpr uint64_t kMany = 96;
constexpr uint64_t kOrders = 1024;

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "transaction_bench: %s\n", what.c_str());
  std::exit(1);
}

void Require(const Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

void Require(Code code) {
  if (code != Code::kOk) Fail(CodeName(code));
}

double ThreadNs() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

double MedianOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// A stream of operations that are always valid: `Next` never uses up the room for more.
class AppendWork {
 public:
  static constexpr const char* kName = "append of 32 bytes";
  explicit AppendWork(Engine* engine) : engine_(engine) {}
  void Next() {
    uint64_t sequence = 0;
    ++payload_[0];
    Require(engine_->AppendPayload(1, 0, 0, reinterpret_cast<const uint8_t*>(payload_),
                                   sizeof(payload_), &sequence));
  }

 private:
  Engine* engine_;
  uint64_t payload_[4] = {};
};

class ExecuteWork {
 public:
  static constexpr const char* kName = "execute";
  explicit ExecuteWork(Engine* engine) : engine_(engine) {}
  void Next() {
    Operation operation;
    operation.type = EntryType::kExecute;
    operation.instrument = 1;
    operation.id = {1 + next_++ % kOrders, 0};
    operation.quantity = 1;
    uint64_t sequence = 0;
    Require(engine_->Apply(operation, 0, &sequence));
  }

 private:
  Engine* engine_;
  uint64_t next_ = 0;
};

// Alternately adds an order and cancels it: the book's slowest paths.
class AddCancelWork {
 public:
  static constexpr const char* kName = "add, cancel";
  explicit AddCancelWork(Engine* engine) : engine_(engine) {}
  void Next() {
    Operation operation;
    operation.instrument = 1;
    operation.id = {1'000'000 + next_ / 2, 0};
    operation.type = next_ % 2 == 0 ? EntryType::kAdd : EntryType::kCancel;
    if (operation.type == EntryType::kAdd) {
      operation.price = 100 + static_cast<int64_t>(next_ / 2 % 64);
      operation.quantity = 10;
    }
    ++next_;
    uint64_t sequence = 0;
    Require(engine_->Apply(operation, 0, &sequence));
  }

 private:
  Engine* engine_;
  uint64_t next_ = 0;
};

template <typename Work>
double Plainly(Work* work) {
  const double start_ns = ThreadNs();
  for (uint64_t i = 0; i < kOperations; ++i) work->Next();
  return (ThreadNs() - start_ns) / kOperations;
}

template <typename Work>
double InTransactions(Engine* engine, Work* work, uint64_t size) {
  const double start_ns = ThreadNs();
  for (uint64_t done = 0; done < kOperations; done += size) {
    Require(engine->BeginTransaction());
    for (uint64_t i = 0; i < size; ++i) work->Next();
    uint64_t sequence = 0;
    Require(engine->CommitTransaction(&sequence));
  }
  return (ThreadNs() - start_ns) / kOperations;
}

template <typename Work>
void Measure(Engine* engine, int rounds) {
  Work work(engine);
  std::vector<double> plain;
  std::vector<double> few;
  std::vector<double> many;
  std::vector<double> transaction;
  std::vector<double> operation;
  for (int round = -1; round < rounds; ++round) {
    const double outside = Plainly(&work);
    const double small = InTransactions(engine, &work, kFew);
    const double large = InTransactions(engine, &work, kMany);
    if (round < 0) continue;  // it warms up
    plain.push_back(outside);
    few.push_back(small);
    many.push_back(large);
    // small = outside + each + whole / kFew, and the same for large.
    const double whole = (small - large) / (1.0 / kFew - 1.0 / kMany);
    transaction.push_back(whole);
    operation.push_back(large - outside - whole / kMany);
  }
  std::printf(
      "{\"work\":\"%s\",\"outside\":%.2f,\"in3\":%.2f,\"in96\":%.2f,"
      "\"transaction\":%.2f,\"operation\":%.2f}\n",
      Work::kName, MedianOf(plain), MedianOf(few), MedianOf(many), MedianOf(transaction),
      MedianOf(operation));
  std::fflush(stdout);
}

void Run(const std::string& directory, int rounds, bool mapped) {
  EngineOptions options;
  options.data_directory = directory + "/data";
  options.durability = Durability::kAppended;
  options.journal.segment_bytes = 256ull * 1024 * 1024;
  options.journal.window.path = mapped ? WritePath::kMapped : WritePath::kWindow;
  options.expected_orders = 65'536;
  std::unique_ptr<Engine> engine;
  RecoveryReport report;
  Require(Engine::Open(Environment::Real(), options, nullptr, &engine, &report));
  Require(engine->StartThreads([](uint64_t, const Status&) {}));
  uint16_t index = 0;
  Require(engine->DefineInstrument({"BENCH", 2, 0, InstrumentKind::kOrders}, &index));
  for (uint64_t id = 1; id <= kOrders; ++id) {
    Operation add;
    add.type = EntryType::kAdd;
    add.instrument = 1;
    add.id = {id, 0};
    add.price = 100 + static_cast<int64_t>(id % 64);
    add.quantity = int64_t{1} << 40;
    uint64_t sequence = 0;
    Require(engine->Apply(add, 0, &sequence));
  }
  Measure<AppendWork>(engine.get(), rounds);
  Measure<ExecuteWork>(engine.get(), rounds);
  Measure<AddCancelWork>(engine.get(), rounds);
  Require(engine->Close());
}

}  // namespace

int Main(int argc, char** argv) {
  int rounds = 15;
  bool mapped = false;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--mapped") {
      mapped = true;
    } else if (i + 1 < argc && name == "--rounds") {
      rounds = std::max(1, std::atoi(argv[++i]));
    } else if (i + 1 < argc && name == "--directory") {
      setenv("TMPDIR", argv[++i], 1);
    } else {
      Fail("unknown option " + name + "; known: --rounds N, --directory DIR, --mapped");
    }
  }
  const TemporaryDirectory directory;
  Run(directory.path(), rounds, mapped);
  return 0;
}

}  // namespace pinnacle::bench

int main(int argc, char** argv) { return pinnacle::bench::Main(argc, argv); }
