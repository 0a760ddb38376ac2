#include "addon/async_call.h"

#include <memory>
#include <utility>

#include "addon/errors.h"

namespace pinnacle::addon {

namespace {

// Whether the environment still takes what would run JavaScript: it does not once it is terminated.
bool RunsJavaScript(napi_env env) {
  napi_value object = nullptr;
  napi_value flag = nullptr;
  return napi_create_object(env, &object) == napi_ok &&
         napi_get_boolean(env, true, &flag) == napi_ok &&
         napi_set_named_property(env, object, "runs", flag) == napi_ok;
}

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
    // A worker thread that is terminated still gets here, and then no value can be made.
    if (!RunsJavaScript(Env())) return;
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
