#include "addon/engine_object.h"

#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "addon/async_call.h"
#include "addon/backup_binding.h"
#include "addon/engine_handle.h"
#include "addon/engine_options.h"
#include "addon/engine_stats.h"
#include "addon/errors.h"
#include "addon/hot_path.h"
#include "addon/method.h"
#include "addon/open_engines.h"
#include "addon/staging.h"
#include "addon/values.h"
#include "engine/time_travel.h"
#include "platform/thread_affinity.h"
#include "platform/thread_priority.h"

namespace pinnacle::addon {

namespace {

using Handle = std::shared_ptr<EngineHandle>;

Status Closed() {
  return Status(Code::kClosed,
                "this data directory was closed; open it again with "
                "PersistenceManager.open");
}

Engine* OpenEngineOf(const Napi::CallbackInfo& info, const Handle& handle) {
  Engine* engine = handle->engine();
  if (engine == nullptr) Throw(info.Env(), Closed());
  return engine;
}

Napi::Value Rejected(Napi::Env env, const Status& status) {
  Napi::Promise::Deferred deferred = Napi::Promise::Deferred::New(env);
  deferred.Reject(ErrorOf(env, status));
  return deferred.Promise();
}

// On a thread of its own, at low priority and on the processors for background work: the pool's
// threads keep their priority and their processors.
Status RunInBackground(const Handle& handle, const std::function<Status(Engine*)>& work) {
  Engine* engine = handle->engine_for_work();
  return RunAtLowPriority([&] {
    SetThreadAffinity(engine->options().background_cpus);
    return work(engine);
  });
}

Status InTransaction(const char* what) {
  return Status(Code::kTransactionOpen, std::string(what) +
                                            " was called inside a transaction; "
                                            "call it before the transaction or after it");
}

const char* WhyRefused(Code code) {
  switch (code) {
    case Code::kUnknownInstrument:
      return "there is no such instrument";
    case Code::kTransactionTooLarge:
      return "this entry makes the transaction larger than a segment or half the window; make it "
             "smaller, or raise segmentSize and windowSize";
    case Code::kTransactionAborted:
      return "an earlier operation of the transaction was refused, so nothing of it will be kept";
    default:
      return "the payload was refused";
  }
}

Napi::Value AppendPayload(const Napi::CallbackInfo& info, const Handle& handle) {
  Napi::Env env = info.Env();
  Engine* engine = OpenEngineOf(info, handle);
  if (engine == nullptr) return env.Undefined();
  const double type = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : -1;
  const double instrument = info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : -1;
  if (!(type >= 0 && type <= 127 && type == static_cast<uint8_t>(type))) {
    Throw(env, Status(Code::kInvalidEntryType, "a user type is an integer from 0 to 127"));
    return env.Undefined();
  }
  if (!(instrument >= 0 && instrument <= kMaxInstruments)) {
    Throw(env, Status(Code::kUnknownInstrument, "there is no such instrument"));
    return env.Undefined();
  }
  bool lossless = false;
  uint64_t timestamp_ns = 0;
  if (info[2].IsBigInt()) timestamp_ns = info[2].As<Napi::BigInt>().Uint64Value(&lossless);
  if (!lossless) {
    Throw(env,
          Status(Code::kInvalidTimestamp, "a timestamp is a bigint of nanoseconds, 0 or above"));
    return env.Undefined();
  }
  std::span<uint8_t> payload;
  if (!BytesFromValue(info[3], &payload)) {
    Throw(env, Status(Code::kBufferLength, "a payload is a Uint8Array or Buffer"));
    return env.Undefined();
  }
  if (payload.size() > kMaxPayloadBytes) {
    Throw(env, Status(Code::kEntryTooLarge, "a payload of " + std::to_string(payload.size()) +
                                                " bytes is above the limit of " +
                                                std::to_string(kMaxPayloadBytes)));
    return env.Undefined();
  }
  uint64_t sequence = 0;
  const Code code = engine->AppendPayload(
      static_cast<uint8_t>(type), static_cast<uint16_t>(instrument), timestamp_ns, payload.data(),
      static_cast<uint32_t>(payload.size()), &sequence);
  if (code != Code::kOk) {
    Status status = engine->last_error();
    if (status.code() != code) {
      status = Status(code, WhyRefused(code));
    }
    Throw(env, status);
    return env.Undefined();
  }
  const uint64_t stamp_ns = engine->last_stamp_ns();
  std::memcpy(handle->lanes() + lane::kOperations + lane::kTimestamp, &stamp_ns, sizeof(stamp_ns));
  return Num(env, sequence);
}

Napi::Value RequestDurable(const Napi::CallbackInfo& info, const Handle& handle) {
  if (OpenEngineOf(info, handle) != nullptr && info[0].IsNumber()) {
    const double sequence = info[0].As<Napi::Number>().DoubleValue();
    if (sequence >= 1) handle->RequestDurable(static_cast<uint64_t>(sequence));
  }
  return info.Env().Undefined();
}

Napi::Value Sync(const Napi::CallbackInfo& info, const Handle& handle) {
  Engine* engine = OpenEngineOf(info, handle);
  if (engine == nullptr) return info.Env().Undefined();
  if (engine->in_transaction()) {
    Throw(info.Env(), InTransaction("syncNow"));
    return info.Env().Undefined();
  }
  if (const Status status = engine->SyncNow(); !status.ok()) {
    Throw(info.Env(), status);
    return info.Env().Undefined();
  }
  return Num(info.Env(), engine->durable());
}

Napi::Value DefineInstrument(const Napi::CallbackInfo& info, const Handle& handle) {
  Engine* engine = OpenEngineOf(info, handle);
  if (engine == nullptr) return info.Env().Undefined();
  Instrument instrument;
  uint16_t index = 0;
  Status status = InstrumentFromValue(info[0], &instrument);
  if (status.ok()) status = engine->DefineInstrument(instrument, &index);
  if (!status.ok()) {
    Throw(info.Env(), status);
    return info.Env().Undefined();
  }
  return Num(info.Env(), static_cast<uint64_t>(index));
}

Napi::Value LastError(const Napi::CallbackInfo& info, const Handle& handle) {
  const Status status = handle->engine() == nullptr ? Closed() : handle->engine()->last_error();
  return status.ok() ? info.Env().Null() : ErrorOf(info.Env(), status);
}

Napi::Value TakeSnapshot(const Napi::CallbackInfo& info, const Handle& handle) {
  Napi::Env env = info.Env();
  Engine* engine = handle->engine();
  if (engine == nullptr) return Rejected(env, Closed());
  if (engine->in_transaction()) return Rejected(env, InTransaction("snapshot"));
  std::span<uint8_t> bytes;
  if (!info[0].IsNull() && !BytesFromValue(info[0], &bytes)) {
    return Rejected(env, Status(Code::kBufferLength, "a state is a Uint8Array or Buffer, or null"));
  }
  auto state = std::make_shared<const std::vector<uint8_t>>(bytes.begin(), bytes.end());
  const SnapshotPoint point = engine->FixSnapshotPoint();
  auto result = std::make_shared<SnapshotInfo>();
  auto rotation = std::make_shared<RotationReport>();
  auto duration_ns = std::make_shared<uint64_t>(0);
  return RunAsync(
      env, "pinnacle.snapshot",
      [handle, point, state, result, rotation, duration_ns] {
        Clock* clock = Clock::Real();
        const uint64_t start_ns = clock->MonotonicNs();
        Status status = RunInBackground(handle, [&](Engine* engine) {
          return engine->BuildSnapshot(point, *state, result.get(), rotation.get());
        });
        *duration_ns = clock->MonotonicNs() - start_ns;
        return status;
      },
      [result, rotation, duration_ns](Napi::Env environment) {
        Napi::Object object = ToValue(environment, *result).As<Napi::Object>();
        object.Set("durationMs", static_cast<double>(*duration_ns) / 1e6);
        object.Set("damagedSnapshots", DamagedToValue(environment, rotation->damaged));
        return object;
      });
}

Napi::Value RotateSnapshotFiles(const Napi::CallbackInfo& info, const Handle& handle) {
  Napi::Env env = info.Env();
  if (handle->engine() == nullptr) return Rejected(env, Closed());
  const double keep = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
  if (!(keep >= 1 && keep <= static_cast<double>(kMaxSafeInteger))) {
    return Rejected(env, Status(Code::kInvalidArgument, "keep is an integer of at least 1"));
  }
  auto report = std::make_shared<RotationReport>();
  return RunAsync(
      env, "pinnacle.rotate",
      [handle, keep, report] {
        return RunInBackground(handle, [&](Engine* engine) {
          return engine->RotateSnapshots(static_cast<uint64_t>(keep), report.get());
        });
      },
      [report](Napi::Env environment) { return ToValue(environment, *report); });
}

Napi::Value Compact(const Napi::CallbackInfo& info, const Handle& handle) {
  Napi::Env env = info.Env();
  if (handle->engine() == nullptr) return Rejected(env, Closed());
  const bool force = info[0].ToBoolean();
  auto report = std::make_shared<CompactionReport>();
  return RunAsync(
      env, "pinnacle.compact",
      [handle, force, report] {
        return RunInBackground(
            handle, [&](Engine* engine) { return engine->Compact(force, report.get()); });
      },
      [report](Napi::Env environment) { return ToValue(environment, *report); });
}

// (The caller of close waits for the backup first: it syncs and asks for the frontier.)
Napi::Value Backup(const Napi::CallbackInfo& info, const Handle& handle) {
  Engine* engine = OpenEngineOf(info, handle);
  if (engine == nullptr) return info.Env().Undefined();
  BackupOptions options;
  options.data_directory = engine->options().data_directory;
  if (info[0].IsString()) options.destination = info[0].As<Napi::String>().Utf8Value();
  options.durable = [handle] {
    // Of a journal that failed, what was durable before can still be had.
    (void)handle->engine_for_work()->SyncNow();
    return handle->engine_for_work()->durable();
  };
  return BackupAsync(info.Env(), std::move(options), info[1],
                     [handle](const std::function<Status()>& work) {
                       return RunInBackground(handle, [&](Engine*) { return work(); });
                     });
}

Napi::Value RecoveredState(const Napi::CallbackInfo& info, const Handle& handle) {
  Engine* engine = OpenEngineOf(info, handle);
  if (engine == nullptr) return info.Env().Undefined();
  if (engine->recovered_user_state().empty()) return info.Env().Null();
  return BytesToValue(info.Env(), engine->recovered_user_state());
}

Napi::Value BooksAt(const Napi::CallbackInfo& info, const Handle& handle) {
  Engine* engine = handle->engine();
  if (engine == nullptr) return Rejected(info.Env(), Closed());
  TimePoint point;
  if (const Status status = TimePointFromValue(info[0], &point); !status.ok()) {
    return Rejected(info.Env(), status);
  }
  return BooksAtAsync(info.Env(), engine->options().data_directory, point);
}

Napi::Value Close(const Napi::CallbackInfo& info, const Handle& handle) {
  Napi::Env env = info.Env();
  handle->BeginClose();
  return RunAsync(
      env, "pinnacle.close", [handle] { return handle->engine_for_work()->Close(); },
      [handle](Napi::Env environment) {
        handle->FinishClose();
        return environment.Undefined();
      },
      [handle](Napi::Env environment, const Status& status) {
        handle->FinishClose();
        return ErrorOf(environment, status);
      });
}

Napi::Object EngineToValue(Napi::Env env, const Handle& handle) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("staging", handle->staging().As<Napi::Object>().Get("buffer"));
  AddHotPath(env, object, handle);
  AddBookReading(env, object, [handle]() -> const BookSet* {
    Engine* engine = handle->engine();
    return engine == nullptr ? nullptr : &engine->books();
  });
  const auto add = [&](const char* name,
                       Napi::Value (*method)(const Napi::CallbackInfo&, const Handle&)) {
    object.Set(name, Method(env, name, [handle, method](const Napi::CallbackInfo& info) {
                 return method(info, handle);
               }));
  };
  add("appendPayload", AppendPayload);
  add("requestDurable", RequestDurable);
  add("sync", Sync);
  add("transactionEntries", [](const Napi::CallbackInfo& info, const Handle& from) -> Napi::Value {
    return Num(info.Env(), from->engine_for_work()->transaction_entries());
  });
  add("abortTransaction", [](const Napi::CallbackInfo& info, const Handle& from) -> Napi::Value {
    if (from->engine_for_work()->in_transaction()) from->engine_for_work()->AbortTransaction();
    return info.Env().Undefined();
  });
  add("appended", [](const Napi::CallbackInfo& info, const Handle& from) -> Napi::Value {
    return Num(info.Env(), from->engine_for_work()->appended());
  });
  add("written", [](const Napi::CallbackInfo& info, const Handle& from) -> Napi::Value {
    return Num(info.Env(), from->engine_for_work()->written());
  });
  add("durable", [](const Napi::CallbackInfo& info, const Handle& from) -> Napi::Value {
    return Num(info.Env(), from->engine_for_work()->durable());
  });
  add("defineInstrument", DefineInstrument);
  add("lastError", LastError);
  add("stats", [](const Napi::CallbackInfo& info, const Handle& from) -> Napi::Value {
    return StatsToValue(info.Env(), *from->engine_for_work());
  });
  add("snapshot", TakeSnapshot);
  add("rotateSnapshots", RotateSnapshotFiles);
  add("compact", Compact);
  add("backup", Backup);
  add("recoveredState", RecoveredState);
  add("booksAt", BooksAt);
  add("close", Close);
  return object;
}

}  // namespace

