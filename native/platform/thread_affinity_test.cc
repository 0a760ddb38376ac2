#include "platform/thread_affinity.h"

#include "doctest.h"

#if defined(__linux__)

#include <dirent.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <map>
#include <string>
#include <thread>

#include "engine/engine.h"
#include "journal/background.h"
#include "platform/thread_priority.h"
#include "test/temporary_directory.h"

namespace pinnacle {
namespace {

CpuList CpusOfThread() {
  cpu_set_t set;
  CPU_ZERO(&set);
  REQUIRE(sched_getaffinity(0, sizeof(set), &set) == 0);
  CpuList cpus;
  for (uint16_t cpu = 0; cpu < kMaxCpus; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

// The processors each thread of this process may run on, by thread id.
std::map<std::string, std::string> AllowedByThread() {
  std::map<std::string, std::string> allowed;
  DIR* tasks = opendir("/proc/self/task");
  REQUIRE(tasks != nullptr);
  while (const dirent* task = readdir(tasks)) {
    std::ifstream status(std::string("/proc/self/task/") + task->d_name + "/status");
    const std::string field = "Cpus_allowed_list:\t";
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with(field)) allowed[task->d_name] = line.substr(field.size());
    }
  }
  closedir(tasks);
  return allowed;
}

// A processor number that hardly any machine has.
uint16_t MissingCpu() { return kMaxCpus - 1; }

bool HasTwoCpus() {
  if (CpusOfThread().size() >= 2 && CpusOfThread().back() != MissingCpu()) return true;
  MESSAGE("skipped: this process may run on one processor only");
  return false;
}

TEST_CASE("a thread is bound to its processors, the thread that started it is not") {
  if (!HasTwoCpus()) return;
  const CpuList before = CpusOfThread();
  CpuList in_background;
  const Status ran = RunAtLowPriority([&] {
    SetThreadAffinity({before.back()});
    in_background = CpusOfThread();
    return Status();
  });
  CHECK(ran.ok());
  CHECK(in_background == CpuList{before.back()});
  CHECK(CheckThreadAffinity({before.front(), before.back()}).ok());
  CHECK(CpusOfThread() == before);
}

TEST_CASE("an empty list leaves a thread's processors unchanged") {
  const CpuList before = CpusOfThread();
  CHECK(CheckThreadAffinity({}).ok());
  SetThreadAffinity({});
  CHECK(CpusOfThread() == before);
}

TEST_CASE("processors that can't be used are named, also among some that can") {
  if (!HasTwoCpus()) return;
  const CpuList before = CpusOfThread();
  const uint16_t missing = MissingCpu();
  for (const CpuList& cpus :
       {CpuList{missing}, CpuList{missing, before.front()}, CpuList{before.back(), missing}}) {
    const Status status = CheckThreadAffinity(cpus);
    CHECK(status.code() == Code::kConfigRange);
    CHECK_MESSAGE(status.message().find("can't run on processor 1023:") != std::string::npos,
                  status.ToString());
  }
  CHECK(CpusOfThread() == before);
}

TEST_CASE("a thread bound to one processor starts background threads on another") {
  if (!HasTwoCpus()) return;
  const uint16_t hot = CpusOfThread().front();
  const uint16_t cold = CpusOfThread().back();
  TemporaryDirectory directory;
  std::thread([&] {
    SetThreadAffinity({hot});
    EngineOptions options;
    options.data_directory = directory.path() + "/data";
    options.journal.segment_bytes = 64 * 1024;
    options.background_cpus = {cold};
    std::unique_ptr<Engine> engine;
    RecoveryReport report;
    const Status status = Engine::Open(Environment::Real(), options, nullptr, &engine, &report);
    CHECK_MESSAGE(status.ok(), status.ToString());
    if (!status.ok()) return;  // REQUIRE would throw out of the thread
    const auto before = AllowedByThread();
    const Status started = engine->StartThreads([](uint64_t, const Status&) {});
    CHECK_MESSAGE(started.ok(), started.ToString());
    if (!started.ok()) return;
    const auto new_threads_on = [&](uint16_t cpu) {
      size_t count = 0;
      for (const auto& [thread, allowed] : AllowedByThread()) {
        if (!before.contains(thread) && allowed == std::to_string(cpu)) ++count;
      }
      return count;
    };
    for (int i = 0; i < 5000 && new_threads_on(cold) < 2; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    CHECK(new_threads_on(cold) == 2);
    CHECK(new_threads_on(hot) == 0);
    CHECK(CpusOfThread() == CpuList{hot});
  }).join();
}

TEST_CASE("an engine whose background can't have its processors is not opened") {
  TemporaryDirectory directory;
  EngineOptions options;
  options.data_directory = directory.path() + "/data";
  options.background_cpus = {MissingCpu()};
  std::unique_ptr<Engine> engine;
  RecoveryReport report;
  const Status status = Engine::Open(Environment::Real(), options, nullptr, &engine, &report);
  CHECK(status.code() == Code::kConfigRange);
  CHECK(status.message().starts_with("configuration: backgroundCpus: "));
  CHECK(access(options.data_directory.c_str(), F_OK) != 0);
}

}  // namespace
}  // namespace pinnacle

#else

namespace pinnacle {
namespace {

TEST_CASE("a list of processors is refused if no call binds threads to them") {
  CHECK(CheckThreadAffinity({}).ok());
  CHECK(CheckThreadAffinity({0}).code() == Code::kConfigRange);
}

}  // namespace
}  // namespace pinnacle

#endif
