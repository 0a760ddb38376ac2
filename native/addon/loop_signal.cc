#include "addon/loop_signal.h"

#include <uv.h>

#include <utility>

namespace pinnacle::addon {

struct LoopSignal::Handle {
  uv_async_t async{};
  LoopSignal* owner = nullptr;  // null once it has let go of this
  napi_env env = nullptr;
  Call call = nullptr;
  void* data = nullptr;
  napi_async_context context = nullptr;
  // Has the environment wait, at its end, until the loop has let go of `async`.
  napi_async_cleanup_hook_handle hook = nullptr;

  static void OnAsync(uv_async_t* async) {
    const auto* handle = static_cast<const Handle*>(async->data);
    const napi_env env = handle->env;
    Napi::HandleScope scope(env);
    const Napi::Object resource = Napi::Object::New(env);
    napi_callback_scope callbacks = nullptr;
    if (napi_open_callback_scope(env, resource, handle->context, &callbacks) != napi_ok) return;
    handle->call(env, handle->data);  // `handle` may be gone from here on
    napi_close_callback_scope(env, callbacks);
  }

  void Close() {
    if (uv_is_closing(reinterpret_cast<uv_handle_t*>(&async)) != 0) return;
    uv_close(reinterpret_cast<uv_handle_t*>(&async), [](uv_handle_t* closed) {
      const std::unique_ptr<Handle> handle(static_cast<Handle*>(closed->data));
      if (handle->hook != nullptr) napi_remove_async_cleanup_hook(handle->hook);
    });
    napi_async_destroy(env, std::exchange(context, nullptr));
  }
};

bool LoopSignal::Open(napi_env env, const char* name, Call call, void* data) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok || loop == nullptr) return false;
  auto handle = std::make_unique<Handle>();
  handle->env = env;
  handle->call = call;
  handle->data = data;
  handle->async.data = handle.get();
  if (napi_async_init(env, nullptr, Napi::String::New(env, name), &handle->context) != napi_ok) {
    return false;
  }
  if (uv_async_init(loop, &handle->async, Handle::OnAsync) != 0) {
    napi_async_destroy(env, handle->context);
    return false;
  }
  // Released when the loop lets go of it, in Close.
  Handle* opened = handle.release();
  uv_unref(reinterpret_cast<uv_handle_t*>(&opened->async));
  opened->owner = this;
  // Through the owner: it must not send to, or close, what is gone.
  (void)napi_add_async_cleanup_hook(
      env,
      [](napi_async_cleanup_hook_handle, void* self) {
        LoopSignal* owner = static_cast<Handle*>(self)->owner;
        if (owner != nullptr) owner->Close();
      },
      opened, &opened->hook);
  std::lock_guard lock(mutex_);
  handle_ = opened;
  return true;
}

void LoopSignal::Ref() {
  if (handle_ != nullptr) uv_ref(reinterpret_cast<uv_handle_t*>(&handle_->async));
}

void LoopSignal::Unref() {
  if (handle_ != nullptr) uv_unref(reinterpret_cast<uv_handle_t*>(&handle_->async));
}

void LoopSignal::Close() {
  Handle* closed = nullptr;
  {
    std::lock_guard lock(mutex_);
    closed = std::exchange(handle_, nullptr);
  }
  if (closed == nullptr) return;
  closed->owner = nullptr;
  closed->Close();
}

void LoopSignal::Send() {
  std::lock_guard lock(mutex_);
  if (handle_ != nullptr) (void)uv_async_send(&handle_->async);
}

}  // namespace pinnacle::addon