Napi::Value OpenEngine(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto options = std::make_shared<EngineOptions>();
  auto instruments = std::make_shared<std::vector<Instrument>>();
  Status parsed = EngineOptionsFromValue(info[0], options.get(), instruments.get());
  if (parsed.ok() && !info[1].IsObject()) {
    parsed = Status(Code::kInvalidArgument, "openEngine needs an object of event functions");
  }
  if (!parsed.ok()) return Rejected(env, parsed);
  auto events =
      std::make_shared<Napi::ObjectReference>(Napi::Persistent(info[1].As<Napi::Object>()));
  auto progress = std::make_shared<ProgressCallback>(env, info[2]);
  auto engine = std::make_shared<std::unique_ptr<Engine>>();
  auto report = std::make_shared<RecoveryReport>();
  return RunAsyncAndFinish(
      env, "pinnacle.open",
      [options, instruments, progress, engine, report]() -> Status {
        PINNACLE_RETURN_IF_ERROR(Engine::Open(Environment::Real(), *options, progress->function(),
                                              engine.get(), report.get()));
        for (const Instrument& instrument : *instruments) {
          uint16_t index = 0;
          PINNACLE_RETURN_IF_ERROR((*engine)->DefineInstrument(instrument, &index));
        }
        return Status();
      },
      [engine, report, events, progress](Napi::Env environment, Napi::Value* value) {
        progress->Stop();
        auto handle = std::make_shared<EngineHandle>(std::move(*engine));
        const Status status = Guarded([&] {
          const Napi::Object events_object = events->Value();
          PINNACLE_RETURN_IF_ERROR(handle->Attach(environment, events_object));
          events->Reset();
          Napi::Object result = Napi::Object::New(environment);
          Napi::Object object = EngineToValue(environment, handle);
          object.Set("events", events_object);  // the handle's own reference is weak
          result.Set("engine", object);
          result.Set("report", ToValue(environment, *report));
          *value = result;
          return Status();
        });
        // Functions that were made hold on to the handle: it must let go of the lock now.
        if (!status.ok() || environment.IsExceptionPending()) handle->Abandon();
        return status;
      },
      [engine, report, events, progress](Napi::Env environment, const Status& status) {
        progress->Stop();
        events->Reset();
        engine->reset();  // releases the lock, before JavaScript hears of it
        Napi::Object details = Napi::Object::New(environment);
        details.Set("report", ToValue(environment, *report));
        return ErrorOf(environment, status, details);
      });
}

