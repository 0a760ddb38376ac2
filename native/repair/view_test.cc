#include "repair/view.h"

#include "doctest.h"
#include "platform/path_parts.h"
#include "test/directory_image.h"

namespace pinnacle {
namespace {

std::vector<uint8_t> Content(uint8_t fill) { return std::vector<uint8_t>(300, fill); }

RepairSteps Steps() {
  RepairSteps steps;
  steps.out = {{"journal/a", "quarantine/7/a"},
               {"journal/b", "quarantine/7/b"},
               {"snapshots/s", "quarantine/7/s"},
               {"HEAD", "quarantine/7/HEAD"}};
  steps.in = {{"journal/a.repair", "journal/a"},
              {"journal/c.repair", "journal/c"},
              {"HEAD.repair", "HEAD"}};
  return steps;
}

void Fill(DirectoryImage* directory) {
  for (const char* path : {"/d/quarantine", "/d/quarantine/7"}) {
    REQUIRE(directory->files().CreateDirectory(path).ok());
    REQUIRE(directory->files().SyncDirectory(ParentOf(path)).ok());
  }
  uint8_t fill = 0;
  for (const char* path :
       {"/d/HEAD", "/d/journal/a", "/d/journal/b", "/d/journal/d", "/d/snapshots/s",
        "/d/snapshots/t", "/d/HEAD.repair", "/d/journal/a.repair", "/d/journal/c.repair"}) {
    directory->Write(path, Content(++fill));
  }
}

// Everything visible: the names in each directory, and the files' content.
std::map<std::string, std::vector<uint8_t>> Seen(FileSystem* fs) {
  std::map<std::string, std::vector<uint8_t>> seen;
  for (const std::string directory :
       {"/d", "/d/journal", "/d/snapshots", "/d/quarantine", "/d/quarantine/7"}) {
    std::vector<std::string> names;
    REQUIRE(fs->List(directory, &names).ok());
    CHECK(std::is_sorted(names.begin(), names.end()));
    for (const std::string& name : names) {
      const std::string path = directory + "/" + name;
      bool exists = false;
      REQUIRE(fs->Exists(path, &exists).ok());
      CHECK_MESSAGE(exists, path);
      std::unique_ptr<File> file;
      const Status opened = fs->Open(path, OpenMode::kRead, &file);
      if (opened.code() == Code::kNotOurFile) continue;  // a directory
      REQUIRE_MESSAGE(opened.ok(), opened.ToString());
      std::vector<uint8_t> bytes(1000);
      size_t bytes_read = 0;
      REQUIRE(file->Read(0, bytes, &bytes_read).ok());
      bytes.resize(bytes_read);
      CHECK_MESSAGE(!seen.contains(path), path);
      seen[path] = bytes;
    }
  }
  return seen;
}

std::unique_ptr<RepairView> MustView(FileSystem* base) {
  std::unique_ptr<RepairView> view;
  REQUIRE(RepairView::Make(base, "/d", Steps(), &view).ok());
  return view;
}

TEST_CASE("the view before the steps shows the directory after them") {
  DirectoryImage directory;
  Fill(&directory);
  const auto seen = Seen(MustView(&directory.files()).get());
  REQUIRE(WriteSteps(&directory.files(), "/d", Steps()).ok());
  CHECK(Seen(MustView(&directory.files()).get()) == seen);  // the list is not part of it
  REQUIRE(FinishSteps(&directory.files(), "/d", Steps()).ok());
  CHECK(Seen(&directory.files()) == seen);
  CHECK(seen.at("/d/HEAD") == Content(7));
  CHECK(seen.at("/d/quarantine/7/HEAD") == Content(1));
}

TEST_CASE("the view is the same after each step taken") {
  DirectoryImage whole;
  Fill(&whole);
  const auto expected = Seen(MustView(&whole.files()).get());
  whole.files().StartRecording();
  REQUIRE(WriteSteps(&whole.files(), "/d", Steps()).ok());
  REQUIRE(FinishSteps(&whole.files(), "/d", Steps()).ok());
  DeterministicRandom random(3);
  for (size_t step = 0; step < whole.files().steps().size(); ++step) {
    for (int outcome = 0; outcome < 50; ++outcome) {
      SimulatedFileSystem files(1, whole.files().ImageAt(step, random));
      bool pending = false;
      RepairSteps steps;
      REQUIRE(ReadSteps(&files, "/d", &pending, &steps).ok());
      if (!pending) continue;
      CAPTURE(step);
      CHECK(Seen(MustView(&files).get()) == expected);
    }
  }
}

TEST_CASE("what is gone from the view can't be opened, and nothing can be changed through it") {
  DirectoryImage directory;
  Fill(&directory);
  const auto before = directory.Contents();
  const std::unique_ptr<RepairView> view = MustView(&directory.files());
  std::unique_ptr<File> file;
  bool exists = true;
  for (const char* path : {"/d/journal/b", "/d/snapshots/s", "/d/HEAD.repair"}) {
    CHECK(view->Open(path, OpenMode::kRead, &file).code() == Code::kNotFound);
    REQUIRE(view->Exists(path, &exists).ok());
    CHECK_FALSE(exists);
  }
  CHECK(view->Open("/d/journal/d", OpenMode::kReadWrite, &file).code() == Code::kInvalidOperation);
  CHECK(view->Open("/d/new", OpenMode::kCreate, &file).code() == Code::kInvalidOperation);
  CHECK(view->CreateDirectory("/d/new").code() == Code::kInvalidOperation);
  CHECK(view->Rename("/d/journal/d", "/d/journal/e").code() == Code::kInvalidOperation);
  CHECK(view->Remove("/d/journal/d").code() == Code::kInvalidOperation);
  CHECK(view->SyncDirectory("/d").code() == Code::kInvalidOperation);
  CHECK(directory.Contents() == before);
}

}  // namespace
}  // namespace pinnacle
