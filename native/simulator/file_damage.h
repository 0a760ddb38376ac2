// Damage to the files of a data directory that no disk causes, but operators, restores and copies
// do.
#ifndef PINNACLE_SIMULATOR_FILE_DAMAGE_H_
#define PINNACLE_SIMULATOR_FILE_DAMAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "simulator/deterministic_random.h"
#include "simulator/disk_image.h"

namespace pinnacle::simulation {

enum class FileDamage : uint8_t {
  kMissing,     // the head record, segments, snapshots, or all of them
  kDuplicated,  // a file also under another name, over another file or not
  kForeign,     // files of another journal
  kForked,      // files of a copy of the directory that was appended to elsewhere
  kRenamed,
  kShortened,
  kLengthened,
  kOlder,  // files as they were at an earlier moment, or all of the directory
};
inline constexpr uint64_t kFileDamageCount = static_cast<uint64_t>(FileDamage::kOlder) + 1;

const char* FileDamageName(FileDamage damage);

// The sources of a damaged directory's files, besides the directory itself.
struct FileSources {
  std::vector<DiskImage> older;  // of the same directory
  DiskImage fork;
  DiskImage foreign;
};

// Damages `image`; returns a description, "" if the damage is impossible.
std::string DamageFiles(FileDamage damage, const FileSources& sources, DeterministicRandom& random,
                        DiskImage* image);

}  // namespace pinnacle::simulation

#endif  // PINNACLE_SIMULATOR_FILE_DAMAGE_H_