Napi::Object BookSetToValue(Napi::Env env, std::shared_ptr<BookSet> books) {
  auto holder = std::make_shared<std::shared_ptr<BookSet>>(std::move(books));
  Napi::Object object = Napi::Object::New(env);
  object.Set("sequence", Num(env, (*holder)->last_sequence()));
  AddBookReading(env, object, [holder]() -> const BookSet* { return holder->get(); });
  object.Set("close", Method(env, "close", [holder](const Napi::CallbackInfo& info) {
               holder->reset();
               return info.Env().Undefined();
             }));
  return object;
}

Status TimePointFromValue(Napi::Value value, TimePoint* point) {
  Status refused(Code::kInvalidArgument,
                 "a point in time is { sequence } or { timestamp, instrument }");
  if (!value.IsObject()) return refused;
  const Napi::Object object = value.As<Napi::Object>();
  const Napi::Value sequence = object.Get("sequence");
  const Napi::Value timestamp = object.Get("timestamp");
  if (sequence.IsNumber()) {
    const double number = sequence.As<Napi::Number>().DoubleValue();
    if (!(number >= 1 && number <= static_cast<double>(kMaxSafeInteger))) {
      return Status(Code::kInvalidSequence, "a sequence is an integer of at least 1");
    }
    point->by_sequence = true;
    point->sequence = static_cast<uint64_t>(number);
    return Status();
  }
  if (!timestamp.IsBigInt()) return refused;
  bool lossless = false;
  point->by_sequence = false;
  point->timestamp_ns = timestamp.As<Napi::BigInt>().Uint64Value(&lossless);
  const Napi::Value instrument = object.Get("instrument");
  if (!lossless) return Status(Code::kInvalidTimestamp, "a timestamp is nanoseconds, 0 or above");
  if (!instrument.IsNumber()) return refused;
  const double index = instrument.As<Napi::Number>().DoubleValue();
  if (!(index >= 1 && index <= kMaxInstruments)) return refused;
  point->instrument = static_cast<uint16_t>(index);
  return Status();
}

