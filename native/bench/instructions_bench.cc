// The hot path with fixed inputs, for bench/instructions.mjs to count its instructions under
// callgrind: a count has no noise, where a time has. Each case stands in a function of its own,
// named Count…, whose inclusive cost is what is counted; what it needs is made ready outside.
//
// Usage: instructions_bench
#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "checksum/crc32c.h"
#include "engine/engine.h"
#include "journal/reader.h"
#include "platform/environment.h"

namespace pinnacle {
namespace {

constexpr uint64_t kOperations = 20'000;
constexpr uint64_t kLiveOrders = 10'000;

[[noreturn]] void Stop(const std::string& what) {
  std::cerr << "instructions_bench: " << what << '\n';
  std::exit(1);
}

void Check(Code code) {
  if (code != Code::kOk) Stop("an operation was refused");
}

// The same numbers everywhere: the clock stands still and nothing is random.
class StillClock final : public Clock {
 public:
  uint64_t NowNs() noexcept override { return 1'700'000'000'000'000'000; }
  uint64_t MonotonicNs() noexcept override { return 1'000'000'000; }
};

class CountingNumbers final : public RandomSource {
 public:
  uint64_t NextU64() override { return ++last_ * 0x9e3779b97f4a7c15; }

 private:
  uint64_t last_ = 0;
};

Operation Add(uint64_t id) {
  Operation operation;
  operation.type = EntryType::kAdd;
  operation.instrument = 1;
  operation.side = id % 2 == 0 ? Side::kBuy : Side::kSell;
  operation.id = {id, 0};
  const int64_t distance = static_cast<int64_t>(id * 7919 % 500);
  operation.price = operation.side == Side::kBuy ? 99'999 - distance : 100'001 + distance;
  operation.quantity = 10;
  return operation;
}

Operation Of(EntryType type, uint64_t id, int64_t quantity) {
  Operation operation;
  operation.type = type;
  operation.instrument = 1;
  operation.id = {id, 0};
  operation.quantity = quantity;
  return operation;
}

__attribute__((noinline)) void Apply(Engine* engine, const std::vector<Operation>& operations) {
  for (const Operation& operation : operations) {
    uint64_t sequence = 0;
    Check(engine->Apply(operation, 0, &sequence));
  }
}

// One function a case: callgrind tells them apart by name. The remarks keep compilers from folding
// equal functions into one, and the call from becoming a jump.
__attribute__((noinline)) void CountAppendSingle(Engine* engine) {
  uint64_t payload[4] = {1, 2, 3, 4};
  for (uint64_t i = 0; i < kOperations; ++i) {
    uint64_t sequence = 0;
    payload[0] = i;
    Check(engine->AppendPayload(1, 0, 0, reinterpret_cast<const uint8_t*>(payload), sizeof(payload),
                                &sequence));
  }
  asm volatile("");
}

__attribute__((noinline)) void CountAppendBatch(Engine* engine) {
  constexpr uint64_t kBatch = 500;
  std::array<uint64_t, 4 * kBatch> payloads;
  for (uint64_t i = 0; i < payloads.size(); ++i) payloads[i] = i;
  for (uint64_t done = 0; done < kOperations; done += kBatch) {
    uint64_t taken = 0;
    uint64_t sequence = 0;
    Check(engine->AppendPayloads(1, 0, 0, reinterpret_cast<const uint8_t*>(payloads.data()),
                                 4 * sizeof(uint64_t), 4 * sizeof(uint64_t), kBatch, &taken,
                                 &sequence));
  }
  asm volatile("");
}

__attribute__((noinline)) void CountBookAdd(Engine* engine,
                                            const std::vector<Operation>& operations) {
  Apply(engine, operations);
  asm volatile("# CountBookAdd");
}

__attribute__((noinline)) void CountBookReduce(Engine* engine,
                                               const std::vector<Operation>& operations) {
  Apply(engine, operations);
  asm volatile("# CountBookReduce");
}

__attribute__((noinline)) void CountBookExecute(Engine* engine,
                                                const std::vector<Operation>& operations) {
  Apply(engine, operations);
  asm volatile("# CountBookExecute");
}

__attribute__((noinline)) void CountBookCancel(Engine* engine,
                                               const std::vector<Operation>& operations) {
  Apply(engine, operations);
  asm volatile("# CountBookCancel");
}

constexpr uint64_t kLargeTransaction = 100;

void AppendOne(Engine* engine, uint64_t value) {
  const uint64_t payload[4] = {value, 2, 3, 4};
  uint64_t sequence = 0;
  Check(engine->AppendPayload(1, 0, 0, reinterpret_cast<const uint8_t*>(payload), sizeof(payload),
                              &sequence));
}

// What a trade is: an order is executed, and two entries say whose it was.
__attribute__((noinline)) void CountTransactionOfThree(Engine* engine,
                                                       const std::vector<Operation>& operations) {
  for (const Operation& operation : operations) {
    uint64_t sequence = 0;
    Check(engine->BeginTransaction());
    Check(engine->Apply(operation, 0, &sequence));
    AppendOne(engine, 1);
    AppendOne(engine, 2);
    Check(engine->CommitTransaction(&sequence));
  }
  asm volatile("");
}

__attribute__((noinline)) void CountAppendInTransaction(Engine* engine) {
  for (uint64_t done = 0; done < kOperations; done += kLargeTransaction) {
    uint64_t sequence = 0;
    Check(engine->BeginTransaction());
    for (uint64_t i = 0; i < kLargeTransaction; ++i) AppendOne(engine, i);
    Check(engine->CommitTransaction(&sequence));
  }
  asm volatile("");
}

__attribute__((noinline)) void CountExecuteInTransaction(Engine* engine,
                                                         const std::vector<Operation>& operations) {
  for (uint64_t done = 0; done < kOperations; done += kLargeTransaction) {
    uint64_t sequence = 0;
    Check(engine->BeginTransaction());
    for (uint64_t i = 0; i < kLargeTransaction; ++i) {
      Check(engine->Apply(operations[done + i], 0, &sequence));
    }
    Check(engine->CommitTransaction(&sequence));
  }
  asm volatile("");
}

__attribute__((noinline)) uint32_t CountCrcLines(const std::vector<uint8_t>& lines) {
  std::vector<uint32_t> checksums(lines.size() / kLineBytes);
  Crc32cLines(7, lines.data(), checksums.size(), checksums.data());
  return checksums.back();
}

__attribute__((noinline)) uint32_t CountCrcLong(const std::vector<uint8_t>& bytes) {
  return Crc32c(bytes);
}

__attribute__((noinline)) std::unique_ptr<Engine> Opened(const Environment& environment,
                                                         const EngineOptions& options) {
  std::unique_ptr<Engine> engine;
  RecoveryReport report;
  if (const Status status = Engine::Open(environment, options, nullptr, &engine, &report);
      !status.ok()) {
    Stop(std::string(status.message()));
  }
  return engine;
}

__attribute__((noinline)) std::unique_ptr<Engine> CountRecovery(const Environment& environment,
                                                                const EngineOptions& options) {
  std::unique_ptr<Engine> engine = Opened(environment, options);
  asm volatile("");
  return engine;
}

// In a directory of their own, so that CountRecovery reads as many entries as ever; through a
// window, as most directories are written.
void CountTransactions(const Environment& environment, EngineOptions options,
                       const std::vector<Operation>& adds,
                       const std::vector<Operation>& executions) {
  options.data_directory += "-transactions";
  options.journal.window.path = WritePath::kWindow;
  std::unique_ptr<Engine> engine = Opened(environment, options);
  uint16_t index = 0;
  if (!engine->DefineInstrument(Instrument{"COUNT", 2, 0, InstrumentKind::kOrders}, &index).ok()) {
    Stop("the instrument was refused");
  }
  Apply(engine.get(), adds);
  CountTransactionOfThree(engine.get(), executions);
  CountAppendInTransaction(engine.get());
  CountExecuteInTransaction(engine.get(), executions);
  if (!engine->Close().ok()) Stop("the engine did not close");
}

int Run(const std::string& directory) {
  StillClock clock;
  CountingNumbers random;
  const Environment environment{FileSystem::Real(), &clock, &random};
  EngineOptions options;
  options.data_directory = directory + "/data";
  options.journal.segment_bytes = 16ull * 1024 * 1024;
  options.durability = Durability::kAppended;
  options.expected_orders = 4 * kOperations;
  std::unique_ptr<Engine> engine = Opened(environment, options);
  uint16_t index = 0;
  if (!engine->DefineInstrument(Instrument{"COUNT", 2, 0, InstrumentKind::kOrders}, &index).ok()) {
    Stop("the instrument was refused");
  }
  std::vector<Operation> live;
  std::vector<Operation> adds;
  std::vector<Operation> reductions;
  std::vector<Operation> executions;
  std::vector<Operation> cancels;
  for (uint64_t id = 1; id <= kLiveOrders; ++id) live.push_back(Add(id));
  for (uint64_t id = kLiveOrders + 1; id <= kLiveOrders + kOperations; ++id) {
    adds.push_back(Add(id));
    reductions.push_back(Of(EntryType::kReduce, id, 1));
    executions.push_back(Of(EntryType::kExecute, id, 1));
    cancels.push_back(Of(EntryType::kCancel, id, 0));
  }
  Apply(engine.get(), live);
  CountAppendSingle(engine.get());
  CountAppendBatch(engine.get());
  CountBookAdd(engine.get(), adds);
  CountBookReduce(engine.get(), reductions);
  CountBookExecute(engine.get(), executions);
  CountBookCancel(engine.get(), cancels);
  if (!engine->Close().ok()) Stop("the engine did not close");
  engine.reset();

  // The journal of all of the above, about 130,000 entries: scanned, verified, decoded and applied.
  engine = CountRecovery(environment, options);
  const uint64_t recovered = engine->appended();
  if (engine->books().order_count() != kLiveOrders) Stop("recovery found another book");
  if (!engine->Close().ok()) Stop("the engine did not close");
  engine.reset();
  CountTransactions(environment, options, adds, executions);
  std::vector<uint8_t> bytes(kOperations * kLineBytes);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 31);
  const uint32_t checksum = CountCrcLines(bytes) ^ CountCrcLong(bytes);
  std::printf("entries %llu checksum %u implementation %s\n",
              static_cast<unsigned long long>(recovered), checksum, Crc32cImplementation());
  return 0;
}

}  // namespace
}  // namespace pinnacle

int main() {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "pinnacle-instructions-XXXXXX").string();
  const char* made = mkdtemp(pattern.data());
  if (made == nullptr) {
    std::cerr << "instructions_bench: no temporary directory\n";
    return 1;
  }
  const int result = pinnacle::Run(made);
  std::error_code ignored;
  std::filesystem::remove_all(made, ignored);
  return result;
}
