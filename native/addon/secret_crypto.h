// The cryptography of the credentials, on secret memory: keys and plaintexts go in and come out
// without a copy on the JavaScript heap. All of it is the OpenSSL that Node.js carries; its
// functions resolve from the node executable when the addon is loaded, so nothing is linked here
// and Node's own updates apply.
//
// Every function returns false when OpenSSL refuses; an output is then wiped. What authenticates
// (GcmOpen) writes no plaintext out unless the tag is right.
#ifndef PINNACLE_ADDON_SECRET_CRYPTO_H_
#define PINNACLE_ADDON_SECRET_CRYPTO_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace pinnacle::crypto {

using Bytes = std::span<const uint8_t>;
using Output = std::span<uint8_t>;

inline constexpr size_t kGcmTagBytes = 16;
inline constexpr size_t kBlockBytes = 16;
inline constexpr size_t kSha256Bytes = 32;
inline constexpr size_t kX25519Bytes = 32;

bool Random(Output out);
// Compares without a data-dependent branch; false if the lengths differ.
bool Equal(Bytes a, Bytes b);

bool Pbkdf2Sha256(Bytes password, Bytes salt, uint32_t iterations, Output key);
// n: a power of two; memory is about 128 * n * r bytes, at most max_memory_bytes.
bool Scrypt(Bytes password, Bytes salt, uint64_t n, uint64_t r, uint64_t p,
            uint64_t max_memory_bytes, Output key);
bool HmacSha256(Bytes key, Bytes data, Output mac);              // mac: kSha256Bytes
bool HkdfSha256(Bytes key, Bytes salt, Bytes info, Output out);  // at most 255 * kSha256Bytes

// key: 16, 24 or 32 bytes. sealed: plaintext.size() + kGcmTagBytes, ciphertext then tag.
bool GcmSeal(Bytes key, Bytes nonce, Bytes additional, Bytes plaintext, Output sealed);
// plaintext: sealed.size() - kGcmTagBytes.
bool GcmOpen(Bytes key, Bytes nonce, Bytes additional, Bytes sealed, Output plaintext);

// PKCS #7 padding. ciphertext: plaintext.size() rounded up to the next full block.
bool CbcEncrypt(Bytes key, Bytes iv, Bytes plaintext, Output ciphertext);
// plaintext: ciphertext.size() bytes of room; *length is what was written. Unauthenticated by
// itself: callers verify a MAC over the ciphertext first.
bool CbcDecrypt(Bytes key, Bytes iv, Bytes ciphertext, Output plaintext, size_t* length);

bool X25519PublicKey(Bytes private_key, Output public_key);
// False for a public key of small order too (the shared secret would be zero).
bool X25519Shared(Bytes private_key, Bytes public_key, Output shared);

}  // namespace pinnacle::crypto

#endif  // PINNACLE_ADDON_SECRET_CRYPTO_H_
