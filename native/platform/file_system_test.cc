#include "platform/file_system.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__linux__)
#include <sched.h>
#include <sys/mount.h>
#endif

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "doctest.h"
#include "platform/random.h"

namespace pinnacle {
namespace {

// A directory for one test, removed at its end.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "pinnacle-platform-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::vector<uint8_t> Pattern(size_t length, uint8_t first) {
  std::vector<uint8_t> bytes(length);
  for (size_t i = 0; i < length; ++i) bytes[i] = static_cast<uint8_t>(first + i * 7);
  return bytes;
}

std::unique_ptr<File> MustOpen(const std::string& path, OpenMode mode) {
  std::unique_ptr<File> file;
  const Status status = FileSystem::Real()->Open(path, mode, &file);
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  return file;
}

Code CodeOfOpen(const std::string& path, OpenMode mode) {
  std::unique_ptr<File> file;
  return FileSystem::Real()->Open(path, mode, &file).code();
}

std::vector<uint8_t> MustRead(const File& file, uint64_t offset, size_t length) {
  std::vector<uint8_t> bytes(length);
  size_t got = 0;
  REQUIRE(file.Read(offset, bytes, &got).ok());
  bytes.resize(got);
  return bytes;
}

uint64_t BlocksBytes(const std::string& path) {
  struct stat information;
  REQUIRE(stat(path.c_str(), &information) == 0);
  return static_cast<uint64_t>(information.st_blocks) * 512;
}

// Runs `body` in a child process and returns its exit code.
template <typename Body>
int InChild(Body body) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(body());
  int result = 0;
  REQUIRE(waitpid(child, &result, 0) == child);
  return WIFEXITED(result) ? WEXITSTATUS(result) : -1;
}

}  // namespace

