#include "addon/journal_watch.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "addon/errors.h"
#include "addon/loop_signal.h"
#include "addon/method.h"
#include "addon/values.h"
#include "base/guarded.h"
#include "engine/live_status.h"
#include "journal/head_record.h"
#include "platform/environment.h"
#include "window/window_watch.h"

namespace pinnacle::addon {

namespace {

constexpr uint64_t kWaitNs = 50'000'000;
// How often to look again for a window that is missing or does not move: the writer may have been
// opened again.
constexpr uint64_t kSearchNs = 200'000'000;

// Waits on a thread of its own, so that no thread of the pool that file operations need is taken.
class JournalWatch {
 public:
  explicit JournalWatch(std::string data_directory) : directory_(std::move(data_directory)) {}
  ~JournalWatch() { Close(); }
  JournalWatch(const JournalWatch&) = delete;
  JournalWatch& operator=(const JournalWatch&) = delete;

  enum class Seen : uint8_t { kNoWindow, kNoMove, kMove };

  // Remembers how far the writer is: Wait waits for more than that.
  Seen Mark() {
    const uint64_t now_ns = environment_.clock->MonotonicNs();
    WakeLine line;
    if (watch_ != nullptr && watch_->Read(&line).ok() && line.moves != seen_) {
      seen_ = line.moves;
      moved_ns_ = now_ns;
      return Seen::kMove;
    }
    if (now_ns - moved_ns_ >= kSearchNs && now_ns - searched_ns_ >= kSearchNs) {
      searched_ns_ = now_ns;
      Search();
      seen_ = watch_ != nullptr && watch_->Read(&line).ok() ? line.moves : 0;
      if (watch_ != nullptr) return Seen::kMove;
    }
    return watch_ != nullptr ? Seen::kNoMove : Seen::kNoWindow;
  }

  bool Frontiers(WakeLine* line) const { return watch_ != nullptr && watch_->Read(line).ok(); }

  void HurryWriter() {
    if (watch_ != nullptr) watch_->HurryWriter();
  }

  // Calls `callback` once: when the writer has moved, or after a while.
  Status Wait(Napi::Env env, Napi::Function callback) {
    if (is_closed_) return Status(Code::kClosed, "this watch was closed");
    if (!thread_.joinable()) {
      Status started = Start(env);
      if (!started.ok()) {
        signal_.Close();
        return started;
      }
    }
    callback_ = Napi::Persistent(callback);
    signal_.Ref();
    {
      const std::lock_guard lock(mutex_);
      waited_for_ = watch_;
      waited_moves_ = seen_;
      is_wanted_ = true;
    }
    wanted_.notify_one();
    return Status();
  }

  void Cancel() {
    callback_.Reset();
    signal_.Unref();
  }

  void Close() {
    is_closed_ = true;
    {
      const std::lock_guard lock(mutex_);
      is_closing_ = true;
    }
    wanted_.notify_one();
    if (watch_ != nullptr) watch_->Interrupt();
    if (thread_.joinable()) thread_.join();
    callback_.Reset();
    signal_.Close();
  }

 private:
  void Search() {
    HeadFinding head;
    if (!ReadHead(environment_.file_system, directory_, &head).ok()) return;
    if (!head.valid || !NamesWindow(head.record)) {
      watch_.reset();
      path_.clear();
      return;
    }
    const std::string path = WindowPathOf(head.record);
    if (path == path_) return;
    path_.clear();
    watch_.reset();
    std::unique_ptr<WindowWatch> found;
    if (!WindowWatch::Open(environment_, path, &found).ok()) return;
    watch_ = std::move(found);
    path_ = path;
  }

  Status Start(Napi::Env env) {
    if (!signal_.Open(env, "pinnacle.watch", Call, this)) {
      return Status(Code::kTooManyFiles, "the event loop accepts no more callbacks");
    }
    return Guarded([this] {
      thread_ = std::thread([this] { Run(); });
      return Status();
    });
  }

  void Run() {
    std::unique_lock lock(mutex_);
    while (true) {
      wanted_.wait(lock, [this] { return is_wanted_ || is_closing_; });
      if (is_closing_) return;
      is_wanted_ = false;
      const std::shared_ptr<WindowWatch> watch = std::exchange(waited_for_, nullptr);
      const uint32_t moves = waited_moves_;
      lock.unlock();
      if (watch != nullptr) watch->Wait(moves, kWaitNs);
      signal_.Send();
      lock.lock();
    }
  }

  static void Call(napi_env env, void* self) {
    auto* watch = static_cast<JournalWatch*>(self);
    if (watch->callback_.IsEmpty()) return;
    Napi::Env environment(env);
    const Napi::HandleScope scope(environment);
    const Napi::Function callback = watch->callback_.Value();
    watch->Cancel();
    callback.Call({});
    if (environment.IsExceptionPending()) {
      napi_fatal_exception(env, environment.GetAndClearPendingException().Value());
    }
  }

