// The native side of one engine object of JavaScript: the engine, the staging area and the way back
// to JavaScript from the sync thread.
//
// Lifetime: shared by the object's methods and by the work under way. It ends with close(), with
// garbage collection, or with the environment, whichever is first; each stops the threads before
// anything that they use goes.
#ifndef PINNACLE_ADDON_ENGINE_HANDLE_H_
#define PINNACLE_ADDON_ENGINE_HANDLE_H_

#include <napi.h>

#include <atomic>
#include <memory>

#include "addon/loop_signal.h"
#include "engine/engine.h"

namespace pinnacle::addon {

class EngineHandle : public std::enable_shared_from_this<EngineHandle> {
 public:
  EngineHandle(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
  ~EngineHandle();
  EngineHandle(const EngineHandle&) = delete;
  EngineHandle& operator=(const EngineHandle&) = delete;

  // Makes the staging area, starts the threads and registers for the environment's end. If it
  // fails, the caller calls Abandon.
  Status Attach(Napi::Env env, Napi::Object events);

  // Null once closing has begun. For calls of the JavaScript thread.
  Engine* engine() { return open_ ? engine_.get() : nullptr; }
  // For work under way, which may outlast close(); the engine refuses what it can no longer do.
  Engine* engine_for_work() { return engine_.get(); }
  double* lanes() { return lanes_; }
  Napi::Value staging() { return staging_.Value(); }

  // Answered by events.durable once the frontier is there, or the journal failed.
  void RequestDurable(uint64_t sequence);

  // Refuses further calls at once; the caller runs Engine::Close then, on any thread, and
  // FinishClose on the JavaScript thread. False if it was closed before.
  bool BeginClose();
  void FinishClose();
  // Both, and Engine::Close in between: for one that JavaScript never gets.
  void Abandon();

 private:
  static void OnEnvironmentEnd(void* self);
  static void CallEvents(napi_env env, void* self);
  void OnSync(uint64_t durable, const Status& status);

  std::unique_ptr<Engine> engine_;
  bool open_ = true;
  double* lanes_ = nullptr;
  napi_env env_ = nullptr;
  Napi::ObjectReference staging_;  // a Float64Array over shared memory, see buffers.h
  Napi::ObjectReference events_;   // weak except while a caller waits for durability
  LoopSignal signal_;              // calls CallEvents
  bool hook_registered_ = false;
  bool referenced_ = false;  // the signal keeps the event loop alive
  bool failure_told_ = false;
  std::atomic<bool> window_loss_told_{false};
  uint64_t clock_steps_told_ = 0;

  std::atomic<uint64_t> requested_{0};  // highest sequence that JavaScript waits for
};

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_ENGINE_HANDLE_H_
