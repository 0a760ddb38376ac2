#include "addon/secret_binding.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "addon/buffers.h"
#include "addon/method.h"
#include "addon/secret_crypto.h"
#include "base/guarded.h"
#include "base/status.h"
#include "secret/advisory_lock.h"
#include "secret/password_prompt.h"
#include "secret/secret_memory.h"

namespace pinnacle {

namespace {

using crypto::Bytes;
using crypto::Output;

constexpr napi_type_tag kLockTag = {0x1f6e5c8a0d3b4972, 0x8c47a9e2d05b613f};

Napi::Error ErrorOf(Napi::Env env, const Status& status) {
  Napi::Error error = Napi::Error::New(env, std::string(status.message()));
  error.Set("code", CodeName(status.code()));
  if (status.system_error() != 0) error.Set("errno", static_cast<double>(status.system_error()));
  return error;
}

void Throw(Napi::Env env, const Status& status) {
  ErrorOf(env, status).ThrowAsJavaScriptException();
}

// Takes a call's arguments in order and remembers the first that does not fit, so that a function
// reads them all and asks once.
class Arguments {
 public:
  explicit Arguments(const Napi::CallbackInfo& info) : info_(info) {}

  Output NextBytes() {
    Output bytes;
    if (!addon::BytesFromValue(Next(), &bytes)) Fail("a Uint8Array");
    return bytes;
  }

  // An integer 0 .. limit.
  uint64_t NextInteger(uint64_t limit) {
    const Napi::Value value = Next();
    const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
    if (!(number >= 0 && number <= static_cast<double>(limit)) ||
        number != static_cast<double>(static_cast<uint64_t>(number))) {
      Fail("an integer from 0 to " + std::to_string(limit));
      return 0;
    }
    return static_cast<uint64_t>(number);
  }

  std::string NextString() {
    const Napi::Value value = Next();
    if (!value.IsString()) {
      Fail("a string");
      return "";
    }
    return value.As<Napi::String>().Utf8Value();
  }

  bool NextBoolean() {
    const Napi::Value value = Next();
    if (!value.IsBoolean()) {
      Fail("a boolean");
      return false;
    }
    return value.As<Napi::Boolean>().Value();
  }

  // Throws if an argument did not fit.
  bool Fit() {
    if (problem_.empty()) return true;
    Napi::TypeError error = Napi::TypeError::New(info_.Env(), problem_);
    error.Set("code", CodeName(Code::kInvalidArgument));
    error.ThrowAsJavaScriptException();
    return false;
  }

 private:
  Napi::Value Next() { return info_[index_++]; }

  void Fail(const std::string& wanted) {
    if (problem_.empty()) problem_ = "argument " + std::to_string(index_) + " must be " + wanted;
  }

