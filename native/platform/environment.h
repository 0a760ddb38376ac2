// What the engine needs of the outside world, in one replaceable place.
#ifndef PINNACLE_PLATFORM_ENVIRONMENT_H_
#define PINNACLE_PLATFORM_ENVIRONMENT_H_

#include <thread>

#include "platform/clock.h"
#include "platform/file_system.h"
#include "platform/random.h"

namespace pinnacle {

// The objects pointed to outlive everything that was given the environment.
struct Environment {
  FileSystem* file_system;
  Clock* clock;
  RandomSource* random;
  // Threads that recovery may apply entries on, in addition to the one that reads and verifies.
  // With 0 it does everything on the calling thread, as a simulation must.
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