TEST_CASE("what is written is read back, including beyond 4 GiB") {
  TemporaryDirectory directory;
  const auto file = MustOpen(directory / "file", OpenMode::kCreate);
  for (uint64_t offset : {0ull, 4095ull, 5'000'000'000ull}) {
    const std::vector<uint8_t> bytes = Pattern(10'000, static_cast<uint8_t>(offset));
    REQUIRE(file->Write(offset, bytes).ok());
    CHECK(MustRead(*file, offset, bytes.size()) == bytes);
  }
  uint64_t size = 0;
  REQUIRE(file->Size(&size).ok());
  CHECK(size == 5'000'010'000ull);
  CHECK(file->Sync().ok());
  CHECK(FileSystem::Real()->SyncDirectory(directory.path()).ok());
}

TEST_CASE("a read stops at the end of the file") {
  TemporaryDirectory directory;
  const auto file = MustOpen(directory / "file", OpenMode::kCreate);
  REQUIRE(file->Write(0, Pattern(100, 1)).ok());
  CHECK(MustRead(*file, 60, 100).size() == 40);
  CHECK(MustRead(*file, 100, 10).empty());
  CHECK(MustRead(*file, 1'000'000, 10).empty());
}

TEST_CASE("reading a file that another process cut short gives less and no signal") {
  TemporaryDirectory directory;
  const auto file = MustOpen(directory / "file", OpenMode::kCreate);
  REQUIRE(file->Write(0, Pattern(64 * 1024, 1)).ok());
  REQUIRE(MustOpen(directory / "file", OpenMode::kReadWrite)->Truncate(1000).ok());
  CHECK(MustRead(*file, 0, 64 * 1024).size() == 1000);
}

TEST_CASE("an offset that no file can have is refused") {
  TemporaryDirectory directory;
  const auto file = MustOpen(directory / "file", OpenMode::kCreate);
  std::vector<uint8_t> bytes(16);
  size_t got = 1;
  CHECK(file->Read(~0ull - 3, bytes, &got).code() == Code::kInvalidArgument);
  CHECK(got == 0);
  CHECK(file->Write(~0ull >> 1, bytes).code() == Code::kInvalidArgument);
  CHECK(file->Truncate(~0ull).code() == Code::kInvalidArgument);
  CHECK(file->Preallocate(~0ull).code() == Code::kInvalidArgument);
}

TEST_CASE("create refuses an existing name and never follows a symbolic link") {
  TemporaryDirectory directory;
  MustOpen(directory / "file", OpenMode::kCreate);
  CHECK(CodeOfOpen(directory / "file", OpenMode::kCreate) == Code::kAlreadyExists);
  REQUIRE(symlink((directory / "target").c_str(), (directory / "link").c_str()) == 0);
  CHECK(CodeOfOpen(directory / "link", OpenMode::kCreate) == Code::kAlreadyExists);
  CHECK_FALSE(std::filesystem::exists(directory / "target"));
}

TEST_CASE("files are private to their user and not inherited by programs that are started") {
  TemporaryDirectory directory;
  MustOpen(directory / "file", OpenMode::kCreate);
  REQUIRE(FileSystem::Real()->CreateDirectory(directory / "sub").ok());
  struct stat information;
  REQUIRE(stat((directory / "file").c_str(), &information) == 0);
  CHECK((information.st_mode & 0777) == 0600);
  REQUIRE(stat((directory / "sub").c_str(), &information) == 0);
  CHECK((information.st_mode & 0777) == 0700);
  // The next open takes the lowest free descriptor.
  const int next = dup(0);
  REQUIRE(next >= 0);
  close(next);
  const auto file = MustOpen(directory / "file", OpenMode::kReadWrite);
  CHECK((fcntl(next, F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("opening says what is wrong") {
  TemporaryDirectory directory;
  CHECK(CodeOfOpen(directory / "missing", OpenMode::kRead) == Code::kNotFound);
  CHECK(CodeOfOpen(directory / "missing", OpenMode::kReadWrite) == Code::kNotFound);
  CHECK(CodeOfOpen(directory / "missing/file", OpenMode::kCreate) == Code::kNotFound);
  CHECK(CodeOfOpen(directory.path(), OpenMode::kRead) == Code::kNotOurFile);
  CHECK(CodeOfOpen(directory.path(), OpenMode::kReadWrite) == Code::kNotOurFile);
  MustOpen(directory / "file", OpenMode::kCreate);
  CHECK(CodeOfOpen(directory / "file/below", OpenMode::kRead) == Code::kNotADirectory);
  // A pipe would make a plain open wait for a writer for ever.
  REQUIRE(mkfifo((directory / "pipe").c_str(), 0600) == 0);
  CHECK(CodeOfOpen(directory / "pipe", OpenMode::kRead) == Code::kNotOurFile);
  std::unique_ptr<File> file;
  const Status status = FileSystem::Real()->Open(directory / "missing", OpenMode::kRead, &file);
  CHECK(status.ToString() == "ERR_PINNACLE_NOT_FOUND: cannot open '" + (directory / "missing") +
                                 "' (check the path): No such file or directory");
  CHECK(status.system_error() == ENOENT);
  CHECK(file == nullptr);
}

TEST_CASE("a file that was opened to read can't be written") {
  TemporaryDirectory directory;
  REQUIRE(MustOpen(directory / "file", OpenMode::kCreate)->Write(0, Pattern(100, 1)).ok());
  const auto file = MustOpen(directory / "file", OpenMode::kRead);
  CHECK_FALSE(file->Write(0, Pattern(10, 9)).ok());
  CHECK_FALSE(file->Truncate(5).ok());
  std::unique_ptr<Mapping> mapping;
  CHECK(file->Map(&mapping).code() == Code::kPermission);
  CHECK(MustRead(*file, 0, 100) == Pattern(100, 1));
}

TEST_CASE("preallocating reserves blocks, keeps content, and never shrinks") {
  TemporaryDirectory directory;
  const std::string path = directory / "file";
  const auto file = MustOpen(path, OpenMode::kCreate);
  REQUIRE(file->Write(0, Pattern(5000, 3)).ok());
  REQUIRE(file->Preallocate(1 << 20).ok());
  uint64_t size = 0;
  REQUIRE(file->Size(&size).ok());
  CHECK(size == 1 << 20);
  CHECK(BlocksBytes(path) >= 1 << 20);
  CHECK(MustRead(*file, 0, 5000) == Pattern(5000, 3));
  CHECK(MustRead(*file, 5000, 100) == std::vector<uint8_t>(100, 0));
  REQUIRE(file->Preallocate(100).ok());
  REQUIRE(file->Size(&size).ok());
  CHECK(size == 1 << 20);
  REQUIRE(file->Preallocate(0).ok());
}

TEST_CASE("a mapping and the file show the same bytes") {
  TemporaryDirectory directory;
  auto file = MustOpen(directory / "file", OpenMode::kCreate);
  REQUIRE(file->Preallocate(64 * 1024).ok());
  std::unique_ptr<Mapping> mapping;
  REQUIRE(file->Map(&mapping).ok());
  REQUIRE(mapping->size() == 64 * 1024);
  mapping->data()[5000] = 42;
  CHECK(MustRead(*file, 5000, 1).front() == 42);
  REQUIRE(file->Write(9000, Pattern(3, 77)).ok());
  CHECK(mapping->data()[9000] == 77);
  file.reset();  // the mapping outlives the file
  mapping->data()[5001] = 43;
  CHECK(mapping->Sync(5001, 1).ok());
  CHECK(mapping->Sync(0, mapping->size()).ok());
  CHECK(mapping->Sync(mapping->size(), 0).ok());
  mapping.reset();
  CHECK(MustRead(*MustOpen(directory / "file", OpenMode::kRead), 5001, 1).front() == 43);
}

TEST_CASE("syncing outside a mapping is refused") {
  TemporaryDirectory directory;
  const auto file = MustOpen(directory / "file", OpenMode::kCreate);
  REQUIRE(file->Preallocate(8192).ok());
  std::unique_ptr<Mapping> mapping;
  REQUIRE(file->Map(&mapping).ok());
  CHECK(mapping->Sync(8192, 1).code() == Code::kInvalidArgument);
  CHECK(mapping->Sync(8000, ~0ull).code() == Code::kInvalidArgument);
  CHECK(mapping->Sync(~0ull, 2).code() == Code::kInvalidArgument);
}

TEST_CASE("an empty file can't be mapped") {
  TemporaryDirectory directory;
  std::unique_ptr<Mapping> mapping;
  CHECK(MustOpen(directory / "file", OpenMode::kCreate)->Map(&mapping).code() ==
        Code::kInvalidArgument);
}

TEST_CASE("prefaulting makes pages resident and changes nothing, while another thread stores") {
  TemporaryDirectory directory;
  constexpr uint64_t kBytes = 1 << 20;
  const auto file = MustOpen(directory / "file", OpenMode::kCreate);
  REQUIRE(file->Write(0, std::vector<uint8_t>(kBytes, 0x5a)).ok());
  REQUIRE(file->Sync().ok());
  file->DropCache();
  std::unique_ptr<Mapping> mapping;
  REQUIRE(file->Map(&mapping).ok());
  std::atomic<bool> stop{false};
  std::thread prefaulter([&] {
    while (!stop.load()) {
      mapping->Prefault(0, kBytes);
      mapping->Prefault(kBytes - 100, 1000);  // cut at the end
      mapping->Prefault(kBytes + 1, 10);      // outside: nothing
    }
  });
  std::vector<uint8_t> expected(kBytes, 0x5a);
  for (uint64_t round = 1; round <= 20; ++round) {
    for (uint64_t at = round * 8; at + 8 <= kBytes; at += 520) {
      const uint64_t value = at * round;
      std::memcpy(mapping->data() + at, &value, 8);
      std::memcpy(expected.data() + at, &value, 8);
    }
  }
  stop = true;
  prefaulter.join();
  CHECK(MustRead(*file, 0, kBytes) == expected);
}

TEST_CASE("blocks that are zeroed without writing read as zeros and keep their room") {
  TemporaryDirectory directory;
  constexpr uint64_t kBytes = 256 * 1024;
  const auto file = MustOpen(directory / "file", OpenMode::kCreate);
  REQUIRE(file->Preallocate(kBytes).ok());
  REQUIRE(file->Write(0, std::vector<uint8_t>(kBytes, 0x77)).ok());
  bool done = true;
  CHECK(file->ZeroBlocks(1, kPageBytes, &done).code() == Code::kInvalidArgument);
  CHECK_FALSE(done);
  CHECK(file->ZeroBlocks(kPageBytes, 0, &done).code() == Code::kInvalidArgument);
  REQUIRE(file->ZeroBlocks(kPageBytes, kPageBytes, &done).ok());
  CHECK(done);
  REQUIRE(file->ZeroBlocks(kPageBytes, kBytes, &done).ok());
  const uint8_t expected = done ? 0 : 0x77;  // if it can't, nothing changes
  CHECK(MustRead(*file, 0, kPageBytes) == std::vector<uint8_t>(kPageBytes, 0x77));
  CHECK(MustRead(*file, kPageBytes, kBytes - kPageBytes) ==
        std::vector<uint8_t>(kBytes - kPageBytes, expected));
  uint64_t size = 0;
  REQUIRE(file->Size(&size).ok());
  CHECK(size == kBytes);
}

TEST_CASE("names are listed sorted, renamed over each other and removed") {
  TemporaryDirectory directory;
  FileSystem* files = FileSystem::Real();
  for (const char* name : {"b", "c", "a"}) MustOpen(directory / name, OpenMode::kCreate);
  REQUIRE(files->CreateDirectory(directory / "d").ok());
  CHECK(files->CreateDirectory(directory / "d").ok());
  CHECK(files->CreateDirectory(directory / "a").code() == Code::kNotADirectory);
  CHECK(files->CreateDirectory(directory / "x/y").code() == Code::kNotFound);
  std::vector<std::string> names = {"left over"};
  REQUIRE(files->List(directory.path(), &names).ok());
  CHECK(names == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(files->List(directory / "x", &names).code() == Code::kNotFound);
  CHECK(files->List(directory / "a", &names).code() == Code::kNotADirectory);

  REQUIRE(MustOpen(directory / "a", OpenMode::kReadWrite)->Write(0, Pattern(3, 1)).ok());
  REQUIRE(files->Rename(directory / "a", directory / "b").ok());
  CHECK(MustRead(*MustOpen(directory / "b", OpenMode::kRead), 0, 9) == Pattern(3, 1));
  CHECK(files->Rename(directory / "a", directory / "b").code() == Code::kNotFound);
  CHECK(files->Remove(directory / "a").code() == Code::kNotFound);
  REQUIRE(files->Remove(directory / "b").ok());
  bool exists = true;
  REQUIRE(files->Exists(directory / "b", &exists).ok());
  CHECK_FALSE(exists);
  REQUIRE(files->Exists(directory / "c", &exists).ok());
  CHECK(exists);
  CHECK(files->SyncDirectory(directory / "x").code() == Code::kNotFound);
  CHECK(files->SyncDirectory(directory / "c").code() == Code::kNotADirectory);
}

TEST_CASE("a second lock in the same process is refused, names the holder, and changes nothing") {
  TemporaryDirectory directory;
  std::unique_ptr<DirectoryLock> first, second;
  bool is_locked = true;
  REQUIRE(FileSystem::Real()->IsLocked(directory.path(), &is_locked).ok());
  CHECK_FALSE(is_locked);
  REQUIRE(FileSystem::Real()->Lock(directory.path(), &first).ok());
  for (int i = 0; i < 2; ++i) {
    const Status status = FileSystem::Real()->Lock(directory.path(), &second);
    CHECK(status.code() == Code::kLocked);
    CHECK(second == nullptr);
    CHECK(status.message().find("this process (pid " + std::to_string(getpid()) + ")") !=
          std::string_view::npos);
    REQUIRE(FileSystem::Real()->IsLocked(directory.path(), &is_locked).ok());
    CHECK(is_locked);
  }
  CHECK(first->Check().ok());
  first.reset();
  CHECK(FileSystem::Real()->Lock(directory.path(), &second).ok());
}

// Runs `held` while a child process holds the directory's lock, then kills the child.
template <typename Held>
void WithLockingChild(const std::string& directory, Held held) {
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::unique_ptr<DirectoryLock> lock;
    const char answer = FileSystem::Real()->Lock(directory, &lock).ok() ? 'y' : 'n';
    if (write(ready[1], &answer, 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  char answer = 0;
  REQUIRE(read(ready[0], &answer, 1) == 1);
  REQUIRE(answer == 'y');
  held(child);
  REQUIRE(kill(child, SIGKILL) == 0);
  REQUIRE(waitpid(child, nullptr, 0) == child);
  close(ready[0]);
  close(ready[1]);
}

TEST_CASE("a lock held by another process names its pid, and is free at once when that is killed") {
  TemporaryDirectory directory;
  std::unique_ptr<DirectoryLock> lock;
  WithLockingChild(directory.path(), [&](pid_t child) {
    const Status refused = FileSystem::Real()->Lock(directory.path(), &lock);
    CHECK(refused.code() == Code::kLocked);
    CHECK(refused.message().find("held by process " + std::to_string(child)) !=
          std::string_view::npos);
  });
  CHECK(FileSystem::Real()->Lock(directory.path(), &lock).ok());
}

TEST_CASE("removing or replacing the lock file lets no second writer in, and makes no new file") {
  TemporaryDirectory directory;
  const std::string path = directory / "LOCK";
  WithLockingChild(directory.path(), [&](pid_t) {
    std::unique_ptr<DirectoryLock> lock;
    REQUIRE(FileSystem::Real()->Remove(path).ok());
    CHECK(FileSystem::Real()->Lock(directory.path(), &lock).code() == Code::kLocked);
    bool exists = true;
    REQUIRE(FileSystem::Real()->Exists(path, &exists).ok());
    CHECK_FALSE(exists);
    bool is_locked = false;
    REQUIRE(FileSystem::Real()->IsLocked(directory.path(), &is_locked).ok());
    CHECK(is_locked);
    std::unique_ptr<File> other;
    REQUIRE(FileSystem::Real()->Open(path, OpenMode::kCreate, &other).ok());
    CHECK(FileSystem::Real()->Lock(directory.path(), &lock).code() == Code::kLocked);
  });
}

TEST_CASE("a lock notices that its file or its directory is not the one that it locked") {
  TemporaryDirectory directory;
  FileSystem* files = FileSystem::Real();
  const std::string data = directory / "data";
  const auto fresh = [&](std::unique_ptr<DirectoryLock>* lock) {
    REQUIRE(files->CreateDirectory(data).ok());
    REQUIRE(files->Lock(data, lock).ok());
    REQUIRE((*lock)->Check().ok());
  };
  std::unique_ptr<DirectoryLock> lock;
  fresh(&lock);
  REQUIRE(files->Rename(data + "/LOCK", data + "/KCOL").ok());
  CHECK(lock->Check().code() == Code::kDirectoryLost);
  REQUIRE(files->Rename(data + "/KCOL", data + "/LOCK").ok());
  CHECK(lock->Check().ok());
  REQUIRE(files->Remove(data + "/LOCK").ok());
  CHECK(lock->Check().code() == Code::kDirectoryLost);
  std::unique_ptr<File> other;
  REQUIRE(files->Open(data + "/LOCK", OpenMode::kCreate, &other).ok());
  CHECK(lock->Check().code() == Code::kDirectoryLost);
  lock.reset();

  fresh(&lock);
  REQUIRE(rename(data.c_str(), (directory / "moved").c_str()) == 0);
  CHECK(lock->Check().code() == Code::kDirectoryLost);
  std::unique_ptr<DirectoryLock> second;
  fresh(&second);
  CHECK(lock->Check().code() == Code::kDirectoryLost);
}

TEST_CASE("a lock is never taken through a symbolic link or in a missing directory") {
  TemporaryDirectory directory;
  REQUIRE(symlink((directory / "target").c_str(), (directory / "LOCK").c_str()) == 0);
  std::unique_ptr<DirectoryLock> lock;
  CHECK(FileSystem::Real()->Lock(directory.path(), &lock).system_error() == ELOOP);
  CHECK(FileSystem::Real()->Lock(directory / "missing", &lock).code() == Code::kNotFound);
}

TEST_CASE("a directory without permission is reported as such") {
  if (geteuid() == 0) {
    MESSAGE("skipped: the superuser may do everything");
    return;
  }
  TemporaryDirectory directory;
  REQUIRE(FileSystem::Real()->CreateDirectory(directory / "sub").ok());
  REQUIRE(chmod((directory / "sub").c_str(), 0500) == 0);
  CHECK(CodeOfOpen(directory / "sub/file", OpenMode::kCreate) == Code::kPermission);
}

TEST_CASE("reserving more than any file can hold is an error, and the file stays usable") {
  TemporaryDirectory directory;
  const auto file = MustOpen(directory / "file", OpenMode::kCreate);
  CHECK(file->Preallocate(1ull << 62).code() == Code::kNoSpace);
  REQUIRE(file->Write(0, Pattern(10, 1)).ok());
  CHECK(MustRead(*file, 0, 10) == Pattern(10, 1));
}

#if defined(__linux__)
TEST_CASE("a full disk is an error of the preallocation and of a write, never a signal") {
  TemporaryDirectory directory;
  // A file system of 256 KiB that only the child sees and that disappears with it.
  constexpr int kSkipped = 77;
  const int result = InChild([&] {
    if (unshare(CLONE_NEWNS) != 0) return kSkipped;
    if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return kSkipped;
    if (mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=256k") != 0) return kSkipped;
    std::unique_ptr<File> file;
    if (!FileSystem::Real()->Open(directory / "file", OpenMode::kCreate, &file).ok()) return 1;
    if (file->Preallocate(1 << 20).code() != Code::kNoSpace) return 2;
    if (!file->Preallocate(128 * 1024).ok()) return 3;
    if (file->Write(0, std::vector<uint8_t>(1 << 20, 1)).code() != Code::kNoSpace) return 4;
    if (!file->Truncate(128 * 1024).ok()) return 5;
    std::unique_ptr<Mapping> mapping;
    if (!file->Map(&mapping).ok()) return 6;
    mapping->Prefault(0, mapping->size());
    std::memset(mapping->data(), 7, mapping->size());
    return mapping->Sync(0, mapping->size()).ok() ? 0 : 7;
  });
  if (result == kSkipped) {
    MESSAGE("skipped: this user may not mount a small file system");
    return;
  }
  CHECK(result == 0);
}
#endif

TEST_CASE("system randomness doesn't repeat itself") {
  const uint64_t first = RandomSource::Real()->NextU64();
  CHECK(first != RandomSource::Real()->NextU64());
}

}  // namespace pinnacle