  const Napi::CallbackInfo& info_;
  size_t index_ = 0;
  std::string problem_;
};

// allocate(length, allowUnlocked): { bytes, locked }
Napi::Value Allocate(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const size_t length = arguments.NextInteger(kMaxSecretBytes);
  const bool allow_unlocked = arguments.NextBoolean();
  if (!arguments.Fit()) return {};
  std::shared_ptr<SecretMemory> memory;
  // At least one byte: an empty region would have no address of its own to be released by.
  const Status status = SecretMemory::Create(
      length == 0 ? 1 : length,
      allow_unlocked ? SecretMemory::Locking::kPreferred : SecretMemory::Locking::kRequired,
      &memory);
  if (!status.ok()) {
    Throw(info.Env(), status);
    return {};
  }
  auto owner = std::make_unique<std::shared_ptr<SecretMemory>>(memory);
  const Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(
      info.Env(), memory->bytes().data(), memory->length(),
      [](Napi::Env, void*, std::shared_ptr<SecretMemory>* held) { delete held; }, owner.get());
  if (info.Env().IsExceptionPending()) return {};
  static_cast<void>(owner.release());  // the finalizer's now
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("bytes", Napi::Uint8Array::New(info.Env(), length, buffer, 0));
  result.Set("locked", memory->locked());
  return result;
}

// release(bytes): wipes and detaches. An already released secret is left alone.
Napi::Value Release(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Output bytes = arguments.NextBytes();
  if (!arguments.Fit() || bytes.data() == nullptr) return {};
  WipeBytes(bytes);
  if (SecretMemory::RetireAt(bytes.data())) info[0].As<Napi::Uint8Array>().ArrayBuffer().Detach();
  return info.Env().Undefined();
}

Napi::Value Wipe(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Output bytes = arguments.NextBytes();
  if (arguments.Fit()) WipeBytes(bytes);
  return info.Env().Undefined();
}

Napi::Value LiveCount(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(SecretMemory::LiveCount()));
}

Napi::Value Random(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Output out = arguments.NextBytes();
  if (!arguments.Fit()) return {};
  return Napi::Boolean::New(info.Env(), crypto::Random(out));
}

Napi::Value Equal(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Bytes a = arguments.NextBytes();
  const Bytes b = arguments.NextBytes();
  if (!arguments.Fit()) return {};
  return Napi::Boolean::New(info.Env(), crypto::Equal(a, b));
}

// The binary primitives: n inputs, then one output; true if it was written.
template <bool (*Function)(Bytes, Bytes, Output)>
Napi::Value Call2(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Bytes a = arguments.NextBytes(), b = arguments.NextBytes();
  const Output out = arguments.NextBytes();
  if (!arguments.Fit()) return {};
  return Napi::Boolean::New(info.Env(), Function(a, b, out));
}

template <bool (*Function)(Bytes, Bytes, Bytes, Output)>
Napi::Value Call3(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Bytes a = arguments.NextBytes(), b = arguments.NextBytes(), c = arguments.NextBytes();
  const Output out = arguments.NextBytes();
  if (!arguments.Fit()) return {};
  return Napi::Boolean::New(info.Env(), Function(a, b, c, out));
}

template <bool (*Function)(Bytes, Bytes, Bytes, Bytes, Output)>
Napi::Value Call4(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Bytes a = arguments.NextBytes(), b = arguments.NextBytes(), c = arguments.NextBytes(),
              d = arguments.NextBytes();
  const Output out = arguments.NextBytes();
  if (!arguments.Fit()) return {};
  return Napi::Boolean::New(info.Env(), Function(a, b, c, d, out));
}

// cbcDecrypt(key, iv, ciphertext, out): length of the plaintext, or -1
Napi::Value CbcDecrypt(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Bytes key = arguments.NextBytes(), iv = arguments.NextBytes(), in = arguments.NextBytes();
  const Output out = arguments.NextBytes();
  if (!arguments.Fit()) return {};
  size_t length = 0;
  const bool ok = crypto::CbcDecrypt(key, iv, in, out, &length);
  return Napi::Number::New(info.Env(), ok ? static_cast<double>(length) : -1);
}

Napi::Value X25519PublicKey(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Bytes key = arguments.NextBytes();
  const Output out = arguments.NextBytes();
  if (!arguments.Fit()) return {};
  return Napi::Boolean::New(info.Env(), crypto::X25519PublicKey(key, out));
}

// Derives a key from a password off the main thread. It works on copies in secret memory of its
// own: the caller may release the password or the output while it runs.
class DeriveWorker : public Napi::AsyncWorker {
 public:
  using Derive = std::function<bool(Bytes password, Bytes salt, Output key)>;

  DeriveWorker(Napi::Env env, Derive derive, Bytes salt, Napi::Uint8Array out)
      : Napi::AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        derive_(std::move(derive)),
        salt_(salt.begin(), salt.end()),
        out_(Napi::Persistent(out.As<Napi::Object>())) {}

  Status Prepare(Bytes password, size_t key_bytes) {
    // The caller's password is locked or was allowed not to be; the same limit must not fail
    // half-way.
    PINNACLE_RETURN_IF_ERROR(
        SecretMemory::Create(password.size(), SecretMemory::Locking::kPreferred, &password_));
    PINNACLE_RETURN_IF_ERROR(
        SecretMemory::Create(key_bytes, SecretMemory::Locking::kPreferred, &key_));
    std::copy(password.begin(), password.end(), password_->bytes().begin());
    return Status();
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    ok_ = Guarded([this] {
            return derive_(password_->bytes(), salt_, key_->bytes())
                       ? Status()
                       : Status(Code::kInvalidArgument, "the parameters don't fit");
          }).ok();
  }

  void OnOK() override {
    const Napi::HandleScope scope(Env());
    auto out = out_.Value().As<Napi::Uint8Array>();
    // A released output is detached: it has no bytes to take the key.
    const bool taken = ok_ && out.ElementLength() == key_->length();
    if (taken) memcpy(out.Data(), key_->bytes().data(), key_->length());
    password_.reset();
    key_.reset();
    deferred_.Resolve(Napi::Boolean::New(Env(), taken));
  }

