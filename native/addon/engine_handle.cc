#include "addon/engine_handle.h"

#include <algorithm>
#include <span>
#include <utility>

#include "addon/buffers.h"
#include "addon/errors.h"
#include "addon/open_engines.h"
#include "addon/staging.h"
#include "addon/values.h"
#include "base/check.h"

namespace pinnacle::addon {

EngineHandle::~EngineHandle() {
  if (hook_registered_) napi_remove_env_cleanup_hook(env_, OnEnvironmentEnd, this);
  RemoveOpenEngine(engine_.get());
  (void)engine_->Close();
  signal_.Close();
}

Status EngineHandle::Attach(Napi::Env env, Napi::Object events) {
  env_ = env;
  const Napi::Object staging = NewSharedLanes(env, kStagingLanes);
  std::span<double> lanes;
  PINNACLE_CHECK(LanesFromValue(staging, &lanes) && lanes.size() == kStagingLanes);
  lanes_ = lanes.data();
  staging_ = Napi::Persistent(staging);
  // Weak: these functions know the engine object, and a strong reference would close a circle that
  // no garbage collection opens. The engine object holds them.
  events_ = Napi::Weak(events);
  if (!signal_.Open(env, "pinnacle.durable", CallEvents, this)) {
    return Status(Code::kTooManyFiles,
                  "the event loop of this thread accepts no more callbacks: its "
                  "descriptors may have run out (ulimit -n)");
  }
  // Hooks run in reverse: this one before the signal's.
  hook_registered_ = napi_add_env_cleanup_hook(env, OnEnvironmentEnd, this) == napi_ok;
  engine_->OnClockStep([this] { signal_.Send(); });
  AddOpenEngine(engine_.get());
  if (engine_->stamps().steps() > 0) signal_.Send();  // while it was opened
  return engine_->StartThreads(
      [this](uint64_t durable, const Status& status) { OnSync(durable, status); });
}

void EngineHandle::OnEnvironmentEnd(void* self) {
  EngineHandle* handle = static_cast<EngineHandle*>(self);
  handle->hook_registered_ = false;
  handle->open_ = false;
  (void)handle->engine_->Close();
  handle->signal_.Close();
}

void EngineHandle::OnSync(uint64_t durable, const Status& status) {
  // No caller waits: JavaScript is not woken.
  (void)durable;
  const bool is_news = engine_->window_lost() && !window_loss_told_;
  if (status.ok() && !is_news && requested_.load(std::memory_order_acquire) == 0) return;
  signal_.Send();
}

void EngineHandle::CallEvents(napi_env env, void* self) {
  EngineHandle* handle = static_cast<EngineHandle*>(self);
  if (!handle->open_ || handle->events_.IsEmpty()) return;
  // The callback may close and drop the object.
  const std::shared_ptr<EngineHandle> keep = handle->shared_from_this();
  Napi::Env environment(env);
  Napi::HandleScope scope(environment);
  Napi::Object events = handle->events_.Value();
  if (events.IsEmpty()) return;  // collected: the engine object follows
  Engine* engine = handle->engine_.get();
  const uint64_t durable = engine->durable();
  const Status failure = engine->failure();
  if (durable >= handle->requested_.load(std::memory_order_relaxed) || !failure.ok()) {
    handle->requested_.store(0, std::memory_order_release);
    if (handle->referenced_) {
      handle->referenced_ = false;
      handle->signal_.Unref();
      handle->events_.Unref();
    }
  }
  const Napi::Value error = failure.ok() ? environment.Null() : ErrorOf(environment, failure);
  // What a listener throws ends the process, as an exception that nothing catches does.
  const auto tell = [&](const char* event, std::initializer_list<napi_value> arguments) {
    const Napi::Value listener = events.Get(event);
    if (!listener.IsFunction()) return;
    listener.As<Napi::Function>().Call(events, arguments);
    if (environment.IsExceptionPending()) {
      napi_fatal_exception(env, environment.GetAndClearPendingException().Value());
    }
  };
  tell("durable", {Num(environment, durable), error});
  if (handle->clock_steps_told_ != engine->stamps().steps()) {
    handle->clock_steps_told_ = engine->stamps().steps();
    const ClockStep& step = engine->stamps().last_step();
    tell("clockStepped",
         {Napi::BigInt::New(environment, step.from_ns), Napi::BigInt::New(environment, step.to_ns),
          Num(environment, step.sequence)});
  }
  if (handle->open_ && engine->window_lost() && !handle->window_loss_told_) {
    handle->window_loss_told_ = true;
    if (const Window* window = engine->window(); window != nullptr) {
      tell("windowLost",
           {Napi::String::New(environment, window->path()),
            Napi::String::New(environment, std::string(window->LossStatus().message()))});
    }
  }
  if (!failure.ok() && !handle->failure_told_) {
    handle->failure_told_ = true;
    tell("failure", {error});
  }
}

void EngineHandle::RequestDurable(uint64_t sequence) {
  requested_.store(std::max(requested_.load(std::memory_order_relaxed), sequence),
                   std::memory_order_release);
  if (!referenced_) {
    referenced_ = true;
    signal_.Ref();
    events_.Ref();  // waiting callers get an answer, even if nothing else holds the journal
  }
  if (engine_->durable() >= sequence || engine_->failed()) {
    OnSync(engine_->durable(), engine_->failure());
    return;
  }
  engine_->RequestDurable(sequence);
}

bool EngineHandle::BeginClose() {
  if (!open_) return false;
  open_ = false;
  return true;
}

void EngineHandle::FinishClose() {
  if (hook_registered_) napi_remove_env_cleanup_hook(env_, OnEnvironmentEnd, this);
  hook_registered_ = false;
  signal_.Close();
  events_.Reset();
}

void EngineHandle::Abandon() {
  BeginClose();
  (void)engine_->Close();
  FinishClose();
}

}  // namespace pinnacle::addon
