// Which snapshots rotation keeps, and that it never counts one that does not verify.
#include <cstdint>
#include <string>
#include <vector>

#include "doctest.h"
#include "snapshot/snapshot_directory.h"
#include "snapshot/snapshot_writer.h"
#include "test/small_books.h"
#include "test/snapshot_image.h"
#include "test/temporary_directory.h"

namespace pinnacle {
namespace {

struct Five {
  static constexpr JournalId kId{7, 8};
  TemporaryDirectory directory;
  RotationReport report;
  Five() {
    for (uint64_t sequence = 10; sequence <= 50; sequence += 10) Write(sequence, kId);
  }
  void Write(uint64_t sequence, JournalId id) const {
    SnapshotInfo info;
    REQUIRE(WriteSnapshot(FileSystem::Real(), directory.path(), {id, sequence, 1, 1}, SmallBooks(),
                          {}, &info)
                .ok());
  }
  std::string PathOf(uint64_t sequence) const {
    return directory.path() + "/" + SnapshotName(sequence);
  }
  void Rot(uint64_t sequence) const {
    SnapshotImage image = SnapshotImage::Load(PathOf(sequence));
    image.bytes()[4500] ^= 1;
    image.Store(PathOf(sequence));
  }
  void Rotate(uint64_t keep) {
    const Status status =
        RotateSnapshots(FileSystem::Real(), directory.path(), keep, kId, nullptr, &report);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
  }
  std::vector<uint64_t> Listed() const {
    std::vector<SnapshotFile> files;
    REQUIRE(ListSnapshots(FileSystem::Real(), directory.path(), &files).ok());
    std::vector<uint64_t> sequences;
    for (const SnapshotFile& file : files) sequences.push_back(file.sequence);
    return sequences;
  }
  static std::vector<uint64_t> SequencesOf(const std::vector<SnapshotInfo>& infos) {
    std::vector<uint64_t> sequences;
    for (const SnapshotInfo& info : infos) sequences.push_back(info.meta.sequence);
    return sequences;
  }
};

using Sequences = std::vector<uint64_t>;

TEST_CASE("rotation keeps the newest, and at least one") {
  Five five;
  five.Rotate(2);
  CHECK(Five::SequencesOf(five.report.kept) == Sequences{50, 40});
  CHECK(Five::SequencesOf(five.report.removed) == Sequences{30, 20, 10});
  CHECK(five.Listed() == Sequences{40, 50});
  five.Rotate(0);
  CHECK(five.Listed() == Sequences{50});
}

TEST_CASE("rotation counts no rotten snapshot as kept, and removes none") {
  Five five;
  five.Rot(50);
  five.Rot(30);
  five.Rot(10);
  five.Rotate(1);
  CHECK(Five::SequencesOf(five.report.kept) == Sequences{40});
  CHECK(Five::SequencesOf(five.report.removed) == Sequences{20});
  REQUIRE(five.report.damaged.size() == 3);
  CHECK(five.report.damaged[0].info.path == five.PathOf(50));
  CHECK(five.report.damaged[0].status.code() == Code::kSnapshotCorrupt);
  CHECK(five.report.damaged[2].info.meta.sequence == 10);
  CHECK(five.Listed() == Sequences{10, 30, 40, 50});
}

TEST_CASE("rotation counts neither a renamed snapshot nor one of another journal") {
  Five five;
  REQUIRE(FileSystem::Real()->Rename(five.PathOf(10), five.PathOf(90)).ok());
  five.Write(80, {7, 9});
  five.Rotate(2);
  CHECK(Five::SequencesOf(five.report.kept) == Sequences{50, 40});
  CHECK(Five::SequencesOf(five.report.removed) == Sequences{30, 20});
  REQUIRE(five.report.damaged.size() == 2);
  CHECK(five.report.damaged[0].info.meta.sequence == 90);
  CHECK(five.report.damaged[0].status.message().find("holds snapshot 10") != std::string::npos);
  CHECK(five.report.damaged[1].status.message().find("another journal") != std::string::npos);
  CHECK(five.Listed() == Sequences{40, 50, 80, 90});
}

TEST_CASE("rotation removes nothing if no snapshot verifies") {
  Five five;
  for (uint64_t sequence = 10; sequence <= 50; sequence += 10) five.Rot(sequence);
  five.Rotate(1);
  CHECK(five.report.kept.empty());
  CHECK(five.report.damaged.size() == 5);
  CHECK(five.Listed() == Sequences{10, 20, 30, 40, 50});
}

TEST_CASE("the oldest sound snapshot is found past damaged ones and one that is gone") {
  Five five;
  five.Rot(10);
  std::vector<SnapshotFile> files;
  REQUIRE(ListSnapshots(FileSystem::Real(), five.directory.path(), &files).ok());
  files.insert(files.begin(), {5, five.PathOf(5)});  // rotated away since it was listed
  SnapshotInfo oldest;
  bool found = false;
  std::vector<SnapshotFinding> damaged;
  REQUIRE(FindOldestSound(FileSystem::Real(), files, Five::kId, &oldest, &found, &damaged).ok());
  CHECK(found);
  CHECK(oldest.meta.sequence == 20);
  REQUIRE(damaged.size() == 1);
  CHECK(damaged[0].info.meta.sequence == 10);
}

}  // namespace
}  // namespace pinnacle
