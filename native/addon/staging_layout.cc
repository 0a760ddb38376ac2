#include "addon/staging_layout.h"

#include <span>

#include "addon/staging.h"
#include "state/entry_payloads.h"

namespace pinnacle::addon {

namespace {

struct Named {
  const char* name;
  size_t value;
};

constexpr Named kStaging[] = {
    {"bytes", kStagingBytes},
    {"sequence", lane::kSequence},
    {"code", lane::kCode},
    {"count", lane::kCount},
    {"refused", lane::kRefused},
    {"failedIndex", lane::kFailedIndex},
    {"batchCount", lane::kBatchCount},
    {"skipRefused", lane::kSkipRefused},
    {"atomic", lane::kAtomic},
    {"tellStamps", lane::kTellStamps},
    {"operations", lane::kOperations},
    {"lanesPerOperation", lane::kPerOperation},
    {"maxOperations", lane::kMaxOperations},
    {"kind", lane::kKind},
    {"instrument", lane::kInstrument},
    {"orderId", lane::kOrderId},
    {"price", lane::kPrice},
    {"quantity", lane::kQuantity},
    {"timestamp", lane::kTimestamp},
    {"newOrderId", lane::kNewOrderId},
    {"side", lane::kSide},
    {"orderIdHigh", lane::kOrderIdHigh},
    {"newOrderIdHigh", lane::kNewOrderIdHigh},
    {"resultCode", lane::kResultCode},
    {"resultSequence", lane::kResultSequence},
    {"rawIds", kRawIds},
    {"rawTime", kRawTime},
    {"payload", lane::kPayload},
};

constexpr size_t ValueOf(EntryType type) { return static_cast<size_t>(type); }

constexpr Named kEntryTypes[] = {
    {"Instrument", ValueOf(EntryType::kInstrument)},
    {"Hole", ValueOf(EntryType::kHole)},
    {"Add", ValueOf(EntryType::kAdd)},
    {"Reduce", ValueOf(EntryType::kReduce)},
    {"Cancel", ValueOf(EntryType::kCancel)},
    {"Execute", ValueOf(EntryType::kExecute)},
    {"Replace", ValueOf(EntryType::kReplace)},
    {"ReplaceWide", ValueOf(EntryType::kReplaceWide)},
    {"SetLevel", ValueOf(EntryType::kSetLevel)},
    {"Clear", ValueOf(EntryType::kClear)},
    {"Trade", ValueOf(EntryType::kTrade)},
    {"Status", ValueOf(EntryType::kStatus)},
    {"FirstUserType", kFirstUserType},
};

constexpr Named kUserTypes[] = {
    {"lastUsersType", kLastUsersType},
    {"lastUserType", kLastUserType},
};

Napi::Object ObjectOf(Napi::Env env, std::span<const Named> members) {
  Napi::Object object = Napi::Object::New(env);
  for (const Named& member : members) {
    object.Set(member.name, Napi::Number::New(env, static_cast<double>(member.value)));
  }
  return object;
}

}  // namespace

Napi::Object StagingLayout(Napi::Env env) {
  Napi::Object layout = Napi::Object::New(env);
  layout.Set("staging", ObjectOf(env, kStaging));
  layout.Set("entryTypes", ObjectOf(env, kEntryTypes));
  layout.Set("userTypes", ObjectOf(env, kUserTypes));
  return layout;
}

}  // namespace pinnacle::addon
