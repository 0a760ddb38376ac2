#include "addon/engine_options.h"

#include <string>

#include "addon/values.h"

namespace pinnacle::addon {

namespace {

Status Refused(const char* name, const char* what) {
  return Status(Code::kInvalidArgument, std::string("engine option ") + name + " must be " + what);
}

Status Load(Napi::Object object, const char* name, double least, double most, uint64_t* out) {
  const Napi::Value value = object.Get(name);
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= least && number <= most)) return Refused(name, "a number in its range");
  *out = static_cast<uint64_t>(number);
  return Status();
}

Status LoadCpus(Napi::Object object, const char* name, CpuList* out) {
  const Napi::Value list = object.Get(name);
  if (!list.IsArray()) return Refused(name, "a list");
  const Napi::Array array = list.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value value = array.Get(i);
    const double cpu = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
    if (!(cpu >= 0 && cpu < kMaxCpus)) return Refused(name, "a list of processor numbers");
    out->push_back(static_cast<uint16_t>(cpu));
  }
  return Status();
}

std::string Text(Napi::Object object, const char* name) {
  const Napi::Value value = object.Get(name);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
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
  PINNACLE_RETURN_IF_ERROR(Load(object, "segmentBytes", static_cast<double>(kMinSegmentBytes),
                                static_cast<double>(kMaxSegmentBytes),
                                &options->journal.segment_bytes));
  if (options->journal.segment_bytes % kPageBytes != 0) {
    return Refused("segmentBytes", "a multiple of 4096");
  }
  PINNACLE_RETURN_IF_ERROR(Load(object, "spareSegments", 0, 1000, &options->journal.max_spares));
  const std::string durability = Text(object, "durability");
  if (durability == "appended") {
    options->durability = Durability::kAppended;
  } else if (durability == "interval") {
    options->durability = Durability::kInterval;
  } else if (durability == "durable") {
    options->durability = Durability::kDurable;
  } else {
    return Refused("durability", "'appended', 'interval' or 'durable'");
  }
  const Napi::Value interval = object.Get("syncIntervalMs");
  const double interval_ms = interval.IsNumber() ? interval.As<Napi::Number>().DoubleValue() : -1;
  if (!(interval_ms > 0 && interval_ms <= 3'600'000)) {
    return Refused("syncIntervalMs", "above 0 and at most 3600000");
  }
  options->sync_interval_ns = static_cast<uint64_t>(interval_ms * 1e6);
  const std::string policy = Text(object, "recoveryPolicy");
  if (policy == "strict") {
    options->policy = RecoveryPolicy::kStrict;
  } else if (policy == "point-in-time") {
    options->policy = RecoveryPolicy::kPointInTime;
  } else if (policy == "salvage") {
    options->policy = RecoveryPolicy::kSalvage;
  } else {
    return Refused("recoveryPolicy", "'strict', 'point-in-time' or 'salvage'");
  }
  options->has_state_machine = object.Get("hasStateMachine").ToBoolean();
  PINNACLE_RETURN_IF_ERROR(Load(object, "keepSnapshots", 1, 1'000'000, &options->keep_snapshots));
  PINNACLE_RETURN_IF_ERROR(Load(object, "compactionThresholdBytes", 0,
                                static_cast<double>(kMaxSafeInteger),
                                &options->compaction_threshold_bytes));
  PINNACLE_RETURN_IF_ERROR(Load(object, "consumerLimitBytes", 0,
                                static_cast<double>(kMaxSafeInteger),
                                &options->consumer_limit_bytes));
  PINNACLE_RETURN_IF_ERROR(Load(object, "consumerLimitEntries", 0,
                                static_cast<double>(kMaxSafeInteger),
                                &options->consumer_limit_entries));
  PINNACLE_RETURN_IF_ERROR(Load(object, "expectedOrders", 0, 1e9, &options->expected_orders));
  PINNACLE_RETURN_IF_ERROR(LoadCpus(object, "backgroundCpus", &options->background_cpus));
  const Napi::Value list = object.Get("instruments");
  if (list.IsArray()) {
    const Napi::Array array = list.As<Napi::Array>();
    for (uint32_t i = 0; i < array.Length(); ++i) {
      Instrument instrument;
      PINNACLE_RETURN_IF_ERROR(InstrumentFromValue(array.Get(i), &instrument));
      instruments->push_back(instrument);
    }
  }
  return Status();
}

}  // namespace pinnacle::addon
