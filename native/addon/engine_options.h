// NativeEngineOptions of JavaScript as EngineOptions.
#ifndef PINNACLE_ADDON_ENGINE_OPTIONS_H_
#define PINNACLE_ADDON_ENGINE_OPTIONS_H_

#include <napi.h>

#include <vector>

#include "engine/options.h"

namespace pinnacle::addon {

// kInvalidArgument names the option that does not fit; the TypeScript layer has validated before
// with better words.
Status EngineOptionsFromValue(Napi::Value value, EngineOptions* options,
                              std::vector<Instrument>* instruments);

// Each option's `{ from, to, multipleOf }`, by name.
Napi::Object BoundsOfOptions(Napi::Env env);

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_ENGINE_OPTIONS_H_
