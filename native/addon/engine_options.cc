#include "addon/engine_options.h"

#include <string>

#include "addon/values.h"
#include "engine/option_bounds.h"

namespace pinnacle::addon {

namespace {

Status Refused(const char* name, const char* what) {
  return Status(Code::kInvalidArgument, std::string("engine option ") + name + " must be " + what);
}

std::string RangeOf(const OptionBounds& bounds) {
  return std::to_string(bounds.from) + " to " + std::to_string(bounds.to);
}

// Whether the value is an integer within the bounds.
bool LoadInteger(Napi::Value value, const OptionBounds& bounds, uint64_t* out) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= static_cast<double>(bounds.from) && number <= static_cast<double>(bounds.to))) {
    return false;
  }
  *out = static_cast<uint64_t>(number);
  return static_cast<double>(*out) == number && *out % bounds.multiple_of == 0;
}

Status Load(Napi::Object object, const OptionBounds& bounds, uint64_t* out) {
  if (LoadInteger(object.Get(bounds.name), bounds, out)) return Status();
  std::string what = "an integer from " + RangeOf(bounds);
  if (bounds.multiple_of != 1) what += ", a multiple of " + std::to_string(bounds.multiple_of);
  return Refused(bounds.name, what.c_str());
}

Status LoadCpus(Napi::Object object, const OptionBounds& bounds, CpuList* out) {
  const Napi::Value list = object.Get(bounds.name);
  if (!list.IsArray()) return Refused(bounds.name, "a list");
  const Napi::Array array = list.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    uint64_t cpu = 0;
    if (!LoadInteger(array.Get(i), bounds, &cpu)) {
      return Refused(bounds.name, "a list of processor numbers");
    }
    out->push_back(static_cast<uint16_t>(cpu));
  }
  return Status();
}

std::string Text(Napi::Object object, const char* name) {
  const Napi::Value value = object.Get(name);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
}

// The value that one of the names means.
template <typename Value>
struct Choice {
  const char* name;
  Value value;
};

template <typename Value, size_t kCount>
Status LoadChoice(Napi::Object object, const char* name, const Choice<Value> (&choices)[kCount],
                  Value* out) {
  const std::string given = Text(object, name);
  std::string what;
  for (size_t i = 0; i < kCount; ++i) {
    if (given == choices[i].name) {
      *out = choices[i].value;
      return Status();
    }
    what += (i == 0 ? "'" : i + 1 < kCount ? ", '" : " or '") + std::string(choices[i].name) + "'";
  }
  return Refused(name, what.c_str());
}

constexpr Choice<WritePath> kWritePaths[] = {
    {"auto", WritePath::kAuto}, {"window", WritePath::kWindow}, {"mapped", WritePath::kMapped}};
constexpr Choice<Durability> kDurabilities[] = {{"appended", Durability::kAppended},
                                                {"interval", Durability::kInterval},
                                                {"durable", Durability::kDurable}};
constexpr Choice<RecoveryPolicy> kPolicies[] = {{"strict", RecoveryPolicy::kStrict},
                                                {"point-in-time", RecoveryPolicy::kPointInTime},
                                                {"salvage", RecoveryPolicy::kSalvage}};

// How entries get into the segment files.
Status LoadWindow(Napi::Object object, WindowOptions* window) {
  PINNACLE_RETURN_IF_ERROR(LoadChoice(object, "writePath", kWritePaths, &window->path));
  window->directory = PathFrom(object.Get("windowDirectory"));
  if (window->directory.find('\0') != std::string::npos) {
    return Refused("windowDirectory", "a path without a zero character");
  }
  if (!window->directory.empty() && window->directory.front() != '/') {
    return Refused("windowDirectory", "an absolute path, or empty");
  }
  if (window->directory.size() >= kWindowDirectoryBytes) {
    const std::string what = "of at most " + std::to_string(kWindowDirectoryBytes - 1) + " bytes";
    return Refused("windowDirectory", what.c_str());
  }
  return Load(object, kWindowBytesBounds, &window->bytes);
}

}  // namespace

Status EngineOptionsFromValue(Napi::Value value, EngineOptions* options,
                              std::vector<Instrument>* instruments) {
  if (!value.IsObject()) return Status(Code::kInvalidArgument, "openEngine needs options");
  const Napi::Object object = value.As<Napi::Object>();
  options->data_directory = Text(object, "dataDirectory");
  while (options->data_directory.size() > 1 && options->data_directory.ends_with('/')) {
    options->data_directory.pop_back();
  }
  if (options->data_directory.empty()) return Refused("dataDirectory", "a path");
  if (options->data_directory.find('\0') != std::string::npos) {
    return Refused("dataDirectory", "a path without a zero character");
  }
  options->create = object.Get("create").ToBoolean();
  PINNACLE_RETURN_IF_ERROR(Load(object, kSegmentBytesBounds, &options->journal.segment_bytes));
  PINNACLE_RETURN_IF_ERROR(Load(object, kSpareSegmentsBounds, &options->journal.max_spares));
  PINNACLE_RETURN_IF_ERROR(LoadWindow(object, &options->journal.window));
  PINNACLE_RETURN_IF_ERROR(LoadChoice(object, "durability", kDurabilities, &options->durability));
  uint64_t interval_ms = 0;
  PINNACLE_RETURN_IF_ERROR(Load(object, kSyncIntervalBounds, &interval_ms));
  options->sync_interval_ns = interval_ms * 1'000'000;
  PINNACLE_RETURN_IF_ERROR(LoadChoice(object, "recoveryPolicy", kPolicies, &options->policy));
  options->has_state_machine = object.Get("hasStateMachine").ToBoolean();
  PINNACLE_RETURN_IF_ERROR(Load(object, kKeepSnapshotsBounds, &options->keep_snapshots));
  PINNACLE_RETURN_IF_ERROR(
      Load(object, kCompactionThresholdBounds, &options->compaction_threshold_bytes));
  PINNACLE_RETURN_IF_ERROR(Load(object, kConsumerLimitBounds, &options->consumer_limit_bytes));
  PINNACLE_RETURN_IF_ERROR(
      Load(object, kConsumerLimitEntriesBounds, &options->consumer_limit_entries));
  PINNACLE_RETURN_IF_ERROR(Load(object, kExpectedOrdersBounds, &options->expected_orders));
  PINNACLE_RETURN_IF_ERROR(LoadCpus(object, kBackgroundCpusBounds, &options->background_cpus));
  const Napi::Value list = object.Get("instruments");
  if (list.IsArray()) {
    const Napi::Array array = list.As<Napi::Array>();
    if (array.Length() > kInstrumentsBounds.to) return Refused("instruments", "fewer");
    for (uint32_t i = 0; i < array.Length(); ++i) {
      Instrument instrument;
      PINNACLE_RETURN_IF_ERROR(InstrumentFromValue(array.Get(i), &instrument));
      instruments->push_back(instrument);
    }
  }
  return Status();
}

Napi::Object BoundsOfOptions(Napi::Env env) {
  Napi::Object all = Napi::Object::New(env);
  for (const OptionBounds& bounds : kOptionBounds) {
    Napi::Object one = Napi::Object::New(env);
    one.Set("from", static_cast<double>(bounds.from));
    one.Set("to", static_cast<double>(bounds.to));
    one.Set("multipleOf", static_cast<double>(bounds.multiple_of));
    all.Set(bounds.name, one);
  }
  return all;
}

}  // namespace pinnacle::addon