static Napi::Value ToValue(Napi::Env env, const TimesAround& times) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("beyondLastEntry", times.beyond_last_entry);
  object.Set("lastTimestamp", Napi::BigInt::New(env, times.last_timestamp_ns));
  if (times.out_of_order_sequence == 0) {
    object.Set("outOfOrder", env.Null());
    return object;
  }
  Napi::Object entry = Napi::Object::New(env);
  entry.Set("sequence", Num(env, times.out_of_order_sequence));
  entry.Set("timestamp", Napi::BigInt::New(env, times.out_of_order_ns));
  entry.Set("aheadTimestamp", Napi::BigInt::New(env, times.ahead_ns));
  entry.Set("acrossPoint", times.across_point);
  object.Set("outOfOrder", entry);
  return object;
}

Napi::Value BooksAtAsync(Napi::Env env, const std::string& data_directory, const TimePoint& point) {
  auto books = std::make_shared<BookSet>();
  auto times = std::make_shared<TimesAround>();
  return RunAsync(
      env, "pinnacle.booksAt",
      [books, times, data_directory, point] {
        uint32_t entry_checksum = 0;
        WriteOut(data_directory);
        return point.by_sequence
                   ? BuildBooks(FileSystem::Real(), data_directory, point.sequence, books.get(),
                                &entry_checksum)
                   : BuildBooksAtTime(FileSystem::Real(), data_directory, point.instrument,
                                      point.timestamp_ns, books.get(), times.get());
      },
      [books, times, point](Napi::Env environment) -> Napi::Value {
        Napi::Object object = BookSetToValue(environment, books);
        if (!point.by_sequence) object.Set("times", ToValue(environment, *times));
        return object;
      });
}

}  // namespace pinnacle::addon
