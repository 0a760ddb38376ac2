// Calls a function on an environment's event loop, whenever any thread asks for it. Askings that
// come before the loop got round to the call are one.
//
// A thread-safe function would do the same, but holds its lock while it wakes the loop: the loop's
// thread then runs into that lock and goes to sleep once more, in the middle of every durable
// append that is awaited.
#ifndef PINNACLE_ADDON_LOOP_SIGNAL_H_
#define PINNACLE_ADDON_LOOP_SIGNAL_H_

#include <napi.h>

#include <memory>
#include <mutex>

namespace pinnacle::addon {

class LoopSignal {
 public:
  // Runs in a callback scope of its own (microtasks run after it) and may close the signal.
  using Call = void (*)(napi_env env, void* data);

  LoopSignal() = default;
  ~LoopSignal() { Close(); }
  LoopSignal(const LoopSignal&) = delete;
  LoopSignal& operator=(const LoopSignal&) = delete;

  // --- the environment's thread ---

  // False if the environment has no loop to offer. An open signal does not keep the process alive
  // by itself.
  bool Open(napi_env env, const char* name, Call call, void* data);
  // Keeps the process alive, or lets it end.
  void Ref();
  void Unref();
  // No call follows. Idempotent; the end of the environment waits for it.
  void Close();

  // --- any thread ---

  // Does nothing if the signal is not open.
  void Send();

 private:
  struct Handle;

  std::mutex mutex_;          // handle_: against its being closed while another thread sends
  Handle* handle_ = nullptr;  // the loop's; it frees it once it is closed
};

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_LOOP_SIGNAL_H_
