// Copies of what a recovery policy is about to cut from durable data. Nothing is ever cut before
// its copy is durable.
#ifndef PINNACLE_ENGINE_QUARANTINE_H_
#define PINNACLE_ENGINE_QUARANTINE_H_

#include <string>

#include "base/status.h"
#include "journal/scan.h"
#include "platform/environment.h"

namespace pinnacle {

// Copies the segment in which the scan stopped and all behind it to
// `<data>/quarantine/<time in ns>/`, synced, and names that directory.
Status QuarantineSegments(const Environment& environment, const std::string& data_directory,
                          const ScanResult& scan, std::string* directory);

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_QUARANTINE_H_
