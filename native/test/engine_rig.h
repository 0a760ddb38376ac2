// An engine with one instrument on a directory of its own, for tests that open, fill and reopen
// one.
#ifndef PINNACLE_TEST_ENGINE_RIG_H_
#define PINNACLE_TEST_ENGINE_RIG_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "doctest.h"
#include "engine/engine.h"
#include "test/temporary_directory.h"

namespace pinnacle {

struct EngineRig {
  TemporaryDirectory directory;
  EngineOptions options;
  std::unique_ptr<Engine> engine;
  RecoveryReport report;

  EngineRig() {
    options.data_directory = directory.path() + "/data";
    options.journal.segment_bytes = 64 * 1024;
    options.keep_snapshots = 2;
    options.compaction_threshold_bytes = 0;
    Open();
    uint16_t index = 0;
    REQUIRE(engine->DefineInstrument({"AAA", 2, 0, InstrumentKind::kOrders}, &index).ok());
    REQUIRE(index == 1);
  }
  Status TryOpen() {
    engine.reset();
    return Engine::Open(Environment::Real(), options, nullptr, &engine, &report);
  }
  void Open() {
    const Status status = TryOpen();
    REQUIRE_MESSAGE(status.ok(), status.ToString());
  }
  uint64_t Add(uint64_t id) {
    uint64_t sequence = 0;
    REQUIRE(engine->Apply({EntryType::kAdd,
                           1,
                           id % 2 == 0 ? Side::kBuy : Side::kSell,
                           {id, 0},
                           {},
                           static_cast<int64_t>(100 + id % 7),
                           5},
                          0, &sequence) == Code::kOk);
    return sequence;
  }
  void AddMany(uint64_t first, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) Add(first + i);
  }
  SnapshotInfo Snapshot(RotationReport* rotation = nullptr) {
    SnapshotInfo info;
    const Status status = engine->BuildSnapshot(engine->FixSnapshotPoint(), {}, &info, rotation);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    return info;
  }
  // What a killed process leaves: the files as they are, without a close.
  std::string CopyAsKilled() {
    const std::string copy = directory.path() + "/copy";
    std::filesystem::remove_all(copy);
    std::filesystem::copy(options.data_directory, copy, std::filesystem::copy_options::recursive);
    return copy;
  }
};

}  // namespace pinnacle

#endif  // PINNACLE_TEST_ENGINE_RIG_H_
