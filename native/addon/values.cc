#include "addon/values.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "addon/errors.h"
#include "engine/option_bounds.h"

namespace pinnacle::addon {

namespace {

const char* PolicyName(RecoveryPolicy policy) {
  switch (policy) {
    case RecoveryPolicy::kStrict:
      return "strict";
    case RecoveryPolicy::kPointInTime:
      return "point-in-time";
    case RecoveryPolicy::kSalvage:
      return "salvage";
  }
  return "strict";
}

const char* FateName(WindowFate fate) {
  switch (fate) {
    case WindowFate::kNone:
      return "none";
    case WindowFate::kUsed:
      return "used";
    case WindowFate::kOtherBoot:
      return "other-boot";
    case WindowFate::kGone:
      return "gone";
    case WindowFate::kRefused:
      return "refused";
  }
  return "none";
}

double Milliseconds(uint64_t ns) { return static_cast<double>(ns) / 1e6; }

}  // namespace

std::string TextFrom(Napi::Value value) {
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
}

std::string PathFrom(Napi::Value value) {
  std::string path = TextFrom(value);
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

Napi::Value ToValue(Napi::Env env, const Hole& hole) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("firstSequence", Num(env, hole.first_sequence));
  object.Set("lastSequence", Num(env, hole.last_sequence));
  object.Set("snapshotSequence", Num(env, hole.snapshot_sequence));
  object.Set("entriesLeftOut", Num(env, hole.entries_left_out));
  return object;
}

namespace {

Napi::Value ToValue(Napi::Env env, const std::vector<Hole>& holes) {
  Napi::Array array = Napi::Array::New(env, holes.size());
  for (uint32_t i = 0; i < holes.size(); ++i) array.Set(i, addon::ToValue(env, holes[i]));
  return array;
}

Napi::Value ToValue(Napi::Env env, const std::vector<DamagedSnapshot>& snapshots) {
  Napi::Array array = Napi::Array::New(env, snapshots.size());
  for (uint32_t i = 0; i < snapshots.size(); ++i) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("path", snapshots[i].path);
    entry.Set("reason", snapshots[i].reason);
    array.Set(i, entry);
  }
  return array;
}

}  // namespace

Napi::Value ToValue(Napi::Env env, const WindowFinding& finding) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("fate", FateName(finding.fate));
  object.Set("path", finding.path);
  object.Set("reason", finding.reason);
  object.Set("entries", Num(env, finding.entries));
  object.Set("lastSequence", Num(env, finding.entries > 0 ? finding.last_sequence : 0));
  return object;
}

Napi::Value ToValue(Napi::Env env, const MendReport& report) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("lastSequence", Num(env, report.last_sequence));
  object.Set("snapshotSequence", Num(env, report.snapshot_sequence));
  object.Set("holes", ToValue(env, report.holes));
  object.Set("lostTail", Num(env, report.lost_tail));
  object.Set("entriesAfterDamage", Num(env, report.entries_after_damage));
  object.Set("entriesDropped", Num(env, report.entries_dropped));
  Napi::Array quarantined = Napi::Array::New(env, report.quarantined.size());
  for (uint32_t i = 0; i < report.quarantined.size(); ++i) {
    quarantined.Set(i, report.quarantined[i]);
  }
  object.Set("quarantined", quarantined);
  object.Set("damagedSnapshots", ToValue(env, report.damaged_snapshots));
  object.Set("quarantineDirectory", report.quarantine_directory);
  object.Set("window", ToValue(env, report.window));
  return object;
}

