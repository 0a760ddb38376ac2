// The calls that are made for every operation: no arguments, no return value, no allocation. The
// staging area holds their input and their result.
#ifndef PINNACLE_ADDON_HOT_PATH_H_
#define PINNACLE_ADDON_HOT_PATH_H_

#include <napi.h>

#include <memory>

#include "addon/engine_handle.h"

namespace pinnacle::addon {

// Adds apply, applyBatch, append and appendBatch.
void AddHotPath(Napi::Env env, Napi::Object object, const std::shared_ptr<EngineHandle>& handle);

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_HOT_PATH_H_
