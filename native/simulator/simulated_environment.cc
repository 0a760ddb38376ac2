#include "simulator/simulated_environment.h"

namespace pinnacle {

// The parts take their seeds from the one seed in this order, which is part of a seed's meaning.
SimulatedEnvironment::SimulatedEnvironment(uint64_t seed, const DiskImage& disk)
    : random_(seed), file_system_(random_.Next(), disk), random_source_(random_.Next()) {}

}  // namespace pinnacle
