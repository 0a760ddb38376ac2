#include "addon/secret_crypto.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <memory>

#include "secret/secret_memory.h"

namespace pinnacle::crypto {

namespace {

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }  // cleanses
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }  // cleanses
};
struct FreeKeyContext {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeKeyContext>;

// OpenSSL takes lengths as int, and pointers that are not null even for nothing.
bool Fits(size_t length) { return length <= INT_MAX - 64; }
constexpr uint8_t kNothing[1] = {0};
const uint8_t* DataOf(Bytes bytes) { return bytes.empty() ? kNothing : bytes.data(); }
int LengthOf(Bytes bytes) { return static_cast<int>(bytes.size()); }

// Takes back what a refusal leaves in the thread's error queue: node:crypto would report it as its
// own.
class QuietErrors {
 public:
  QuietErrors() { ERR_set_mark(); }
  ~QuietErrors() { ERR_pop_to_mark(); }
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;
};

bool Succeeded(bool ok, Output out) {
  if (!ok) WipeBytes(out);
  return ok;
}

const EVP_CIPHER* GcmOf(Bytes key) {
  switch (key.size()) {
    case 16:
      return EVP_aes_128_gcm();
    case 24:
      return EVP_aes_192_gcm();
    case 32:
      return EVP_aes_256_gcm();
    default:
      return nullptr;
  }
}

const EVP_CIPHER* CbcOf(Bytes key) {
  switch (key.size()) {
    case 16:
      return EVP_aes_128_cbc();
    case 24:
      return EVP_aes_192_cbc();
    case 32:
      return EVP_aes_256_cbc();
    default:
      return nullptr;
  }
}

// One of GCM's directions, up to and with the data; the tag is the caller's.
bool RunGcm(EVP_CIPHER_CTX* context, bool encrypt, Bytes key, Bytes nonce, Bytes additional,
            Bytes in, uint8_t* out) {
  const EVP_CIPHER* cipher = GcmOf(key);
  int length = 0;
  if (cipher == nullptr || nonce.empty() || !Fits(in.size()) || !Fits(additional.size()) ||
      EVP_CipherInit_ex(context, cipher, nullptr, nullptr, nullptr, encrypt) != 1 ||
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, LengthOf(nonce), nullptr) != 1 ||
      EVP_CipherInit_ex(context, nullptr, nullptr, key.data(), nonce.data(), encrypt) != 1) {
    return false;
  }
  if (!additional.empty() &&
      EVP_CipherUpdate(context, nullptr, &length, additional.data(), LengthOf(additional)) != 1) {
    return false;
  }
  return in.empty() || EVP_CipherUpdate(context, out, &length, in.data(), LengthOf(in)) == 1;
}

Key PrivateX25519(Bytes private_key) {
  if (private_key.size() != kX25519Bytes) return nullptr;
  return Key(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, private_key.data(),
                                          private_key.size()));
}

}  // namespace

bool Random(Output out) {
  const QuietErrors quiet;
  return Fits(out.size()) &&
         (out.empty() || RAND_priv_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

bool Equal(Bytes a, Bytes b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

bool Pbkdf2Sha256(Bytes password, Bytes salt, uint32_t iterations, Output key) {
  const QuietErrors quiet;
  if (!Fits(password.size()) || !Fits(salt.size()) || !Fits(key.size()) || iterations == 0 ||
      iterations > INT_MAX) {
    return false;
  }
  return Succeeded(
      PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(DataOf(password)), LengthOf(password),
                        DataOf(salt), LengthOf(salt), static_cast<int>(iterations), EVP_sha256(),
                        static_cast<int>(key.size()), key.data()) == 1,
      key);
}

bool Scrypt(Bytes password, Bytes salt, uint64_t n, uint64_t r, uint64_t p,
            uint64_t max_memory_bytes, Output key) {
  const QuietErrors quiet;
  return Succeeded(
      EVP_PBE_scrypt(reinterpret_cast<const char*>(DataOf(password)), password.size(), DataOf(salt),
                     salt.size(), n, r, p, max_memory_bytes, key.data(), key.size()) == 1,
      key);
}

bool HmacSha256(Bytes key, Bytes data, Output mac) {
  const QuietErrors quiet;
  unsigned int length = 0;
  if (mac.size() != kSha256Bytes || !Fits(key.size())) return false;
  return Succeeded(HMAC(EVP_sha256(), DataOf(key), LengthOf(key), DataOf(data), data.size(),
                        mac.data(), &length) != nullptr &&
                       length == kSha256Bytes,
                   mac);
}

// RFC 5869, written out over HMAC: the extracted key stays in a buffer that is wiped here.
bool HkdfSha256(Bytes key, Bytes salt, Bytes info, Output out) {
  if (out.size() > 255 * kSha256Bytes || info.size() > 1024) return false;
  constexpr std::array<uint8_t, kSha256Bytes> kNoSalt{};
  std::array<uint8_t, kSha256Bytes> extracted, block;
  std::array<uint8_t, kSha256Bytes + 1024 + 1> message;
  bool ok = HmacSha256(salt.empty() ? Bytes(kNoSalt) : salt, key, extracted);
  size_t previous = 0;
  uint8_t counter = 1;
  for (size_t done = 0; ok && done < out.size(); ++counter) {
    memcpy(message.data(), block.data(), previous);
    std::copy(info.begin(), info.end(), message.begin() + static_cast<ptrdiff_t>(previous));
    message[previous + info.size()] = counter;
    ok = HmacSha256(extracted, Bytes(message.data(), previous + info.size() + 1), block);
    const size_t taken = std::min(out.size() - done, block.size());
    if (ok) memcpy(out.data() + done, block.data(), taken);
    done += taken;
    previous = block.size();
  }
  WipeBytes(extracted);
  WipeBytes(block);
  WipeBytes(message);
  return Succeeded(ok, out);
}

bool GcmSeal(Bytes key, Bytes nonce, Bytes additional, Bytes plaintext, Output sealed) {
  const QuietErrors quiet;
  CipherContext context(EVP_CIPHER_CTX_new());
  int length = 0;
  if (context == nullptr || sealed.size() != plaintext.size() + kGcmTagBytes) return false;
  uint8_t* tag = sealed.data() + plaintext.size();
  return Succeeded(
      RunGcm(context.get(), true, key, nonce, additional, plaintext, sealed.data()) &&
          EVP_CipherFinal_ex(context.get(), tag, &length) == 1 &&
          EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kGcmTagBytes, tag) == 1,
      sealed);
}

bool GcmOpen(Bytes key, Bytes nonce, Bytes additional, Bytes sealed, Output plaintext) {
  const QuietErrors quiet;
  CipherContext context(EVP_CIPHER_CTX_new());
  int length = 0;
  if (context == nullptr || sealed.size() < kGcmTagBytes ||
      plaintext.size() != sealed.size() - kGcmTagBytes) {
    return false;
  }
  std::array<uint8_t, kGcmTagBytes> tag;
  memcpy(tag.data(), sealed.data() + plaintext.size(), tag.size());
  uint8_t unused[kBlockBytes];
  return Succeeded(RunGcm(context.get(), false, key, nonce, additional,
                          sealed.first(plaintext.size()), plaintext.data()) &&
                       EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kGcmTagBytes,
                                           tag.data()) == 1 &&
                       EVP_CipherFinal_ex(context.get(), unused, &length) == 1,
                   plaintext);
}

