// The addon's entry: one state per environment (the main thread and each worker have their own).
#include <napi.h>

#include <memory>
#include <span>

#include "addon/backup_binding.h"
#include "addon/consumers.h"
#include "addon/engine_object.h"
#include "addon/engine_options.h"
#include "addon/errors.h"
#include "addon/inspection.h"
#include "addon/journal_watch.h"
#include "addon/method.h"
#include "addon/secret_binding.h"
#include "addon/staging_layout.h"
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
  std::span<uint8_t> bytes;
  if (!BytesFromValue(info[0], &bytes)) {
    Throw(env, Status(Code::kBufferLength, "crc32c takes a Uint8Array or Buffer"));
    return env.Undefined();
  }
  return Napi::Number::New(env, Crc32c(bytes));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(std::make_unique<AddonState>(env).release());  // deleted with the environment
  Napi::Array names = Napi::Array::New(env, kCodeCount);
  for (uint16_t code = 0; code < kCodeCount; ++code) {
    names.Set(code, CodeName(static_cast<Code>(code)));
  }
  exports.Set("errorNames", names);
  exports.Set("crc32cImplementation", Crc32cImplementation());
  exports.Set("crc32c", Method(env, "crc32c", ChecksumOf));
  exports.Set("setErrorClass", Method(env, "setErrorClass", SetErrorClass));
  exports.Set("optionBounds", BoundsOfOptions(env));
  exports.Set("stagingLayout", StagingLayout(env));
  exports.Set("openEngine", Method(env, "openEngine", OpenEngine));
  AddInspection(env, exports);
  AddJournalWatch(env, exports);
  AddBackup(env, exports);
  AddConsumers(env, exports);
  RegisterSecrets(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(pinnacle, Init)

}  // namespace pinnacle::addon
