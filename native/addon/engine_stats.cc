#include "addon/engine_stats.h"

#include <string>

#include "addon/values.h"
#include "platform/thread_usage.h"

namespace pinnacle::addon {

Napi::Value StatsToValue(Napi::Env env, Engine& engine) {
  Napi::Object object = Napi::Object::New(env);
  const auto set = [&](const char* name, uint64_t value) { object.Set(name, Num(env, value)); };
  set("appended", engine.appended());
  set("written", engine.written());
  set("durable", engine.durable());
  set("applied", engine.books().last_sequence());
  object.Set("failed", std::string(engine.failure().message()));
  Counters counters;
  engine.ReadCounters(&counters);
  AddCounters(env, object, reinterpret_cast<const uint64_t*>(&counters), kCounterCount);
  // Of this thread, which is the one that writes.
  const ThreadUsage writer = ThisThreadUsage();
  set("writerMinorFaults", writer.minor_faults);
  set("writerMajorFaults", writer.major_faults);
  set("writerPreemptions", writer.involuntary_switches);
  object.Set("windowLost", engine.window_lost());
  uint64_t growths = 0;
  uint64_t memory = 0;
  const BookSet& books = engine.books();
  for (uint32_t i = 1; i <= books.instrument_count(); ++i) {
    growths += books.book(static_cast<uint16_t>(i)).growth_count();
    memory += books.book(static_cast<uint16_t>(i)).memory_bytes();
  }
  set("bookGrowths", growths);
  set("bookMemoryBytes", memory);
  // The clock's steps, and the last one.
  const StampClock& stamps = engine.stamps();
  set("clockSteps", stamps.steps());
  if (stamps.steps() == 0) {
    object.Set("lastClockStep", env.Null());
  } else {
    Napi::Object step = Napi::Object::New(env);
    step.Set("fromNs", Napi::BigInt::New(env, stamps.last_step().from_ns));
    step.Set("toNs", Napi::BigInt::New(env, stamps.last_step().to_ns));
    step.Set("sequence", Num(env, stamps.last_step().sequence));
    object.Set("lastClockStep", step);
  }
  object.Set("appendNs", ToValue(env, engine.append_ns()));
  if (engine.sync_ns() != nullptr) {
    object.Set("syncNs", ToValue(env, *engine.sync_ns()));
    object.Set("syncEntries", ToValue(env, *engine.sync_entries()));
  }
  return object;
}

}  // namespace pinnacle::addon
