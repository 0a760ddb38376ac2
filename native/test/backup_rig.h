// An engine, a place for backups, and the books' state after the last append.
#ifndef PINNACLE_TEST_BACKUP_RIG_H_
#define PINNACLE_TEST_BACKUP_RIG_H_

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "backup/backup.h"
#include "backup/backup_directory.h"
#include "backup/restore.h"
#include "doctest.h"
#include "engine/engine.h"
#include "engine/inspect.h"
#include "engine/mending.h"
#include "simulator/simulated_environment.h"
#include "test/temporary_directory.h"

namespace pinnacle {

struct BackupRig {
  explicit BackupRig(Environment environment, const std::string& root)
      : env(environment), root_path(root) {
    options.data_directory = root + "/data";
    options.journal.segment_bytes = 64 * 1024;
    options.keep_snapshots = 1;
    options.compaction_threshold_bytes = 0;
  }

  void Open() {
    RecoveryReport report;
    const Status status = Engine::Open(env, options, nullptr, &engine, &report);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    uint16_t index = 0;
    REQUIRE(engine->DefineInstrument({"AAA", 2, 0, InstrumentKind::kOrders}, &index).ok());
    Note();
  }
  void Add(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      uint64_t sequence = 0;
      ++id;
      const Operation add{EntryType::kAdd,
                          1,
                          id % 2 == 0 ? Side::kBuy : Side::kSell,
                          {id, 0},
                          {},
                          static_cast<int64_t>(100 + id % 7),
                          5};
      REQUIRE(engine->Apply(add, 0, &sequence) == Code::kOk);
    }
    Note();
  }
  void Note() {
    digests.resize(engine->appended() + 1);
    digests[engine->appended()] = engine->books().book(1).Digest();
  }
  void Snapshot() {
    SnapshotInfo info;
    REQUIRE(engine->BuildSnapshot(engine->FixSnapshotPoint(), {}, &info).ok());
  }
  void Compact() {
    CompactionReport report;
    REQUIRE(engine->Compact(true, &report).ok());
  }
  Status TryBackup(BackupReport* report, WorkControl control = {}) {
    BackupOptions backup;
    backup.data_directory = options.data_directory;
    backup.destination = root_path + "/backups";
    if (engine) backup.durable = [this] { return engine->durable(); };
    return MakeBackup(env, backup, control, report);
  }
  BackupReport Backup() {
    BackupReport report;
    const Status status = TryBackup(&report);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    return report;
  }
  Status TryRestore(const std::string& from, const std::string& to, RestoreReport* report) {
    return RestoreBackup(env, {from, 0, to}, {}, report);
  }
  // Restores, opens, compares with the books' state, and appends.
  void CheckRestores(const std::string& from, uint64_t sequence) {
    const std::string to = root_path + "/restored" + std::to_string(++restored);
    RestoreReport report;
    Status status = TryRestore(from, to, &report);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    CHECK(report.manifest.header.last_sequence == sequence);
    CHECK((report.recovery.snapshot_path.empty() ||
           report.recovery.snapshot_path.starts_with(to + "/snapshots/")));
    EngineOptions second = options;
    second.data_directory = to;
    second.create = false;
    RecoveryReport recovery;
    std::unique_ptr<Engine> opened;
    status = Engine::Open(env, second, nullptr, &opened, &recovery);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    CHECK(recovery.tail == Tail::kClean);
    REQUIRE(opened->appended() == sequence);
    CHECK(opened->books().book(1).Digest() == digests.at(sequence));
    uint64_t next = 0;
    const Operation add{EntryType::kAdd, 1, Side::kBuy, {1'000'000, 0}, {}, 50, 1};
    CHECK(opened->Apply(add, 0, &next) == Code::kOk);
    CHECK(next == sequence + 1);
    CHECK(opened->Close().ok());
    InspectReport inspected;
    REQUIRE(Inspect(env, to, nullptr, &inspected).ok());
    CHECK(inspected.recovery_status.ok());
    CHECK(inspected.scan.verdict.tail == Tail::kClean);
  }

  Environment env;
  std::string root_path;
  EngineOptions options;
  std::unique_ptr<Engine> engine;
  std::vector<uint64_t> digests;
  uint64_t id = 0;
  int restored = 0;
};

}  // namespace pinnacle

#endif  // PINNACLE_TEST_BACKUP_RIG_H_
