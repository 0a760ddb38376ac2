// What the engine needs of the world outside, in one place to swap it.
#ifndef PINNACLE_PLATFORM_ENVIRONMENT_H_
#define PINNACLE_PLATFORM_ENVIRONMENT_H_

#include <thread>

#include "platform/clock.h"
#include "platform/file_system.h"
#include "platform/random.h"

namespace pinnacle {

// The pointed-to objects outlive everything that was given the environment.
struct Environment {
  FileSystem* file_system;
  Clock* clock;
  RandomSource* random;
  // Threads that recovery may apply entries on, beside the one that reads and verifies; 0: it does
  // all on the calling thread, as a simulation must.
  unsigned worker_threads = 0;

  static Environment Real() {
    return {FileSystem::Real(), Clock::Real(), RandomSource::Real(), WorkerThreads()};
  }

 private:
  static unsigned WorkerThreads() {
    const unsigned processors = std::thread::hardware_concurrency();
    return processors > 1 ? processors : 0;
  }
};

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_ENVIRONMENT_H_
