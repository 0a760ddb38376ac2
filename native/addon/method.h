// A function of JavaScript over one in C++. What the C++ throws (there was no memory for it) is a
// coded error of JavaScript: an exception must not reach Node's frames, which end the process.
#ifndef PINNACLE_ADDON_METHOD_H_
#define PINNACLE_ADDON_METHOD_H_

#include <napi.h>

#include <utility>

#include "addon/errors.h"
#include "base/guarded.h"

namespace pinnacle::addon {

// `body(info)`, or undefined after an error.
template <typename Body>
Napi::Value CallGuarded(const Napi::CallbackInfo& info, Body& body) {
  Napi::Value result;
  const Status status = Guarded([&] {
    result = body(info);
    return Status();
  });
  if (status.ok()) return result;
  Throw(info.Env(), status);
  return info.Env().Undefined();
}

template <typename Body>
Napi::Function Method(Napi::Env env, const char* name, Body body) {
  return Napi::Function::New(
      env,
      [body = std::move(body)](const Napi::CallbackInfo& info) { return CallGuarded(info, body); },
      name);
}

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_METHOD_H_
