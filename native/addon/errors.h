// Statuses as JavaScript errors.
#ifndef PINNACLE_ADDON_ERRORS_H_
#define PINNACLE_ADDON_ERRORS_H_

#include <napi.h>

#include "addon/buffers.h"
#include "base/status.h"

namespace pinnacle::addon {

// What one environment (the main thread or a worker) keeps.
struct AddonState {
  explicit AddonState(Napi::Env env) : buffers(env) {}

  Napi::FunctionReference error_class;  // set by setErrorClass; empty: plain Error with a code
  BufferConstructors buffers;
};

// An instance of the error class: `new ErrorClass(code, message, { errno, details })`.
Napi::Value ErrorOf(Napi::Env env, const Status& status, Napi::Value details = Napi::Value());

// Throws it.
void Throw(Napi::Env env, const Status& status);

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_ERRORS_H_
