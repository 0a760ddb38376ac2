// Short helpers for the simulator's tests.
#ifndef PINNACLE_SIMULATOR_SIMULATOR_TEST_SUPPORT_H_
#define PINNACLE_SIMULATOR_SIMULATOR_TEST_SUPPORT_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "doctest.h"
#include "simulator/simulated_file_system.h"

namespace pinnacle::simulator_test {

using Bytes = std::vector<uint8_t>;

inline std::unique_ptr<File> MustOpen(SimulatedFileSystem& files, const std::string& path,
                                      OpenMode mode) {
  std::unique_ptr<File> file;
  const Status status = files.Open(path, mode, &file);
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  return file;
}

inline Bytes MustRead(const File& file, uint64_t offset, size_t length) {
  Bytes bytes(length);
  size_t got = 0;
  REQUIRE(file.Read(offset, bytes, &got).ok());
  bytes.resize(got);
  return bytes;
}

// A file of `pages` pages of `fill`, durable along with its name.
inline std::unique_ptr<File> MakeDurable(SimulatedFileSystem& files, const std::string& path,
                                         size_t pages, uint8_t fill) {
  auto file = MustOpen(files, path, OpenMode::kCreate);
  REQUIRE(file->Write(0, Bytes(pages * kPageBytes, fill)).ok());
  REQUIRE(file->Sync().ok());
  REQUIRE(files.SyncDirectory("/").ok());
  return file;
}

inline std::unique_ptr<Mapping> MustMap(File& file) {
  std::unique_ptr<Mapping> mapping;
  const Status status = file.Map(&mapping);
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  return mapping;
}

inline constexpr PowerCutOptions kNothingUnsynced = {.unsynced =
                                                         PowerCutOptions::Unsynced::kNothing};
inline constexpr PowerCutOptions kEverything = {.unsynced = PowerCutOptions::Unsynced::kEverything};

// The durable content of a file; empty if its name is not durable.
inline Bytes Durable(SimulatedFileSystem& files, const std::string& path) {
  DeterministicRandom random(1);
  const DiskImage disk = files.PowerCut(random, kNothingUnsynced);
  const auto found = disk.files.find(path);
  return found == disk.files.end() ? Bytes() : found->second.Bytes();
}

}  // namespace pinnacle::simulator_test

#endif  // PINNACLE_SIMULATOR_SIMULATOR_TEST_SUPPORT_H_
