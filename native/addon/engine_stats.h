// Engine counters as NativeStats of JavaScript.
#ifndef PINNACLE_ADDON_ENGINE_STATS_H_
#define PINNACLE_ADDON_ENGINE_STATS_H_

#include <napi.h>

#include "engine/engine.h"

namespace pinnacle::addon {

Napi::Value StatsToValue(Napi::Env env, Engine& engine);

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_ENGINE_STATS_H_