Napi::Value ToValue(Napi::Env env, const RecoveryReport& report) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("created", report.created);
  object.Set("tail", TailName(report.tail));
  object.Set("snapshotSequence", Num(env, report.snapshot_sequence));
  object.Set("snapshotPath", report.snapshot_path);
  object.Set("damagedSnapshots", ToValue(env, report.damaged_snapshots));
  object.Set("firstSequence", Num(env, report.first_sequence));
  object.Set("lastSequence", Num(env, report.last_sequence));
  object.Set("entriesReplayed", Num(env, report.entries_replayed));
  object.Set("segmentsRead", Num(env, report.segments_read));
  object.Set("bytesRead", Num(env, report.bytes_read));
  object.Set("bytesDropped", Num(env, report.bytes_dropped));
  object.Set("entriesDropped", Num(env, report.entries_dropped));
  object.Set("entriesSalvaged", Num(env, report.entries_salvaged));
  if (report.has_break) {
    Napi::Object where = Napi::Object::New(env);
    where.Set("segment", report.break_segment);
    where.Set("offset", Num(env, report.break_offset));
    where.Set("sequence", Num(env, report.break_sequence));
    where.Set("reason", report.break_reason);
    where.Set("validEntriesFollow", report.valid_entries_follow);
    where.Set("durableFrontier", Num(env, report.known_durable));
    object.Set("break", where);
  } else {
    object.Set("break", env.Null());
  }
  object.Set("holes", ToValue(env, report.holes));
  object.Set("repairFinished", report.repair_finished);
  object.Set("quarantineDirectory", report.quarantine_directory);
  object.Set("window", ToValue(env, report.window));
  object.Set("windowBytes", Num(env, report.window_bytes));
  object.Set("whyNoWindow", report.why_no_window);
  object.Set("whyWindowNotLocked", report.why_not_locked);
  object.Set("policy", PolicyName(report.policy));
  object.Set("durationMs", Milliseconds(report.duration_ns));
  Napi::Object phases = Napi::Object::New(env);
  phases.Set("lock", Milliseconds(report.lock_ns));
  phases.Set("snapshot", Milliseconds(report.snapshot_ns));
  phases.Set("replay", Milliseconds(report.scan_ns));
  phases.Set("start", Milliseconds(report.start_ns));
  object.Set("phasesMs", phases);
  return object;
}

Napi::Value ToValue(Napi::Env env, const SnapshotInfo& info) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("path", info.path);
  object.Set("sequence", Num(env, info.meta.sequence));
  object.Set("timestamp", Napi::BigInt::New(env, info.meta.timestamp_ns));
  object.Set("bytes", Num(env, info.bytes));
  object.Set("orders", Num(env, info.orders));
  object.Set("instruments", Num(env, static_cast<uint64_t>(info.instruments)));
  object.Set("stateBytes", Num(env, info.user_state_bytes));
  object.Set("durationMs", 0);
  return object;
}

Napi::Value ToValue(Napi::Env env, const CompactionReport& report) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("removed", Num(env, report.removed));
  object.Set("recycled", Num(env, report.recycled));
  object.Set("bytesFreed", Num(env, report.bytes_freed));
  object.Set("oldestSequence", Num(env, report.oldest_sequence));
  object.Set("reason", report.reason);
  object.Set("damagedSnapshots", DamagedToValue(env, report.damaged_snapshots));
  Napi::Array overtaken = Napi::Array::New(env, report.overtaken.size());
  for (uint32_t i = 0; i < report.overtaken.size(); ++i) {
    Napi::Object consumer = Napi::Object::New(env);
    consumer.Set("name", report.overtaken[i].name);
    consumer.Set("sequence", Num(env, report.overtaken[i].sequence));
    consumer.Set("oldestSequence", Num(env, report.oldest_sequence));
    overtaken.Set(i, consumer);
  }
  object.Set("overtaken", overtaken);
  object.Set("bytesKeptForConsumers", Num(env, report.bytes_kept_for_consumers));
  object.Set("slowestConsumer", report.slowest_consumer);
  return object;
}

Napi::Value ToValue(Napi::Env env, const RotationReport& report) {
  const auto infos = [&](const std::vector<SnapshotInfo>& snapshots) {
    Napi::Array array = Napi::Array::New(env, snapshots.size());
    for (uint32_t i = 0; i < snapshots.size(); ++i) array.Set(i, ToValue(env, snapshots[i]));
    return array;
  };
  Napi::Array damaged = Napi::Array::New(env, report.damaged.size());
  for (uint32_t i = 0; i < report.damaged.size(); ++i) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("snapshot", ToValue(env, report.damaged[i].info));
    entry.Set("reason", std::string(report.damaged[i].status.message()));
    damaged.Set(i, entry);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("kept", infos(report.kept));
  object.Set("removed", infos(report.removed));
  object.Set("damaged", damaged);
  return object;
}

Napi::Value DamagedToValue(Napi::Env env, const std::vector<SnapshotFinding>& damaged) {
  Napi::Array array = Napi::Array::New(env, damaged.size());
  for (uint32_t i = 0; i < damaged.size(); ++i) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("path", damaged[i].info.path);
    entry.Set("reason", std::string(damaged[i].status.message()));
    array.Set(i, entry);
  }
  return array;
}

