// Native results as JavaScript values, in the shapes of lib/native/binding.ts.
#ifndef PINNACLE_ADDON_VALUES_H_
#define PINNACLE_ADDON_VALUES_H_

#include <napi.h>

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "addon/buffers.h"
#include "base/histogram.h"
#include "engine/engine.h"
#include "engine/mending.h"
#include "engine/options.h"
#include "live/live_page.h"
#include "snapshot/snapshot_directory.h"
#include "snapshot/snapshot_reader.h"

namespace pinnacle::addon {

Napi::Value ToValue(Napi::Env env, const Hole& hole);
Napi::Value ToValue(Napi::Env env, const WindowFinding& finding);
Napi::Value ToValue(Napi::Env env, const RecoveryReport& report);
Napi::Value ToValue(Napi::Env env, const MendReport& report);
Napi::Value ToValue(Napi::Env env, const SnapshotInfo& info);
Napi::Value ToValue(Napi::Env env, const CompactionReport& report);
Napi::Value ToValue(Napi::Env env, const RotationReport& report);
// [{ path, reason }]
Napi::Value DamagedToValue(Napi::Env env, const std::vector<SnapshotFinding>& damaged);
Napi::Value ToValue(Napi::Env env, const Histogram& histogram);
Napi::Value ToValue(Napi::Env env, const LiveHistogram& histogram);
// Sets the first `count` counters of the table by their names.
void AddCounters(Napi::Env env, Napi::Object object, const uint64_t* values, size_t count);
Napi::Value InstrumentsToValue(Napi::Env env, const BookSet& books);

inline Napi::Number Num(Napi::Env env, uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}
inline Napi::Number Num(Napi::Env env, int64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

// A string; empty for anything else.
std::string TextFrom(Napi::Value value);
// The same without slashes at its end.
std::string PathFrom(Napi::Value value);

// { name, priceScale, quantityScale, kind, signedPrices } of well-typed input; kInvalidInstrument
// otherwise.
Status InstrumentFromValue(Napi::Value value, Instrument* instrument);

// 0 .. 2^128 - 1; false otherwise.
bool OrderIdFromValue(Napi::Value value, OrderId* id);
Napi::Value OrderIdToValue(Napi::Env env, OrderId id);

// Adds the methods of NativeBookReader to `object`. `books` gives the set to read, or null once it
// is closed.
void AddBookReading(Napi::Env env, Napi::Object object, std::function<const BookSet*()> books);

// A callback for progress that may be called on any thread; it drops reports while JavaScript is
// busy. Stop it (on the JavaScript thread) when the work is over: reports that wait are delivered
// then, and none comes after the work's promise has settled.
class ProgressCallback {
 public:
  ProgressCallback(Napi::Env env, Napi::Value callback);
  ~ProgressCallback();
  ProgressCallback(const ProgressCallback&) = delete;
  ProgressCallback& operator=(const ProgressCallback&) = delete;
  ProgressFunction function();
  void Stop();

 private:
  struct Report {
    const char* phase;
    uint64_t done;
    uint64_t total;
  };

  static void EnvironmentEnds(void* self);
  void CallWaiting();
  void Release();

  Napi::FunctionReference function_;
  napi_env env_ = nullptr;  // of the JavaScript thread; null: stopped, or it has ended
  std::mutex mutex_;
  napi_threadsafe_function callback_ = nullptr;
  std::vector<Report> waiting_;
};

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_VALUES_H_
