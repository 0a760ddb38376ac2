// Reading a data directory that is not open here: inspect, snapshots, readers.
#ifndef PINNACLE_ADDON_INSPECTION_H_
#define PINNACLE_ADDON_INSPECTION_H_

#include <napi.h>

namespace pinnacle::addon {

void AddInspection(Napi::Env env, Napi::Object exports);

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_INSPECTION_H_