namespace {

// Of the buckets that hold something; `count_of(bucket)` says how much.
template <typename CountOf>
Napi::Value HistogramToValue(Napi::Env env, uint64_t count, uint64_t min, uint64_t max,
                             const CountOf& count_of) {
  std::vector<double> bounds;
  std::vector<double> counts;
  for (uint32_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
    const uint64_t in_bucket = count_of(bucket);
    if (in_bucket == 0) continue;
    bounds.push_back(static_cast<double>(std::min(Histogram::UpperBound(bucket), max)));
    counts.push_back(static_cast<double>(in_bucket));
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("upperBounds", LanesToValue(env, bounds));
  object.Set("counts", LanesToValue(env, counts));
  object.Set("min", Num(env, min));
  object.Set("max", Num(env, max));
  object.Set("count", Num(env, count));
  return object;
}

}  // namespace

Napi::Value ToValue(Napi::Env env, const Histogram& histogram) {
  return HistogramToValue(env, histogram.count(), histogram.min(), histogram.max(),
                          [&](uint32_t bucket) { return histogram.CountOf(bucket); });
}

Napi::Value ToValue(Napi::Env env, const LiveHistogram& histogram) {
  return HistogramToValue(env, histogram.count, histogram.min, histogram.max,
                          [&](uint32_t bucket) { return histogram.buckets[bucket]; });
}

void AddCounters(Napi::Env env, Napi::Object object, const uint64_t* values, size_t count) {
  for (size_t i = 0; i < std::min(count, kCounterCount); ++i) {
    object.Set(kCounterInfos[i].name, Num(env, values[i]));
  }
}

Napi::Value InstrumentsToValue(Napi::Env env, const BookSet& books) {
  Napi::Array array = Napi::Array::New(env, books.instrument_count());
  for (uint32_t i = 1; i <= books.instrument_count(); ++i) {
    const Instrument& instrument = books.instrument(static_cast<uint16_t>(i));
    Napi::Object object = Napi::Object::New(env);
    object.Set("index", i);
    object.Set("name", instrument.name);
    object.Set("priceScale", instrument.price_scale);
    object.Set("quantityScale", instrument.quantity_scale);
    object.Set("kind", instrument.kind == InstrumentKind::kOrders ? "orders" : "levels");
    if (instrument.signed_prices) object.Set("signedPrices", true);
    array.Set(i - 1, object);
  }
  return array;
}

Status InstrumentFromValue(Napi::Value value, Instrument* instrument) {
  const auto refuse = [](const char* what) {
    return Status(Code::kInvalidInstrument, std::string("an instrument definition ") + what);
  };
  if (!value.IsObject()) return refuse("must be an object");
  Napi::Object object = value.As<Napi::Object>();
  const Napi::Value name = object.Get("name");
  const Napi::Value price_scale = object.Get("priceScale");
  const Napi::Value quantity_scale = object.Get("quantityScale");
  const Napi::Value kind = object.Get("kind");
  if (!name.IsString()) return refuse("needs a name (string)");
  if (!price_scale.IsNumber() || !quantity_scale.IsNumber()) {
    return refuse("needs priceScale and quantityScale (numbers)");
  }
  const double price_digits = price_scale.As<Napi::Number>().DoubleValue();
  const double quantity_digits = quantity_scale.As<Napi::Number>().DoubleValue();
  constexpr double kMost = kScaleBounds.to;
  if (!(price_digits >= 0 && price_digits <= kMost) ||
      !(quantity_digits >= 0 && quantity_digits <= kMost) ||
      price_digits != static_cast<uint32_t>(price_digits) ||
      quantity_digits != static_cast<uint32_t>(quantity_digits)) {
    return refuse("needs scales that are integers in their range");
  }
  instrument->name = name.As<Napi::String>().Utf8Value();
  instrument->price_scale = static_cast<uint32_t>(price_digits);
  instrument->quantity_scale = static_cast<uint32_t>(quantity_digits);
  instrument->kind = InstrumentKind::kOrders;
  if (!kind.IsUndefined()) {
    const std::string text = kind.IsString() ? kind.As<Napi::String>().Utf8Value() : "";
    if (text == "levels") {
      instrument->kind = InstrumentKind::kLevels;
    } else if (text != "orders") {
      return refuse("has kind 'orders' or 'levels'");
    }
  }
  const Napi::Value signed_prices = object.Get("signedPrices");
  if (!signed_prices.IsUndefined() && !signed_prices.IsBoolean()) {
    return refuse("has signedPrices true or false");
  }
  instrument->signed_prices = signed_prices.IsBoolean() && signed_prices.ToBoolean().Value();
  return Status();
}

bool OrderIdFromValue(Napi::Value value, OrderId* id) {
  if (!value.IsBigInt()) return false;
  int sign = 0;
  size_t words = 2;
  uint64_t bits[2] = {0, 0};
  if (napi_get_value_bigint_words(value.Env(), value, &sign, &words, bits) != napi_ok) return false;
  if (words > 2 || (sign != 0 && (bits[0] | bits[1]) != 0)) return false;
  *id = {bits[0], words > 1 ? bits[1] : 0};
  return true;
}

Napi::Value OrderIdToValue(Napi::Env env, OrderId id) {
  const uint64_t words[2] = {id.low, id.high};
  return Napi::BigInt::New(env, 0, id.high == 0 ? 1 : 2, words);
}

// Waiting reports beyond this are dropped: JavaScript is busy, and newer ones follow.
constexpr size_t kMostWaitingReports = 16;

ProgressCallback::ProgressCallback(Napi::Env env, Napi::Value callback) {
  if (!callback.IsFunction()) return;
  function_ = Napi::Persistent(callback.As<Napi::Function>());
  // A worker's environment may be gone before this is.
  function_.SuppressDestruct();
  napi_value name = Napi::String::New(env, "pinnacle.progress");
  const auto wake = [](napi_env environment, napi_value, void* context, void*) {
    // Without an environment the function is being torn down, maybe with its owner.
    if (environment != nullptr) static_cast<ProgressCallback*>(context)->CallWaiting();
  };
  if (napi_create_threadsafe_function(env, callback, nullptr, name, kMostWaitingReports, 1, nullptr,
                                      nullptr, this, wake, &callback_) != napi_ok) {
    callback_ = nullptr;
    return;
  }
  // Node frees the function with the environment, even if it is still referenced. Hooks run in
  // reverse order, so this one runs before that.
  env_ = env;
  napi_add_env_cleanup_hook(env, EnvironmentEnds, this);
}

ProgressCallback::~ProgressCallback() { Release(); }

void ProgressCallback::EnvironmentEnds(void* self) {
  auto* progress = static_cast<ProgressCallback*>(self);
  progress->env_ = nullptr;
  progress->Release();
}

ProgressFunction ProgressCallback::function() {
  if (callback_ == nullptr) return nullptr;
  return [this](const char* phase, uint64_t done, uint64_t total) {
    // Held over the call: the function is released under it.
    std::lock_guard lock(mutex_);
    if (callback_ == nullptr || waiting_.size() >= kMostWaitingReports) return;
    waiting_.push_back({phase, done, total});
    (void)napi_call_threadsafe_function(callback_, nullptr, napi_tsfn_nonblocking);
  };
}

void ProgressCallback::CallWaiting() {
  std::vector<Report> reports;
  {
    std::lock_guard lock(mutex_);
    reports.swap(waiting_);
  }
  if (reports.empty()) return;
  Napi::Env env = function_.Env();
  Napi::HandleScope scope(env);
  for (const Report& report : reports) {
    function_.Call(
        {Napi::String::New(env, report.phase), Num(env, report.done), Num(env, report.total)});
    if (env.IsExceptionPending()) {
      napi_fatal_exception(env, env.GetAndClearPendingException().Value());
    }
  }
}

void ProgressCallback::Stop() {
  if (env_ == nullptr) return;
  Release();
  CallWaiting();
  function_.Reset();
}

// Aborting it: what was asked for and not called yet must not find the owner gone. On the
// JavaScript thread, or once that has ended.
void ProgressCallback::Release() {
  if (env_ != nullptr) napi_remove_env_cleanup_hook(env_, EnvironmentEnds, this);
  env_ = nullptr;
  std::lock_guard lock(mutex_);
  if (callback_ == nullptr) return;
  napi_release_threadsafe_function(callback_, napi_tsfn_abort);
  callback_ = nullptr;
}

}  // namespace pinnacle::addon
