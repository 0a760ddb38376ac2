// Named consumers for JavaScript.
#ifndef PINNACLE_ADDON_CONSUMERS_H_
#define PINNACLE_ADDON_CONSUMERS_H_

#include <napi.h>

namespace pinnacle::addon {

// Adds openConsumer, listConsumers and removeConsumer.
void AddConsumers(Napi::Env env, Napi::Object exports);

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_CONSUMERS_H_