  const std::string directory_;
  const Environment environment_ = Environment::Real();
  // Of the JavaScript thread.
  std::shared_ptr<WindowWatch> watch_;
  std::string path_;
  uint32_t seen_ = 0;
  uint64_t moved_ns_ = 0;
  uint64_t searched_ns_ = 0;
  Napi::FunctionReference callback_;
  LoopSignal signal_;
  bool is_closed_ = false;

  std::mutex mutex_;  // what follows
  std::condition_variable wanted_;
  std::shared_ptr<WindowWatch> waited_for_;
  uint32_t waited_moves_ = 0;
  bool is_wanted_ = false;
  bool is_closing_ = false;
  std::thread thread_;
};

Napi::Value WatchJournal(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const std::string directory = TextFrom(info[0]);
  auto watch = std::make_shared<JournalWatch>(directory);
  Napi::Object object = Napi::Object::New(env);
  const auto add = [&](const char* name, auto body) {
    object.Set(name,
               Method(env, name, [watch, body](const Napi::CallbackInfo& call) -> Napi::Value {
                 return body(call, *watch);
               }));
  };
  add("mark", [](const Napi::CallbackInfo& call, JournalWatch& held) -> Napi::Value {
    constexpr const char* kWords[] = {"no window", "no move", "move"};
    return Napi::String::New(call.Env(), kWords[static_cast<size_t>(held.Mark())]);
  });
  add("frontiers", [](const Napi::CallbackInfo& call, JournalWatch& held) -> Napi::Value {
    WakeLine line;
    if (!held.Frontiers(&line)) return call.Env().Null();
    Napi::Object both = Napi::Object::New(call.Env());
    both.Set("written", Num(call.Env(), line.written));
    both.Set("durable", Num(call.Env(), line.durable));
    return both;
  });
  add("wait", [](const Napi::CallbackInfo& call, JournalWatch& held) -> Napi::Value {
    const Status status = held.Wait(call.Env(), call[0].As<Napi::Function>());
    if (!status.ok()) Throw(call.Env(), status);
    return call.Env().Undefined();
  });
  add("cancel", [](const Napi::CallbackInfo& call, JournalWatch& held) -> Napi::Value {
    held.Cancel();
    return call.Env().Undefined();
  });
  add("hurryWriter", [](const Napi::CallbackInfo& call, JournalWatch& held) -> Napi::Value {
    held.HurryWriter();
    return call.Env().Undefined();
  });
  add("close", [](const Napi::CallbackInfo& call, JournalWatch& held) -> Napi::Value {
    held.Close();
    return call.Env().Undefined();
  });
  return object;
}

Napi::Value ReadLiveStatusOf(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const std::string directory = TextFrom(info[0]);
  FileSystem* fs = FileSystem::Real();
  auto page = std::make_unique<LivePage>();
  bool is_open = false;
  Status status = fs->IsLocked(directory, &is_open);
  if (status.ok()) status = ReadLiveStatus(fs, directory, page.get());
  if (is_open && status.code() == Code::kNotFound) {
    // It has just been opened, and says so in a moment.
    *page = LivePage();
    page->beat_ns = Clock::Real()->NowNs();
    status = Status();
  }
  if (!status.ok()) {
    Throw(env, status);
    return env.Undefined();
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("isOpen", is_open);
  constexpr const char* kStates[] = {"open", "failed", "closed"};
  object.Set("state", kStates[std::min<uint64_t>(page->state, 2)]);
  object.Set("failed", std::string(page->failure));
  const auto set = [&](const char* name, uint64_t value) { object.Set(name, Num(env, value)); };
  set("pid", page->pid);
  object.Set("openedNs", Napi::BigInt::New(env, page->opened_ns));
  object.Set("beatNs", Napi::BigInt::New(env, page->beat_ns));
  set("appended", page->appended);
  set("written", page->written);
  set("durable", page->durable);
  set("writtenWaitNs", page->written_wait_ns);
  set("durableWaitNs", page->durable_wait_ns);
  Napi::Object counters = Napi::Object::New(env);
  AddCounters(env, counters, page->counters, page->counter_count);
  object.Set("counters", counters);
  object.Set("appendNs", ToValue(env, page->append_ns));
  object.Set("syncNs", ToValue(env, page->sync_ns));
  object.Set("syncEntries", ToValue(env, page->sync_entries));
  return object;
}

Napi::Array CounterTable(Napi::Env env) {
  Napi::Array table = Napi::Array::New(env, kCounterCount);
  for (size_t i = 0; i < kCounterCount; ++i) {
    Napi::Object one = Napi::Object::New(env);
    one.Set("name", kCounterInfos[i].name);
    one.Set("kind", kCounterInfos[i].kind == CounterKind::kCounter ? "counter" : "gauge");
    one.Set("unit", kCounterInfos[i].unit);
    one.Set("what", kCounterInfos[i].what);
    table.Set(static_cast<uint32_t>(i), one);
  }
  return table;
}

}  // namespace

void AddJournalWatch(Napi::Env env, Napi::Object exports) {
  exports.Set("watchJournal", Method(env, "watchJournal", WatchJournal));
  exports.Set("readLiveStatus", Method(env, "readLiveStatus", ReadLiveStatusOf));
  exports.Set("counters", CounterTable(env));
}

}  // namespace pinnacle::addon
