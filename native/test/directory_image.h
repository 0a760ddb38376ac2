// A data directory that a test builds file by file, in memory: `/d`, with journal/ and snapshots/.
// What the test writes and removes is durable.
#ifndef PINNACLE_TEST_DIRECTORY_IMAGE_H_
#define PINNACLE_TEST_DIRECTORY_IMAGE_H_

#include <map>
#include <string>
#include <vector>

#include "doctest.h"
#include "journal/layout.h"
#include "journal/segment_header.h"
#include "platform/path_parts.h"
#include "simulator/simulated_environment.h"
#include "test/head_image.h"
#include "test/journal_image.h"

namespace pinnacle {

class DirectoryImage {
 public:
  DirectoryImage() : world_(1) {
    for (const char* path : {"/d", "/d/journal", "/d/snapshots"}) {
      REQUIRE(files().CreateDirectory(path).ok());
      REQUIRE(files().SyncDirectory(ParentOf(path)).ok());
    }
  }

  std::string path() const { return "/d"; }
  std::string SegmentPath(uint64_t index) const { return "/d/journal/" + SegmentName(index); }
  SimulatedFileSystem& files() { return world_.file_system(); }
  Environment environment() { return world_.environment(); }

  // Replaces an existing file.
  void Write(const std::string& path, const std::vector<uint8_t>& bytes) {
    Remove(path);
    std::unique_ptr<File> file;
    REQUIRE(files().Open(path, OpenMode::kCreate, &file).ok());
    REQUIRE(file->Write(0, bytes).ok());
    REQUIRE(file->Sync().ok());
    REQUIRE(files().SyncDirectory(ParentOf(path)).ok());
  }
  void Write(uint64_t index, JournalImage& segment) { Write(SegmentPath(index), segment.bytes()); }
  void Write(HeadImage& head) { Write("/d/HEAD", head.bytes()); }

  void Remove(const std::string& path) {
    if (!Has(path)) return;
    REQUIRE(files().Remove(path).ok());
    REQUIRE(files().SyncDirectory(ParentOf(path)).ok());
  }
  void Remove(uint64_t index) { Remove(SegmentPath(index)); }
  bool Has(const std::string& path) {
    bool exists = false;
    REQUIRE(files().Exists(path, &exists).ok());
    return exists;
  }

  std::vector<uint8_t> Read(const std::string& path) {
    std::unique_ptr<File> file;
    uint64_t size = 0;
    size_t bytes_read = 0;
    REQUIRE(files().Open(path, OpenMode::kRead, &file).ok());
    REQUIRE(file->Size(&size).ok());
    std::vector<uint8_t> bytes(size);
    REQUIRE(file->Read(0, bytes, &bytes_read).ok());
    REQUIRE(bytes_read == size);
    return bytes;
  }

  // All files, by path.
  std::map<std::string, std::vector<uint8_t>> Contents() {
    DeterministicRandom random(1);
    const DiskImage disk =
        files().PowerCut(random, {.unsynced = PowerCutOptions::Unsynced::kEverything});
    std::map<std::string, std::vector<uint8_t>> contents;
    for (const auto& [path, file] : disk.files) contents[path] = file.Bytes();
    return contents;
  }

 private:
  SimulatedEnvironment world_;
};

// A journal of version 2 whose segments continue each other, and the head record that names them.
struct Chain {
  std::vector<JournalImage> segments;  // segment i has index i + 1
  HeadFields head;

  // `segment_count` segments of `entries_each` user entries, and an empty prepared one after them.
  // Everything is durable.
  Chain(uint64_t segment_count, uint64_t entries_each) {
    uint64_t sequence = 0;
    for (uint64_t index = 1; index <= segment_count + 1; ++index) {
      JournalImage segment(65536, IdOf(index), index);
      segment.Predecessor(index == 1 ? 0 : IdOf(index - 1));
      for (uint64_t i = 0; i < entries_each && index <= segment_count; ++i) {
        ++sequence;
        segment.Entry(sequence, 32, sequence - 1);
      }
      segments.push_back(std::move(segment));
    }
    head.oldest_index = 1;
    head.oldest_id = IdOf(1);
    head.newest_index = segment_count;
    head.newest_id = head.newest_link = IdOf(segment_count);
    head.ready_index = segment_count + 1;
    head.ready_id = IdOf(segment_count + 1);
    head.durable = sequence;
  }

  static uint64_t IdOf(uint64_t index) { return 0x1122'3344'0000'1000 + index; }

  JournalImage& segment(uint64_t index) { return segments[index - 1]; }

  // Gives segment `index` this link, and updates the next segment or the head record.
  void Relink(uint64_t index, uint64_t link) {
    segment(index).Link(link);
    if (index == head.newest_index) head.newest_link = link;
    if (index < segments.size()) segment(index + 1).Predecessor(link);
  }

  void Write(DirectoryImage* directory) {
    for (uint64_t index = 1; index <= segments.size(); ++index) {
      directory->Write(index, segment(index));
    }
    HeadImage image;
    directory->Write(image.Slot(head));
  }
};

// A journal of one segment, the newest one, as Chain would have it.
inline void WriteOnly(JournalImage& segment, uint64_t durable, DirectoryImage* directory) {
  directory->Write(1, segment);
  HeadImage head;
  directory->Write(head.Slot({.oldest_index = 1,
                              .oldest_id = Chain::IdOf(1),
                              .newest_index = 1,
                              .newest_id = Chain::IdOf(1),
                              .newest_link = Chain::IdOf(1),
                              .durable = durable}));
}

inline Layout LayoutOf(DirectoryImage& directory) {
  Layout layout;
  const Status status = ReadLayout(&directory.files(), directory.path(), false, &layout);
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  return layout;
}

}  // namespace pinnacle

#endif  // PINNACLE_TEST_DIRECTORY_IMAGE_H_
