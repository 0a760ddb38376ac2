#include "secret/advisory_lock.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "doctest.h"

namespace pinnacle {
namespace {

struct Directory {
  Directory() {
    char name[] = "/tmp/pinnacle-lock-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path = name;
  }
  ~Directory() {
    unlink((path + "/lock").c_str());
    unlink((path + "/link").c_str());
    rmdir(path.c_str());
  }
  std::string path;
};

TEST_CASE("a second holder is refused until the first lets go") {
  Directory directory;
  const std::string path = directory.path + "/lock";
  std::unique_ptr<AdvisoryLock> first, second;
  REQUIRE(AdvisoryLock::Acquire(path, &first).ok());
  CHECK(AdvisoryLock::Acquire(path, &second).code() == Code::kLocked);
  CHECK(second == nullptr);
  first.reset();
  CHECK(AdvisoryLock::Acquire(path, &second).ok());
  struct stat info;
  REQUIRE(stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("the lock of a killed process is free") {
  Directory directory;
  const std::string path = directory.path + "/lock";
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::unique_ptr<AdvisoryLock> held;
    if (!AdvisoryLock::Acquire(path, &held).ok()) _exit(1);
    if (write(ready[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char byte;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  std::unique_ptr<AdvisoryLock> lock;
  CHECK(AdvisoryLock::Acquire(path, &lock).code() == Code::kLocked);
  REQUIRE(kill(child, SIGKILL) == 0);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(AdvisoryLock::Acquire(path, &lock).ok());
  close(ready[0]);
  close(ready[1]);
}

TEST_CASE("a symbolic link is refused") {
  Directory directory;
  REQUIRE(symlink((directory.path + "/lock").c_str(), (directory.path + "/link").c_str()) == 0);
  std::unique_ptr<AdvisoryLock> lock;
  CHECK(AdvisoryLock::Acquire(directory.path + "/link", &lock).code() == Code::kPermission);
  CHECK(AdvisoryLock::Acquire(directory.path + "/missing/lock", &lock).code() == Code::kNotFound);
}

}  // namespace
}  // namespace pinnacle
