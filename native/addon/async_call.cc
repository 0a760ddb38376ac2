#include "addon/async_call.h"

#include <memory>
#include <utility>

#include "addon/errors.h"

namespace pinnacle::addon {

namespace {

// Owns itself from Queue to OnOK or OnError (Napi::AsyncWorker deletes it then).
class AsyncCall : public Napi::AsyncWorker {
 public:
  AsyncCall(Napi::Env env, const char* name, std::function<Status()> work,
            std::function<Napi::Value(Napi::Env)> result,
            std::function<Napi::Value(Napi::Env, const Status&)> error)
      : Napi::AsyncWorker(env, name),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        result_(std::move(result)),
        error_(std::move(error)) {}

  Napi::Promise Promise() const { return deferred_.Promise(); }

  void Execute() override { status_ = work_(); }

  void OnOK() override {
    Napi::HandleScope scope(Env());
    if (status_.ok()) {
      deferred_.Resolve(result_(Env()));
    } else {
      deferred_.Reject(error_ ? error_(Env(), status_) : ErrorOf(Env(), status_));
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::function<Status()> work_;
  std::function<Napi::Value(Napi::Env)> result_;
  std::function<Napi::Value(Napi::Env, const Status&)> error_;
  Status status_;
};

}  // namespace

Napi::Promise RunAsync(Napi::Env env, const char* name, std::function<Status()> work,
                       std::function<Napi::Value(Napi::Env)> result,
                       std::function<Napi::Value(Napi::Env, const Status&)> error) {
  auto call =
      std::make_unique<AsyncCall>(env, name, std::move(work), std::move(result), std::move(error));
  Napi::Promise promise = call->Promise();
  call.release()->Queue();
  return promise;
}

}  // namespace pinnacle::addon