bool CbcEncrypt(Bytes key, Bytes iv, Bytes plaintext, Output ciphertext) {
  const QuietErrors quiet;
  CipherContext context(EVP_CIPHER_CTX_new());
  const EVP_CIPHER* cipher = CbcOf(key);
  const size_t padded = (plaintext.size() / kBlockBytes + 1) * kBlockBytes;
  int length = 0, last = 0;
  if (context == nullptr || cipher == nullptr || iv.size() != kBlockBytes ||
      !Fits(plaintext.size()) || ciphertext.size() != padded) {
    return false;
  }
  return Succeeded(EVP_EncryptInit_ex(context.get(), cipher, nullptr, key.data(), iv.data()) == 1 &&
                       EVP_EncryptUpdate(context.get(), ciphertext.data(), &length,
                                         DataOf(plaintext), LengthOf(plaintext)) == 1 &&
                       EVP_EncryptFinal_ex(context.get(), ciphertext.data() + length, &last) == 1,
                   ciphertext);
}

bool CbcDecrypt(Bytes key, Bytes iv, Bytes ciphertext, Output plaintext, size_t* length) {
  const QuietErrors quiet;
  CipherContext context(EVP_CIPHER_CTX_new());
  const EVP_CIPHER* cipher = CbcOf(key);
  int written = 0, last = 0;
  *length = 0;
  if (context == nullptr || cipher == nullptr || iv.size() != kBlockBytes || ciphertext.empty() ||
      ciphertext.size() % kBlockBytes != 0 || !Fits(ciphertext.size()) ||
      plaintext.size() != ciphertext.size()) {
    return false;
  }
  const bool ok = EVP_DecryptInit_ex(context.get(), cipher, nullptr, key.data(), iv.data()) == 1 &&
                  EVP_DecryptUpdate(context.get(), plaintext.data(), &written, ciphertext.data(),
                                    LengthOf(ciphertext)) == 1 &&
                  EVP_DecryptFinal_ex(context.get(), plaintext.data() + written, &last) == 1;
  if (ok) *length = static_cast<size_t>(written) + static_cast<size_t>(last);
  return Succeeded(ok, plaintext);
}

bool X25519PublicKey(Bytes private_key, Output public_key) {
  const QuietErrors quiet;
  const Key key = PrivateX25519(private_key);
  size_t length = public_key.size();
  return key != nullptr && public_key.size() == kX25519Bytes &&
         EVP_PKEY_get_raw_public_key(key.get(), public_key.data(), &length) == 1 &&
         length == kX25519Bytes;
}

bool X25519Shared(Bytes private_key, Bytes public_key, Output shared) {
  const QuietErrors quiet;
  const Key own = PrivateX25519(private_key);
  if (own == nullptr || public_key.size() != kX25519Bytes || shared.size() != kX25519Bytes) {
    return false;
  }
  const Key peer(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, public_key.data(), public_key.size()));
  const KeyContext context(EVP_PKEY_CTX_new(own.get(), nullptr));
  size_t length = shared.size();
  return Succeeded(
      peer != nullptr && context != nullptr && EVP_PKEY_derive_init(context.get()) == 1 &&
          EVP_PKEY_derive_set_peer(context.get(), peer.get()) == 1 &&
          EVP_PKEY_derive(context.get(), shared.data(), &length) == 1 && length == kX25519Bytes,
      shared);
}

}  // namespace pinnacle::crypto
