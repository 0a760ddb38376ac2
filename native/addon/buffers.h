// Memory that JavaScript and native code both see.
//
// Three rules keep a pointer from outliving its memory:
// - Pointer and length of a caller's bytes are asked for together, in the call that uses them, and
//   no JavaScript runs before they are used. (A buffer may shrink, or be moved to another thread by
//   a transfer.)
// - What outlives the call is copied, shared memory too: other threads write to it meanwhile.
// - What native code keeps (the staging area) lies in a SharedArrayBuffer, which nothing in
//   JavaScript can detach, transfer or shrink.
//
// JavaScript's own constructors make new buffers: they throw when memory is short, while Node-API's
// functions end the process.
#ifndef PINNACLE_ADDON_BUFFERS_H_
#define PINNACLE_ADDON_BUFFERS_H_

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace pinnacle::addon {

// The constructors as they were when the addon was loaded.
struct BufferConstructors {
  Napi::FunctionReference array_buffer;
  Napi::FunctionReference shared_array_buffer;
  Napi::FunctionReference float64_array;

  explicit BufferConstructors(Napi::Env env);
};

// The bytes of a Uint8Array or Buffer over memory of any kind. False for any other value.
bool BytesFromValue(Napi::Value value, std::span<uint8_t>* bytes);
// The lanes of a Float64Array. False for any other value.
bool LanesFromValue(Napi::Value value, std::span<double>* lanes);

// These throw std::bad_alloc when memory runs out.
Napi::Value BytesToValue(Napi::Env env, std::span<const uint8_t> bytes);
Napi::Value LanesToValue(Napi::Env env, std::span<const double> lanes);
// A Float64Array over shared memory.
Napi::Object NewSharedLanes(Napi::Env env, size_t count);

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_BUFFERS_H_
