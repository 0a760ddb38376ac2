#include "addon/hot_path.h"

#include <cstring>
#include <new>
#include <span>

#include "addon/buffers.h"
#include "addon/staging.h"

namespace pinnacle::addon {

namespace {

// What a function's data pointer leads to; the function owns it.
struct HotContext {
  std::shared_ptr<EngineHandle> handle;
};

class FrozenClock {
 public:
  explicit FrozenClock(Engine* engine) : engine_(engine) { engine_->FreezeClock(); }
  ~FrozenClock() { engine_->ThawClock(); }
  FrozenClock(const FrozenClock&) = delete;
  FrozenClock& operator=(const FrozenClock&) = delete;

 private:
  Engine* engine_;
};

// `argument`, if asked for, is the call's first argument or undefined.
EngineHandle* HandleOf(napi_env env, napi_callback_info info, napi_value* argument = nullptr) {
  void* data = nullptr;
  size_t count = 1;
  napi_get_cb_info(env, info, argument == nullptr ? nullptr : &count, argument, nullptr, &data);
  return static_cast<HotContext*>(data)->handle.get();
}

void SetResult(double* lanes, Code code, uint64_t sequence) {
  lanes[lane::kCode] = static_cast<double>(static_cast<uint16_t>(code));
  lanes[lane::kSequence] = static_cast<double>(sequence);
}

// For a call that changes nothing if it throws.
template <typename Call>
Code GuardedCode(Call&& call) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return Code::kOutOfMemory;
  }
}

Code ApplyStaged(Engine* engine, const double* lanes, uint64_t* sequence) {
  Operation operation;
  uint64_t timestamp_ns = 0;
  const Code code = DecodeStaged(lanes, &operation, &timestamp_ns);
  if (code != Code::kOk) [[unlikely]]
    return code;
  return GuardedCode([&] { return engine->Apply(operation, timestamp_ns, sequence); });
}

// Gives a state machine the time of its entry.
void TellStamp(double* operation, const Engine& engine) {
  const uint64_t stamp_ns = engine.last_stamp_ns();
  std::memcpy(operation + lane::kTimestamp, &stamp_ns, sizeof(stamp_ns));
}

napi_value Apply(napi_env env, napi_callback_info info) {
  EngineHandle* handle = HandleOf(env, info);
  double* lanes = handle->lanes();
  Engine* engine = handle->engine();
  uint64_t sequence = 0;
  const Code code =
      engine == nullptr ? Code::kClosed : ApplyStaged(engine, lanes + lane::kOperations, &sequence);
  SetResult(lanes, code, sequence);
  return nullptr;
}

napi_value ApplyAndTell(napi_env env, napi_callback_info info) {
  (void)Apply(env, info);
  EngineHandle* handle = HandleOf(env, info);
  if (handle->engine() != nullptr)
    TellStamp(handle->lanes() + lane::kOperations, *handle->engine());
  return nullptr;
}

napi_value BeginTransaction(napi_env env, napi_callback_info info) {
  EngineHandle* handle = HandleOf(env, info);
  Engine* engine = handle->engine();
  const Code code = engine == nullptr ? Code::kClosed : engine->BeginTransaction();
  SetResult(handle->lanes(), code, 0);
  return nullptr;
}

// Ends the open transaction one way or the other. Without one it does nothing.
void EndTransaction(Engine* engine, bool keep, Code* code, uint64_t* sequence) {
  *sequence = 0;
  if (keep) *code = engine->CommitTransaction(sequence);
  if (!engine->in_transaction()) return;
  const Code taken_back = engine->RollBackTransaction();
  if (taken_back != Code::kOk) *code = taken_back;
}

napi_value CommitTransaction(napi_env env, napi_callback_info info) {
  EngineHandle* handle = HandleOf(env, info);
  Engine* engine = handle->engine();
  Code code = Code::kClosed;
  uint64_t sequence = 0;
  if (engine != nullptr) EndTransaction(engine, true, &code, &sequence);
  SetResult(handle->lanes(), code, sequence);
  return nullptr;
}

napi_value RollBackTransaction(napi_env env, napi_callback_info info) {
  EngineHandle* handle = HandleOf(env, info);
  Engine* engine = handle->engine();
  Code code = engine == nullptr ? Code::kClosed : Code::kOk;
  uint64_t sequence = 0;
  if (engine != nullptr) EndTransaction(engine, false, &code, &sequence);
  SetResult(handle->lanes(), code, 0);
  return nullptr;
}

// Whether the journal can't go on, as opposed to one operation being refused.
bool EndsBatch(Code code) {
  return code == Code::kClosed || code == Code::kJournalFailed || code == Code::kDirectoryLost ||
         code == Code::kNoSpace || code == Code::kIo || code == Code::kTooManyFiles ||
         code == Code::kReadOnly || code == Code::kPermission || code == Code::kOutOfMemory ||
         code == Code::kTooManyThreads;
}

