#include "addon/async_call.h"

#include <memory>
#include <utility>

#include "addon/errors.h"
#include "base/guarded.h"

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
  AsyncCall(Napi::Env env, const char* name, std::function<Status()> work, Finish finish,
            std::function<Napi::Value(Napi::Env, const Status&)> error)
      : Napi::AsyncWorker(env, name),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        finish_(std::move(finish)),
        error_(std::move(error)) {}

  Napi::Promise Promise() const { return deferred_.Promise(); }

  void Execute() override { status_ = Guarded(work_); }

  void OnOK() override {
    Napi::HandleScope scope(Env());
    // A worker thread that is terminated still gets here, and then no value can be made.
    if (!RunsJavaScript(Env())) return;
    Napi::Value value;
    Status status = status_;
    if (status.ok()) status = Guarded([&] { return finish_(Env(), &value); });
    // Of a value that V8 had no room for.
    if (Env().IsExceptionPending()) {
      deferred_.Reject(Env().GetAndClearPendingException().Value());
    } else if (status.ok()) {
      deferred_.Resolve(value);
    } else {
      deferred_.Reject(error_ ? error_(Env(), status) : ErrorOf(Env(), status));
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::function<Status()> work_;
  Finish finish_;
  std::function<Napi::Value(Napi::Env, const Status&)> error_;
  Status status_;
};

}  // namespace

Napi::Promise RunAsync(Napi::Env env, const char* name, std::function<Status()> work,
                       std::function<Napi::Value(Napi::Env)> result,
                       std::function<Napi::Value(Napi::Env, const Status&)> error) {
  return RunAsyncAndFinish(
      env, name, std::move(work),
      [result = std::move(result)](Napi::Env environment, Napi::Value* value) {
        *value = result(environment);
        return Status();
      },
      std::move(error));
}

Napi::Promise RunAsyncAndFinish(Napi::Env env, const char* name, std::function<Status()> work,
                                Finish finish,
                                std::function<Napi::Value(Napi::Env, const Status&)> error) {
  auto call =
      std::make_unique<AsyncCall>(env, name, std::move(work), std::move(finish), std::move(error));
  Napi::Promise promise = call->Promise();
  call.release()->Queue();
  return promise;
}

}  // namespace pinnacle::addon
