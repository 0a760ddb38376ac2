#include "addon/buffers.h"

#include <cstring>
#include <new>

#include "addon/errors.h"

namespace pinnacle::addon {

namespace {

Napi::FunctionReference GlobalFunction(Napi::Env env, const char* name) {
  return Napi::Persistent(env.Global().Get(name).As<Napi::Function>());
}

const BufferConstructors& ConstructorsOf(Napi::Env env) {
  return env.GetInstanceData<AddonState>()->buffers;
}

Napi::Object Construct(Napi::Env env, const Napi::FunctionReference& constructor,
                       napi_value argument) {
  const Napi::Object made = constructor.New({argument});
  // Empty without an exception: the environment is ending (a worker that is terminated).
  if (!env.IsExceptionPending() && !made.IsEmpty()) return made;
  if (env.IsExceptionPending()) (void)env.GetAndClearPendingException();
  throw std::bad_alloc();
}

Napi::ArrayBuffer NewArrayBuffer(Napi::Env env, size_t bytes) {
  const Napi::Number length = Napi::Number::New(env, static_cast<double>(bytes));
  return Construct(env, ConstructorsOf(env).array_buffer, length).As<Napi::ArrayBuffer>();
}

// Throws if the view could not be made, for the same reasons.
template <typename Array, typename Element>
Napi::Value Filled(Array array, std::span<const Element> elements) {
  if (elements.empty()) return array;
  if (array.IsEmpty() || array.Data() == nullptr) throw std::bad_alloc();
  std::memcpy(array.Data(), elements.data(), elements.size_bytes());
  return array;
}

bool ElementsFrom(Napi::Value value, napi_typedarray_type wanted, void** data, size_t* count) {
  napi_typedarray_type type;
  return value.IsTypedArray() &&
         napi_get_typedarray_info(value.Env(), value, &type, count, data, nullptr, nullptr) ==
             napi_ok &&
         type == wanted;
}

}  // namespace

BufferConstructors::BufferConstructors(Napi::Env env)
    : array_buffer(GlobalFunction(env, "ArrayBuffer")),
      shared_array_buffer(GlobalFunction(env, "SharedArrayBuffer")),
      float64_array(GlobalFunction(env, "Float64Array")) {}

bool BytesFromValue(Napi::Value value, std::span<uint8_t>* bytes) {
  void* data = nullptr;
  size_t count = 0;
  if (!ElementsFrom(value, napi_uint8_array, &data, &count)) return false;
  *bytes = {static_cast<uint8_t*>(data), data == nullptr ? 0 : count};
  return true;
}

bool LanesFromValue(Napi::Value value, std::span<double>* lanes) {
  void* data = nullptr;
  size_t count = 0;
  if (!ElementsFrom(value, napi_float64_array, &data, &count)) return false;
  *lanes = {static_cast<double*>(data), data == nullptr ? 0 : count};
  return true;
}

Napi::Value BytesToValue(Napi::Env env, std::span<const uint8_t> bytes) {
  const Napi::ArrayBuffer buffer = NewArrayBuffer(env, bytes.size());
  return Filled(Napi::Uint8Array::New(env, bytes.size(), buffer, 0), bytes);
}

Napi::Value LanesToValue(Napi::Env env, std::span<const double> lanes) {
  const Napi::ArrayBuffer buffer = NewArrayBuffer(env, lanes.size_bytes());
  return Filled(Napi::Float64Array::New(env, lanes.size(), buffer, 0), lanes);
}

Napi::Object NewSharedLanes(Napi::Env env, size_t count) {
  const BufferConstructors& constructors = ConstructorsOf(env);
  const Napi::Number length = Napi::Number::New(env, static_cast<double>(count * sizeof(double)));
  return Construct(env, constructors.float64_array,
                   Construct(env, constructors.shared_array_buffer, length));
}

}  // namespace pinnacle::addon
