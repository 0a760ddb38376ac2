// What the engine needs of the world outside, in one place to swap it.
#ifndef PINNACLE_PLATFORM_ENVIRONMENT_H_
#define PINNACLE_PLATFORM_ENVIRONMENT_H_

#include "platform/clock.h"
#include "platform/file_system.h"
#include "platform/random.h"

namespace pinnacle {

// The pointed-to objects outlive everything that was given the environment.
struct Environment {
  FileSystem* file_system;
  Clock* clock;
  RandomSource* random;

  static Environment Real() { return {FileSystem::Real(), Clock::Real(), RandomSource::Real()}; }
};

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_ENVIRONMENT_H_
