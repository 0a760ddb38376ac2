// The addon's entry: one state per environment (the main thread and each worker have their own).
#include <napi.h>

#include <memory>

#include "addon/backup_binding.h"
#include "addon/engine_object.h"
#include "addon/errors.h"
#include "addon/inspection.h"
#include "addon/secret_binding.h"
#include "base/error_codes.h"
#include "checksum/crc32c.h"

namespace pinnacle::addon {

namespace {

Napi::Value SetErrorClass(const Napi::CallbackInfo& info) {
  AddonState* state = info.Env().GetInstanceData<AddonState>();
  if (state != nullptr && info[0].IsFunction()) {
    state->error_class = Napi::Persistent(info[0].As<Napi::Function>());
  }
  return info.Env().Undefined();
}

Napi::Value ChecksumOf(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!info[0].IsTypedArray() ||
      info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    Throw(env, Status(Code::kBufferLength, "crc32c takes a Uint8Array or Buffer"));
    return env.Undefined();
  }
  const Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  return Napi::Number::New(env, Crc32c({bytes.Data(), bytes.ByteLength()}));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(std::make_unique<AddonState>().release());  // deleted with the environment
  Napi::Array names = Napi::Array::New(env, kCodeCount);
  for (uint16_t code = 0; code < kCodeCount; ++code) {
    names.Set(code, CodeName(static_cast<Code>(code)));
  }
  exports.Set("errorNames", names);
  exports.Set("crc32cImplementation", Crc32cImplementation());
  exports.Set("crc32c", Napi::Function::New(env, ChecksumOf, "crc32c"));
  exports.Set("setErrorClass", Napi::Function::New(env, SetErrorClass, "setErrorClass"));
  exports.Set("openEngine", Napi::Function::New(env, OpenEngine, "openEngine"));
  AddInspection(env, exports);
  AddBackup(env, exports);
  RegisterSecrets(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(pinnacle, Init)

}  // namespace pinnacle::addon
