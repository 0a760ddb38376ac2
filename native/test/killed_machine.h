// A data directory and its writer on a simulated machine, for tests of what a killed writer leaves.
#ifndef PINNACLE_TEST_KILLED_MACHINE_H_
#define PINNACLE_TEST_KILLED_MACHINE_H_

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "doctest.h"
#include "engine/engine.h"
#include "engine/inspect.h"
#include "journal/format.h"
#include "simulator/simulated_environment.h"
#include "window/window_format.h"

namespace pinnacle {

inline constexpr PowerCutOptions kEverything = {.unsynced = PowerCutOptions::Unsynced::kEverything};

// A data directory with its writer, on a machine that keeps memory files in /shm.
struct Machine {
  std::unique_ptr<SimulatedEnvironment> world = std::make_unique<SimulatedEnvironment>(1);
  EngineOptions options;
  std::unique_ptr<Engine> engine;
  RecoveryReport report;

  Machine() {
    options.data_directory = "/d";
    options.durability = Durability::kAppended;
    options.journal.segment_bytes = 256 * 1024;
    options.journal.window = {WritePath::kWindow, "", kMinWindowBytes};
  }

  SimulatedFileSystem& files() { return world->file_system(); }
  Status Open() {
    engine.reset();
    report = RecoveryReport();
    return Engine::Open(world->environment(), options, nullptr, &engine, &report);
  }
  void MustOpen() {
    const Status status = Open();
    REQUIRE_MESSAGE(status.ok(), status.ToString());
  }
  void Write(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      uint64_t payload[4] = {i + 1, 2, 3, engine->appended()};
      uint64_t sequence = 0;
      REQUIRE(engine->AppendPayload(1, 0, 0, reinterpret_cast<const uint8_t*>(payload),
                                    sizeof(payload), &sequence) == Code::kOk);
    }
  }
  void Copy() { REQUIRE(engine->journal()->CopyStep().ok()); }
  // 10 entries in the files, 5 more in the window only. Returns the window's path.
  std::string WriteAndKill() {
    MustOpen();
    Write(10);
    Copy();
    Write(5);
    std::string path = engine->journal()->window()->path();
    Kill();
    return path;
  }
  void Kill(bool container = false) {
    container ? files().ContainerKill() : files().ProcessKill();
    files().faults().SetHook([](CallKind, const std::string&) {
      return Fault{.system_error = EIO, .bytes = 0, .never_made = true};
    });
    engine.reset();
    files().faults().Clear();
  }
  DiskImage FilesNow() {
    DeterministicRandom random(1);
    return files().PowerCut(random, kEverything);
  }
  // The same machine, not rebooted, with other files and its current memory files.
  void Replace(DiskImage image) {
    BootId boot;
    REQUIRE(files().ReadBootId(&boot).ok());
    image.files.merge(files().MemoryFiles().files);
    world = std::make_unique<SimulatedEnvironment>(2, image);
    files().set_boot_id(boot);
  }
  std::vector<std::string> Windows() {
    std::vector<std::string> names;
    REQUIRE(files().List("/shm", &names).ok());
    return names;
  }
  bool Exists(const std::string& path) {
    bool exists = false;
    REQUIRE(files().Exists(path, &exists).ok());
    return exists;
  }
  void Change(const std::string& path, uint64_t offset, std::vector<uint8_t> bytes) {
    std::unique_ptr<File> file;
    REQUIRE(files().Open(path, OpenMode::kReadWrite, &file).ok());
    REQUIRE(file->Write(offset, bytes).ok());
  }
  std::vector<uint8_t> Bytes(const std::string& path, uint64_t offset, size_t length) {
    std::unique_ptr<File> file;
    std::vector<uint8_t> bytes(length);
    size_t got = 0;
    REQUIRE(files().Open(path, OpenMode::kRead, &file).ok());
    REQUIRE(file->Read(offset, bytes, &got).ok());
    return bytes;
  }
  // The predicted outcome is what an open then finds.
  void CheckForetold() {
    const DiskImage before = FilesNow();
    InspectReport inspected;
    const Status status = Inspect(world->environment(), "/d", nullptr, &inspected);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    CHECK(FilesNow() == before);
    const Status opened = Open();
    CHECK(inspected.recovery_status.ToString() == opened.ToString());
    if (!opened.ok()) return;
    CHECK(inspected.window.fate == report.window.fate);
    CHECK(inspected.window.reason == report.window.reason);
    CHECK(inspected.window.entries == report.window.entries);
    CHECK(inspected.recovery.last_sequence == report.last_sequence);
    CHECK(inspected.recovery.tail == report.tail);
  }
};

inline constexpr char kSegment[] = "/d/journal/00000000000000000001.segment";

inline uint64_t OffsetOf(uint64_t sequence) {
  return kSegmentHeaderBytes + (sequence - 1) * kLineBytes;
}
inline uint64_t InWindow(uint64_t sequence) { return kWindowHeaderBytes + OffsetOf(sequence); }

}  // namespace pinnacle

#endif  // PINNACLE_TEST_KILLED_MACHINE_H_
