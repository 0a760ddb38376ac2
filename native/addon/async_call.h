// Work off the JavaScript thread that ends in a promise.
#ifndef PINNACLE_ADDON_ASYNC_CALL_H_
#define PINNACLE_ADDON_ASYNC_CALL_H_

#include <napi.h>

#include <functional>

#include "base/status.h"

namespace pinnacle::addon {

// Makes the promise's value on the JavaScript thread, or says why it can't.
using Finish = std::function<Status(Napi::Env, Napi::Value*)>;

// Runs `work` on a pool thread, then on the JavaScript thread resolves the returned promise with
// what `finish` makes, or rejects it with the status of either. Exceptions of both are statuses,
// too. Node waits for work under way before an environment ends; `finish` is not called then.
Napi::Promise RunAsyncAndFinish(
    Napi::Env env, const char* name, std::function<Status()> work, Finish finish,
    std::function<Napi::Value(Napi::Env, const Status&)> error = nullptr);

// The same, for a value that only a lack of memory can keep from being made.
Napi::Promise RunAsync(Napi::Env env, const char* name, std::function<Status()> work,
                       std::function<Napi::Value(Napi::Env)> result,
                       std::function<Napi::Value(Napi::Env, const Status&)> error = nullptr);

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_ASYNC_CALL_H_