// Prefetches what the operations after the one at `index` will touch, if their book is too large
// for the cache.
void PrefetchStaged(const BookSet& books, const double* operations, int64_t index, int64_t count) {
  const double instrument =
      operations[lane::kPerOperation * static_cast<size_t>(index) + lane::kInstrument];
  if (!(instrument >= 1 && instrument <= kMaxInstruments) ||
      !books.PrefetchPays(static_cast<uint16_t>(instrument))) {
    return;
  }
  for (size_t stage = 0; stage < BookSet::kPrefetchStages; ++stage) {
    const int64_t ahead = index + static_cast<int64_t>((BookSet::kPrefetchStages - stage) *
                                                       BookSet::kPrefetchDistance);
    if (ahead >= count) continue;
    Operation operation;
    uint64_t timestamp_ns = 0;
    const double* lanes = operations + lane::kPerOperation * static_cast<size_t>(ahead);
    if (DecodeStaged(lanes, &operation, &timestamp_ns) == Code::kOk) {
      books.Prefetch(operation, stage);
    }
  }
}

napi_value ApplyBatch(napi_env env, napi_callback_info info) {
  napi_value given = nullptr;
  EngineHandle* handle = HandleOf(env, info, &given);
  double* lanes = handle->lanes();
  Engine* engine = handle->engine();
  std::span<double> operations;
  int64_t count = 0;
  lanes[lane::kCount] = 0;
  lanes[lane::kRefused] = 0;
  lanes[lane::kFailedIndex] = -1;
  if (engine == nullptr) {
    SetResult(lanes, Code::kClosed, 0);
    return nullptr;
  }
  if (!LanesFromValue(Napi::Value(env, given), &operations) ||
      !ToInteger(lanes[lane::kBatchCount], &count) ||
      static_cast<uint64_t>(count) > operations.size() / lane::kPerOperation) {
    SetResult(lanes, Code::kInvalidArgument, 0);
    return nullptr;
  }
  const bool atomic = lanes[lane::kAtomic] == 1;
  const bool skip_refused = !atomic && lanes[lane::kSkipRefused] == 1;
  const bool tell_stamps = lanes[lane::kTellStamps] == 1;
  Code end = atomic ? engine->BeginTransaction() : Code::kOk;
  if (end != Code::kOk) {
    SetResult(lanes, end, 0);
    return nullptr;
  }
  uint64_t last_sequence = 0;
  uint64_t taken = 0;
  uint64_t refused = 0;
  const FrozenClock frozen(engine);
  for (int64_t i = 0; i < count; ++i) {
    double* operation = operations.data() + lane::kPerOperation * static_cast<size_t>(i);
    PrefetchStaged(engine->books(), operations.data(), i, count);
    uint64_t sequence = 0;
    const Code code = ApplyStaged(engine, operation, &sequence);
    operation[lane::kResultCode] = static_cast<double>(static_cast<uint16_t>(code));
    operation[lane::kResultSequence] = static_cast<double>(sequence);
    if (code == Code::kOk) {
      if (tell_stamps) TellStamp(operation, *engine);
      last_sequence = sequence;
      ++taken;
      continue;
    }
    if (!skip_refused || EndsBatch(code)) end = code;
    if (refused++ == 0 || end != Code::kOk) lanes[lane::kFailedIndex] = static_cast<double>(i);
    if (end != Code::kOk) break;
  }
  if (atomic) {
    EndTransaction(engine, end == Code::kOk, &end, &last_sequence);
    if (end != Code::kOk) taken = 0;
  }
  lanes[lane::kCount] = static_cast<double>(taken);
  lanes[lane::kRefused] = static_cast<double>(refused);
  SetResult(lanes, end, last_sequence);
  return nullptr;
}

// The lanes of operation 0 as a payload append uses them.
struct StagedPayload {
  uint8_t user_type;
  uint16_t instrument;
  uint64_t timestamp_ns;
  uint32_t bytes;
};

// `last_type`: the highest user type that the caller may use.
Code DecodePayload(const double* lanes, int64_t last_type, StagedPayload* payload) {
  const double* operation = lanes + lane::kOperations;
  int64_t kind;
  if (!ToInteger(operation[lane::kKind], &kind) || (kind & 0xff) > last_type || kind > 0x3ff) {
    return Code::kInvalidEntryType;
  }
  payload->user_type = static_cast<uint8_t>(kind & 0xff);
  int64_t instrument;
  if (!ToInteger(operation[lane::kInstrument], &instrument) || instrument > kMaxInstruments) {
    return Code::kInvalidInstrument;
  }
  payload->instrument = static_cast<uint16_t>(instrument);
  if (!LoadTimestamp(operation, static_cast<uint32_t>(kind), &payload->timestamp_ns)) {
    return Code::kInvalidTimestamp;
  }
  int64_t bytes;
  if (!ToInteger(operation[lane::kQuantity], &bytes) ||
      bytes > static_cast<int64_t>(kStagingPayloadBytes)) {
    return Code::kBufferLength;
  }
  payload->bytes = static_cast<uint32_t>(bytes);
  return Code::kOk;
}

