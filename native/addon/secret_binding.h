// What lib/credentials sees of native/secret and of the cryptography: plain functions over
// Uint8Array.
//
// A secret is a Uint8Array over an external ArrayBuffer whose memory is a SecretMemory. Releasing
// it wipes the memory and detaches the ArrayBuffer, so every view becomes empty; a secret that is
// garbage collected without release is wiped by its finalizer, and one alive at exit by
// SecretMemory itself.
//
// Errors are thrown as Error with `code` (and `errno`); lib/secure/native.ts gives them their
// class. Misuse (a missing or wrong argument) is a TypeError with ERR_PINNACLE_INVALID_ARGUMENT.
// It keeps no state per environment: safe in worker threads.
#ifndef PINNACLE_ADDON_SECRET_BINDING_H_
#define PINNACLE_ADDON_SECRET_BINDING_H_

#include <napi.h>

namespace pinnacle {

// Adds `exports.secrets`.
void RegisterSecrets(Napi::Env env, Napi::Object exports);

}  // namespace pinnacle

#endif  // PINNACLE_ADDON_SECRET_BINDING_H_
