// Work off the JavaScript thread that ends in a promise.
#ifndef PINNACLE_ADDON_ASYNC_CALL_H_
#define PINNACLE_ADDON_ASYNC_CALL_H_

#include <napi.h>

#include <functional>

#include "base/status.h"

namespace pinnacle::addon {

// Runs `work` on a pool thread, then on the JavaScript thread resolves the returned promise with
// what `result` makes, or rejects it with the status. Node waits for work under way before an
// environment ends; `result` is not called then.
Napi::Promise RunAsync(Napi::Env env, const char* name, std::function<Status()> work,
                       std::function<Napi::Value(Napi::Env)> result,
                       std::function<Napi::Value(Napi::Env, const Status&)> error = nullptr);

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_ASYNC_CALL_H_