napi_value Append(napi_env env, napi_callback_info info) {
  EngineHandle* handle = HandleOf(env, info);
  double* lanes = handle->lanes();
  Engine* engine = handle->engine();
  StagedPayload payload;
  uint64_t sequence = 0;
  Code code = engine == nullptr ? Code::kClosed : DecodePayload(lanes, kLastUsersType, &payload);
  if (code == Code::kOk) {
    code = GuardedCode([&] {
      return engine->AppendPayload(payload.user_type, payload.instrument, payload.timestamp_ns,
                                   reinterpret_cast<const uint8_t*>(lanes + lane::kPayload),
                                   payload.bytes, &sequence);
    });
    TellStamp(lanes + lane::kOperations, *engine);
  }
  SetResult(lanes, code, sequence);
  return nullptr;
}

// As Append, but the payload is the argument's bytes, copied once.
template <int64_t kLastType>
napi_value AppendBytes(napi_env env, napi_callback_info info) {
  napi_value given = nullptr;
  EngineHandle* handle = HandleOf(env, info, &given);
  double* lanes = handle->lanes();
  Engine* engine = handle->engine();
  StagedPayload payload;
  std::span<uint8_t> bytes;
  uint64_t sequence = 0;
  Code code = engine == nullptr ? Code::kClosed : DecodePayload(lanes, kLastType, &payload);
  if (code == Code::kOk &&
      (!BytesFromValue(Napi::Value(env, given), &bytes) || bytes.size() > kStagingPayloadBytes)) {
    code = Code::kBufferLength;
  }
  if (code == Code::kOk) {
    code = GuardedCode([&] {
      return engine->AppendPayload(payload.user_type, payload.instrument, payload.timestamp_ns,
                                   bytes.data(), static_cast<uint32_t>(bytes.size()), &sequence);
    });
    TellStamp(lanes + lane::kOperations, *engine);
  }
  SetResult(lanes, code, sequence);
  return nullptr;
}

napi_value AppendBatch(napi_env env, napi_callback_info info) {
  EngineHandle* handle = HandleOf(env, info);
  double* lanes = handle->lanes();
  Engine* engine = handle->engine();
  StagedPayload payload;
  int64_t count = 0;
  uint64_t last_sequence = 0;
  uint64_t taken = 0;
  Code code = engine == nullptr ? Code::kClosed : DecodePayload(lanes, kLastUsersType, &payload);
  if (code == Code::kOk) {
    const uint64_t stride = (uint64_t{payload.bytes} + 7) / 8 * 8;
    if (!ToInteger(lanes[lane::kBatchCount], &count) ||
        (stride != 0 && static_cast<uint64_t>(count) > kStagingPayloadBytes / stride)) {
      code = Code::kInvalidArgument;
    }
    const uint8_t* bytes = reinterpret_cast<const uint8_t*>(lanes + lane::kPayload);
    if (code == Code::kOk) {
      code = GuardedCode([&] {
        return engine->AppendPayloads(payload.user_type, payload.instrument, payload.timestamp_ns,
                                      bytes, payload.bytes, stride, static_cast<uint64_t>(count),
                                      &taken, &last_sequence);
      });
    }
  }
  lanes[lane::kCount] = static_cast<double>(taken);
  lanes[lane::kFailedIndex] = code == Code::kOk ? -1 : static_cast<double>(taken);
  SetResult(lanes, code, last_sequence);
  return nullptr;
}

void AddFunction(Napi::Env env, Napi::Object object, const char* name, napi_callback callback,
                 const std::shared_ptr<EngineHandle>& handle) {
  auto context = std::make_unique<HotContext>(HotContext{handle});
  napi_value function = nullptr;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, context.get(), &function) !=
      napi_ok) {
    throw std::bad_alloc();
  }
  const napi_finalize finalize = [](napi_env, void* data, void*) {
    const std::unique_ptr<HotContext> owned(static_cast<HotContext*>(data));
  };
  if (napi_add_finalizer(env, function, context.get(), finalize, nullptr, nullptr) == napi_ok) {
    (void)context.release();  // the function's from here on
    object.Set(name, Napi::Value(env, function));
  }
}

}  // namespace

void AddHotPath(Napi::Env env, Napi::Object object, const std::shared_ptr<EngineHandle>& handle) {
  AddFunction(env, object, "apply", Apply, handle);
  AddFunction(env, object, "applyAndTell", ApplyAndTell, handle);
  AddFunction(env, object, "applyBatch", ApplyBatch, handle);
  AddFunction(env, object, "append", Append, handle);
  AddFunction(env, object, "appendBytes", AppendBytes<kLastUsersType>, handle);
  AddFunction(env, object, "appendReserved", AppendBytes<kLastUserType>, handle);
  AddFunction(env, object, "appendBatch", AppendBatch, handle);
  AddFunction(env, object, "beginTransaction", BeginTransaction, handle);
  AddFunction(env, object, "commitTransaction", CommitTransaction, handle);
  AddFunction(env, object, "rollBackTransaction", RollBackTransaction, handle);
}

}  // namespace pinnacle::addon