 private:
  Napi::Promise::Deferred deferred_;
  Derive derive_;
  std::vector<uint8_t> salt_;
  Napi::ObjectReference out_;
  std::shared_ptr<SecretMemory> password_;
  std::shared_ptr<SecretMemory> key_;
  bool ok_ = false;
};

Napi::Value StartDerive(const Napi::CallbackInfo& info, DeriveWorker::Derive derive, Bytes password,
                        Bytes salt, Napi::Uint8Array out) {
  auto worker = std::make_unique<DeriveWorker>(info.Env(), std::move(derive), salt, out);
  const Status status = worker->Prepare(password, out.ElementLength());
  if (!status.ok()) {
    Throw(info.Env(), status);
    return {};
  }
  const Napi::Promise promise = worker->promise();
  worker.release()->Queue();  // deletes itself when done
  return promise;
}

// pbkdf2(password, salt, iterations, out): Promise<boolean>
Napi::Value Pbkdf2(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Bytes password = arguments.NextBytes(), salt = arguments.NextBytes();
  const auto iterations = static_cast<uint32_t>(arguments.NextInteger(0x7fffffff));
  arguments.NextBytes();
  if (!arguments.Fit()) return {};
  return StartDerive(
      info,
      [iterations](Bytes secret, Bytes with, Output key) {
        return crypto::Pbkdf2Sha256(secret, with, iterations, key);
      },
      password, salt, info[3].As<Napi::Uint8Array>());
}

// scrypt(password, salt, n, r, p, maxMemoryBytes, out): Promise<boolean>
Napi::Value Scrypt(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Bytes password = arguments.NextBytes(), salt = arguments.NextBytes();
  const uint64_t n = arguments.NextInteger(1ull << 40), r = arguments.NextInteger(1 << 20),
                 p = arguments.NextInteger(1 << 20), memory = arguments.NextInteger(1ull << 40);
  arguments.NextBytes();
  if (!arguments.Fit()) return {};
  return StartDerive(
      info,
      [n, r, p, memory](Bytes secret, Bytes with, Output key) {
        return crypto::Scrypt(secret, with, n, r, p, memory, key);
      },
      password, salt, info[6].As<Napi::Uint8Array>());
}

// prompt(descriptor, text, out): { outcome: 'line' | 'interrupted' | 'end', length }. Blocks.
Napi::Value Prompt(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const auto descriptor = static_cast<int>(arguments.NextInteger(0x7fffffff));
  const std::string text = arguments.NextString();
  const Output out = arguments.NextBytes();
  if (!arguments.Fit()) return {};
  size_t length = 0;
  PromptOutcome outcome = PromptOutcome::kLine;
  const Status status = PromptPassword(descriptor, text, out, &length, &outcome);
  if (!status.ok()) {
    Throw(info.Env(), status);
    return {};
  }
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("outcome", outcome == PromptOutcome::kLine          ? "line"
                        : outcome == PromptOutcome::kInterrupted ? "interrupted"
                                                                 : "end");
  result.Set("length", static_cast<double>(length));
  return result;
}

// lock(path): a token to hand to unlock; unreferenced, it unlocks when it is collected.
Napi::Value Lock(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const std::string path = arguments.NextString();
  if (!arguments.Fit()) return {};
  auto holder = std::make_unique<std::unique_ptr<AdvisoryLock>>();
  const Status status = AdvisoryLock::Acquire(path, holder.get());
  if (!status.ok()) {
    Throw(info.Env(), status);
    return {};
  }
  auto token = Napi::External<std::unique_ptr<AdvisoryLock>>::New(
      info.Env(), holder.release(),
      [](Napi::Env, std::unique_ptr<AdvisoryLock>* held) { delete held; });
  token.TypeTag(&kLockTag);
  return token;
}

Napi::Value Unlock(const Napi::CallbackInfo& info) {
  if (!info[0].IsExternal() ||
      !info[0].As<Napi::External<std::unique_ptr<AdvisoryLock>>>().CheckTypeTag(&kLockTag)) {
    Napi::TypeError error =
        Napi::TypeError::New(info.Env(), "argument 1 must be what `lock` returned");
    error.Set("code", CodeName(Code::kInvalidArgument));
    error.ThrowAsJavaScriptException();
    return {};
  }
  info[0].As<Napi::External<std::unique_ptr<AdvisoryLock>>>().Data()->reset();
  return info.Env().Undefined();
}

}  // namespace

void RegisterSecrets(Napi::Env env, Napi::Object exports) {
  Napi::Object secrets = Napi::Object::New(env);
  const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    secrets.Set(name, addon::Method(env, name, function));
  };
  add("allocate", &Allocate);
  add("release", &Release);
  add("wipe", &Wipe);
  add("liveCount", &LiveCount);
  add("random", &Random);
  add("equal", &Equal);
  add("pbkdf2", &Pbkdf2);
  add("scrypt", &Scrypt);
  add("hmacSha256", &Call2<&crypto::HmacSha256>);
  add("hkdfSha256", &Call3<&crypto::HkdfSha256>);
  add("gcmSeal", &Call4<&crypto::GcmSeal>);
  add("gcmOpen", &Call4<&crypto::GcmOpen>);
  add("cbcEncrypt", &Call3<&crypto::CbcEncrypt>);
  add("cbcDecrypt", &CbcDecrypt);
  add("x25519PublicKey", &X25519PublicKey);
  add("x25519Shared", &Call2<&crypto::X25519Shared>);
  add("prompt", &Prompt);
  add("lock", &Lock);
  add("unlock", &Unlock);
  exports.Set("secrets", secrets);
}

}  // namespace pinnacle
