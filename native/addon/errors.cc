#include "addon/errors.h"

#include <string>

namespace pinnacle::addon {

Napi::Value ErrorOf(Napi::Env env, const Status& status, Napi::Value details) {
  const std::string message(status.message());
  AddonState* state = env.GetInstanceData<AddonState>();
  if (state == nullptr || state->error_class.IsEmpty()) {
    Napi::Error error = Napi::Error::New(env, message);
    error.Value().Set("code", CodeName(status.code()));
    return error.Value();
  }
  Napi::Object options = Napi::Object::New(env);
  if (status.system_error() != 0) options.Set("errno", status.system_error());
  if (!details.IsEmpty()) options.Set("details", details);
  return state->error_class.New(
      {Napi::String::New(env, CodeName(status.code())), Napi::String::New(env, message), options});
}

void Throw(Napi::Env env, const Status& status) {
  const Napi::Value error = ErrorOf(env, status);
  if (!error.IsEmpty()) napi_throw(env, error);
}

}  // namespace pinnacle::addon
