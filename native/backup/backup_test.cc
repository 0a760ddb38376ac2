#include "backup/backup.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "backup/backup_directory.h"
#include "backup/restore.h"
#include "doctest.h"
#include "engine/engine.h"
#include "engine/inspect.h"
#include "engine/mending.h"
#include "simulator/simulated_environment.h"
#include "test/backup_rig.h"
#include "test/temporary_directory.h"
#include "test/thoroughness.h"

namespace pinnacle {
namespace {

std::vector<std::string> NamesIn(const std::string& directory) {
  std::vector<std::string> names;
  REQUIRE(FileSystem::Real()->List(directory, &names).ok());
  return names;
}

TEST_CASE("a backup of a closed directory restores to its state, and the copy can be appended to") {
  TemporaryDirectory directory;
  BackupRig rig(Environment::Real(), directory.path());
  rig.Open();
  SUBCASE("without any snapshot") { rig.Add(3000); }
  SUBCASE("with a snapshot and the journal after it") {
    rig.Add(3000);
    rig.Snapshot();
    rig.Compact();
    rig.Add(1500);
  }
  SUBCASE("with one entry") {}
  const uint64_t last = rig.engine->appended();
  REQUIRE(rig.engine->Close().ok());
  rig.engine.reset();
  const BackupReport report = rig.Backup();
  CHECK(report.manifest.header.last_sequence == last);
  CHECK(report.path.ends_with(".backup"));
  rig.CheckRestores(directory.path() + "/backups", last);
  rig.CheckRestores(report.path, last);
}

TEST_CASE("a backup of a live writer ends with a durable entry, and has nothing after it") {
  TemporaryDirectory directory;
  BackupRig rig(Environment::Real(), directory.path());
  rig.Open();
  rig.Add(2500);
  REQUIRE(rig.engine->SyncNow().ok());
  const uint64_t durable = rig.engine->durable();
  rig.Add(700);
  SUBCASE("asked of the engine") { CHECK(rig.Backup().manifest.header.last_sequence == durable); }
  SUBCASE("read from the files") {
    BackupReport report;
    BackupOptions backup{rig.options.data_directory, directory.path() + "/backups", nullptr};
    REQUIRE(MakeBackup(rig.env, backup, {}, &report).ok());
    CHECK(report.manifest.header.last_sequence == durable);
  }
  rig.CheckRestores(directory.path() + "/backups", durable);
}

TEST_CASE("segments that a writer recycles during the copy are noticed, and never copied wrong") {
  TemporaryDirectory directory;
  BackupRig rig(Environment::Real(), directory.path());
  rig.Open();
  rig.Add(6000);
  rig.Snapshot();
  rig.Add(6000);
  REQUIRE(rig.engine->SyncNow().ok());
  for (uint64_t at = 1; at < 12; ++at) {
    uint64_t pieces = 0;
    WorkControl control;
    control.piece_bytes = 16 * 1024;
    control.after_piece = [&](uint64_t) {
      if (++pieces != at) return;
      // The writer drops everything it had, and reuses the files.
      rig.Snapshot();
      rig.Compact();
      rig.Add(6000);
      REQUIRE(rig.engine->SyncNow().ok());
    };
    BackupReport report;
    const Status status = rig.TryBackup(&report, control);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    rig.CheckRestores(report.path, report.manifest.header.last_sequence);
  }
}

TEST_CASE("a writer that keeps taking everything away ends in a coded error, not a copy") {
  TemporaryDirectory directory;
  BackupRig rig(Environment::Real(), directory.path());
  rig.Open();
  rig.Add(3000);
  rig.Snapshot();
  rig.Add(3000);
  REQUIRE(rig.engine->SyncNow().ok());
  WorkControl control;
  control.after_piece = [&](uint64_t) {
    rig.Snapshot();
    rig.Add(1000);
    rig.Snapshot();
    rig.Compact();
    rig.Add(1000);
    REQUIRE(rig.engine->SyncNow().ok());
  };
  BackupReport report;
  const Status status = rig.TryBackup(&report, control);
  CHECK_MESSAGE(status.code() == Code::kBusy, status.ToString());
  CHECK(NamesIn(directory.path() + "/backups") == std::vector<std::string>{"LOCK"});
}

TEST_CASE("the next backup shares what the last one has, and each restores without the other") {
  TemporaryDirectory directory;
  BackupRig rig(Environment::Real(), directory.path());
  rig.Open();
  rig.Add(5000);
  REQUIRE(rig.engine->SyncNow().ok());
  const BackupReport first = rig.Backup();
  CHECK(first.shared_files == 0);
  rig.Add(3000);
  REQUIRE(rig.engine->SyncNow().ok());
  const BackupReport second = rig.Backup();
  CHECK(second.shared_files == 5);
  struct stat a{};
  struct stat b{};
  const std::string name = "/journal/" + SegmentName(1);
  REQUIRE(stat((first.path + name).c_str(), &a) == 0);
  REQUIRE(stat((second.path + name).c_str(), &b) == 0);
  CHECK(a.st_ino == b.st_ino);
  rig.CheckRestores(first.path, 5001);
  std::filesystem::remove_all(first.path);
  rig.CheckRestores(second.path, 8001);
}

TEST_CASE("a rotten file of an earlier backup is reported, and copied again instead of shared") {
  TemporaryDirectory directory;
  BackupRig rig(Environment::Real(), directory.path());
  rig.Open();
  rig.Add(5000);
  REQUIRE(rig.engine->SyncNow().ok());
  const BackupReport first = rig.Backup();
  const std::string path = first.path + "/journal/" + SegmentName(2);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(9000);
    file.put('\x7f');
  }
  RestoreReport restored;
  const Status refused = rig.TryRestore(first.path, directory.path() + "/rotten", &restored);
  CHECK(refused.code() == Code::kBackupCorrupt);
  CHECK(std::string(refused.message()).find(SegmentName(2)) != std::string::npos);
  CHECK(!std::filesystem::exists(directory.path() + "/rotten"));
  CHECK(!std::filesystem::exists(directory.path() + "/rotten.restoring"));
  const BackupReport second = rig.Backup();
  CHECK(second.damaged_backups == std::vector<std::string>{path});
  CHECK(second.shared_files == 4);
  rig.CheckRestores(second.path, 5001);
}

TEST_CASE("every flipped bit of a manifest is refused") {
  TemporaryDirectory directory;
  BackupRig rig(Environment::Real(), directory.path());
  rig.Open();
  rig.Add(100);
  REQUIRE(rig.engine->Close().ok());
  rig.engine.reset();
  const BackupReport report = rig.Backup();
  const std::string path = report.path + "/BACKUP";
  std::string bytes;
  {
    std::ifstream file(path, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ (1 << (at % 8)));
    std::ofstream(path, std::ios::binary) << changed;
    Manifest manifest;
    REQUIRE(!ReadManifest(FileSystem::Real(), report.path, &manifest).ok());
  }
  std::ofstream(path, std::ios::binary) << bytes.substr(0, bytes.size() - 1);
  Manifest manifest;
  CHECK(ReadManifest(FileSystem::Real(), report.path, &manifest).code() == Code::kBackupCorrupt);
}

TEST_CASE("a backup, finished or not, is never opened for writing or repaired") {
  TemporaryDirectory directory;
  BackupRig rig(Environment::Real(), directory.path());
  rig.Open();
  rig.Add(100);
  REQUIRE(rig.engine->Close().ok());
  const BackupReport report = rig.Backup();
  EngineOptions options = rig.options;
  options.data_directory = report.path;
  RecoveryReport recovery;
  std::unique_ptr<Engine> opened;
  const auto open = [&] {
    return Engine::Open(rig.env, options, nullptr, &opened, &recovery).code();
  };
  CHECK(open() == Code::kIsBackup);
  MendReport mended;
  options.policy = RecoveryPolicy::kSalvage;
  CHECK(MendDirectory(rig.env, options, false, &mended).code() == Code::kIsBackup);
  std::ofstream(report.path + "/BACKUP", std::ios::trunc).close();
  CHECK(open() == Code::kIsBackup);
  RestoreReport restored;
  CHECK(rig.TryRestore(report.path, directory.path() + "/x", &restored).code() ==
        Code::kBackupCorrupt);
}

TEST_CASE("a backup is refused in a data directory and among those of another journal") {
  TemporaryDirectory directory;
  BackupRig rig(Environment::Real(), directory.path());
  rig.Open();
  rig.Add(10);
  REQUIRE(rig.engine->SyncNow().ok());
  rig.Backup();
  BackupReport report;
  BackupOptions into{rig.options.data_directory, rig.options.data_directory, nullptr};
  CHECK(MakeBackup(rig.env, into, {}, &report).code() == Code::kInvalidOperation);
  TemporaryDirectory other;
  BackupRig stranger(Environment::Real(), other.path());
  stranger.Open();
  BackupOptions mixed{stranger.options.data_directory, directory.path() + "/backups", nullptr};
  CHECK(MakeBackup(rig.env, mixed, {}, &report).code() == Code::kInvalidOperation);
  CHECK(NamesIn(directory.path() + "/backups").size() == 2);
  BackupOptions missing{directory.path() + "/nothing", directory.path() + "/backups", nullptr};
  CHECK(MakeBackup(rig.env, missing, {}, &report).code() == Code::kNotFound);
}

TEST_CASE("a damaged journal is not backed up") {
  TemporaryDirectory directory;
  BackupRig rig(Environment::Real(), directory.path());
  rig.Open();
  rig.Add(5000);
  REQUIRE(rig.engine->Close().ok());
  rig.engine.reset();
  const auto flip = [&](uint64_t segment, std::streamoff at) {
    std::fstream file(rig.options.data_directory + "/journal/" + SegmentName(segment),
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file.put('\x7f');
  };
  SUBCASE("in a full segment") { flip(2, 9000); }
  SUBCASE("in the last one") { flip(5, 9000); }
  SUBCASE("in a segment's header") { flip(3, 60); }
  BackupReport report;
  const Status status = rig.TryBackup(&report);
  CHECK_MESSAGE(status.code() == Code::kCorrupt, status.ToString());
  CHECK(NamesIn(directory.path() + "/backups") == std::vector<std::string>{"LOCK"});
}

TEST_CASE("a damaged newest snapshot is reported, and the one before it is used") {
  TemporaryDirectory directory;
  BackupRig rig(Environment::Real(), directory.path());
  rig.options.keep_snapshots = 2;
  rig.Open();
  rig.Add(3000);
  rig.Snapshot();
  rig.Add(3000);
  rig.Snapshot();
  rig.Add(100);
  const uint64_t last = rig.engine->appended();
  REQUIRE(rig.engine->SyncNow().ok());
  {
    std::fstream file(rig.options.data_directory + "/snapshots/" + SnapshotName(6001),
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5000);
    file.put('\x7f');
  }
  const BackupReport report = rig.Backup();
  REQUIRE(report.damaged_snapshots.size() == 1);
  CHECK(report.manifest.header.snapshot_sequence == 3001);
  rig.CheckRestores(report.path, last);
}

TEST_CASE("a snapshot of another journal is skipped, as in recovery") {
  TemporaryDirectory directory;
  TemporaryDirectory elsewhere;
  BackupRig other(Environment::Real(), elsewhere.path());
  other.Open();
  other.Add(9000);
  other.Snapshot();
  BackupRig rig(Environment::Real(), directory.path());
  rig.Open();
  rig.Add(3000);
  rig.Snapshot();
  rig.Add(100);
  REQUIRE(rig.engine->SyncNow().ok());
  std::filesystem::copy_file(other.options.data_directory + "/snapshots/" + SnapshotName(9001),
                             rig.options.data_directory + "/snapshots/" + SnapshotName(9001));
  const BackupReport report = rig.Backup();
  REQUIRE(report.damaged_snapshots.size() == 1);
  CHECK(report.manifest.header.snapshot_sequence == 3001);
  rig.CheckRestores(report.path, rig.engine->appended());
}

TEST_CASE("an aborted backup leaves nothing") {
  TemporaryDirectory directory;
  BackupRig rig(Environment::Real(), directory.path());
  rig.Open();
  rig.Add(5000);
  REQUIRE(rig.engine->SyncNow().ok());
  std::atomic<bool> given_up = false;
  WorkControl control;
  control.given_up = &given_up;
  uint64_t pieces = 0;
  control.after_piece = [&](uint64_t) { given_up = ++pieces == 3; };
  BackupReport report;
  CHECK(rig.TryBackup(&report, control).code() == Code::kAborted);
  CHECK(pieces == 3);
  CHECK(NamesIn(directory.path() + "/backups") == std::vector<std::string>{"LOCK"});
}

TEST_CASE("a restore refuses a directory that is not empty, and replaces an empty one") {
  TemporaryDirectory directory;
  BackupRig rig(Environment::Real(), directory.path());
  rig.Open();
  rig.Add(5000);
  REQUIRE(rig.engine->SyncNow().ok());
  const std::string backup = rig.Backup().path;
  RestoreReport report;
  CHECK(rig.TryRestore(backup, rig.options.data_directory, &report).code() == Code::kAlreadyExists);
  const std::string empty = directory.path() + "/empty";
  std::filesystem::create_directory(empty);
  CHECK(rig.TryRestore(backup, empty, &report).ok());
  CHECK(report.recovery.last_sequence == 5001);
  // Real blocks: none of the segments has a hole.
  for (const std::string& name : NamesIn(empty + "/journal")) {
    struct stat information{};
    REQUIRE(stat((empty + "/journal/" + name).c_str(), &information) == 0);
    CHECK(information.st_size == 65536);
    CHECK(information.st_blocks * 512 >= information.st_size);
    CHECK(information.st_nlink == 1);
  }
  CHECK(rig.TryRestore(directory.path(), directory.path() + "/y", &report).code() ==
        Code::kNotFound);
  const RestoreOptions other{directory.path() + "/backups", 17, directory.path() + "/y"};
  CHECK(RestoreBackup(rig.env, other, {}, &report).code() == Code::kNotFound);
}

}  // namespace
}  // namespace pinnacle
