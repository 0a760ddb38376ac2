#include "addon/consumers.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "addon/async_call.h"
#include "addon/errors.h"
#include "addon/method.h"
#include "addon/open_engines.h"
#include "addon/values.h"
#include "consumer/consumer.h"

namespace pinnacle::addon {

namespace {

// The consumer is null once it is closed.
struct Holder {
  std::shared_ptr<Consumer> consumer;
  FileIdentity directory;
  std::vector<uint8_t> buffer;
};

Status ConsumerClosed() { return Status(Code::kClosed, "this consumer was closed; open it again"); }

Napi::Value Read(const Napi::CallbackInfo& info, const std::shared_ptr<Holder>& holder) {
  Napi::Env env = info.Env();
  if (holder->consumer == nullptr) {
    Throw(env, ConsumerClosed());
    return env.Undefined();
  }
  const double most = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 65536;
  holder->buffer.clear();
  WriteOut(holder->directory);
  const Status status = holder->consumer->Read(
      static_cast<uint64_t>(std::clamp(most, 64.0, 268435456.0)), &holder->buffer);
  // What was read before the trouble is handed out first; the next call tells.
  if (!status.ok() && holder->buffer.empty()) {
    Throw(env, status);
    return env.Undefined();
  }
  return holder->buffer.empty() ? env.Null() : BytesToValue(env, holder->buffer);
}

// Commit or Reset, which take a sequence and a while.
Napi::Value Move(const Napi::CallbackInfo& info, const std::shared_ptr<Holder>& holder,
                 Status (Consumer::*move)(uint64_t)) {
  const double sequence = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : -1;
  // Kept here, so that closing does not take it away under the work.
  const std::shared_ptr<Consumer> consumer = holder->consumer;
  return RunAsync(
      info.Env(), "pinnacle.consumer",
      [consumer, move, sequence] {
        if (consumer == nullptr) return ConsumerClosed();
        if (!(sequence >= 0 && sequence < static_cast<double>(kMaxSafeInteger))) {
          return Status(Code::kInvalidSequence, "a position is an integer from 0 to 2^53 - 2");
        }
        return (consumer.get()->*move)(static_cast<uint64_t>(sequence));
      },
      [](Napi::Env env) { return env.Undefined(); });
}

Napi::Value ConsumerToValue(Napi::Env env, std::shared_ptr<Consumer> consumer,
                            const FileIdentity& directory) {
  auto holder = std::make_shared<Holder>(Holder{std::move(consumer), directory, {}});
  Napi::Object object = Napi::Object::New(env);
  const auto add = [&](const char* name, auto function) {
    object.Set(name,
               Method(env, name, [holder, function](const Napi::CallbackInfo& info) -> Napi::Value {
                 return function(info, holder);
               }));
  };
  add("read", Read);
  add("commit",
      [](const Napi::CallbackInfo& info, const std::shared_ptr<Holder>& held) -> Napi::Value {
        return Move(info, held, &Consumer::Commit);
      });
  add("reset",
      [](const Napi::CallbackInfo& info, const std::shared_ptr<Holder>& held) -> Napi::Value {
        return Move(info, held, &Consumer::Reset);
      });
  add("rewind", [](const Napi::CallbackInfo& info, const std::shared_ptr<Holder>& held) {
    if (held->consumer != nullptr) held->consumer->Rewind();
    return info.Env().Undefined();
  });
  add("close", [](const Napi::CallbackInfo& info, const std::shared_ptr<Holder>& held) {
    held->consumer.reset();
    return info.Env().Undefined();
  });
  const auto number = [&](const char* name, uint64_t (*read)(const Consumer&)) {
    object.DefineProperty(Napi::PropertyDescriptor::Accessor(
        env, object, name,
        [holder, read](const Napi::CallbackInfo& info) -> Napi::Value {
          return Num(info.Env(), holder->consumer == nullptr ? 0 : read(*holder->consumer));
        },
        napi_enumerable));
  };
  number("position", [](const Consumer& held) { return held.position().sequence; });
  number("nextSequence", [](const Consumer& held) { return held.next_sequence(); });
  return object;
}

Napi::Value OpenConsumer(const Napi::CallbackInfo& info) {
  const std::string directory = PathFrom(info[0]);
  const std::string name = TextFrom(info[1]);
  const double from = info[2].IsNumber() ? info[2].As<Napi::Number>().DoubleValue() : 0;
  auto opened = std::make_shared<std::unique_ptr<Consumer>>();
  return RunAsync(
      info.Env(), "pinnacle.openConsumer",
      [directory, name, from, opened] {
        if (!(from >= 0 && from <= static_cast<double>(kMaxSafeInteger))) {
          return Status(Code::kInvalidSequence, "sequences start at 1");
        }
        WriteOut(directory);
        return Consumer::Open(Environment::Real(), directory, name, static_cast<uint64_t>(from),
                              opened.get());
      },
      [directory, opened](Napi::Env env) {
        return ConsumerToValue(env, std::move(*opened), DirectoryIdentity(directory));
      });
}

Napi::Value ListConsumersOf(const Napi::CallbackInfo& info) {
  const std::string directory = PathFrom(info[0]);
  struct Listed {
    std::vector<ConsumerFinding> consumers;
    std::vector<bool> open;
  };
  auto listed = std::make_shared<Listed>();
  return RunAsync(
      info.Env(), "pinnacle.listConsumers",
      [directory, listed] {
        FileSystem* fs = FileSystem::Real();
        PINNACLE_RETURN_IF_ERROR(ListConsumers(fs, directory, &listed->consumers));
        for (const ConsumerFinding& finding : listed->consumers) {
          bool is_open = false;
          (void)fs->IsLocked(directory + "/consumers/" + finding.name, &is_open);
          listed->open.push_back(is_open);
        }
        return Status();
      },
      [listed](Napi::Env env) {
        Napi::Array array = Napi::Array::New(env, listed->consumers.size());
        for (uint32_t i = 0; i < listed->consumers.size(); ++i) {
          const ConsumerFinding& finding = listed->consumers[i];
          Napi::Object object = Napi::Object::New(env);
          object.Set("name", finding.name);
          object.Set("sequence", Num(env, finding.position.sequence));
          object.Set("timestamp", Napi::BigInt::New(env, finding.timestamp_ns));
          object.Set("journalId", finding.status.ok() ? JournalIdText(finding.journal_id) : "");
          object.Set("open", static_cast<bool>(listed->open[i]));
          object.Set("problem", std::string(finding.status.message()));
          array.Set(i, object);
        }
        return array;
      });
}

Napi::Value RemoveConsumerOf(const Napi::CallbackInfo& info) {
  const std::string directory = PathFrom(info[0]);
  const std::string name = TextFrom(info[1]);
  return RunAsync(
      info.Env(), "pinnacle.removeConsumer",
      [directory, name] { return RemoveConsumer(FileSystem::Real(), directory, name); },
      [](Napi::Env env) { return env.Undefined(); });
}

}  // namespace

void AddConsumers(Napi::Env env, Napi::Object exports) {
  exports.Set("openConsumer", Method(env, "openConsumer", OpenConsumer));
  exports.Set("listConsumers", Method(env, "listConsumers", ListConsumersOf));
  exports.Set("removeConsumer", Method(env, "removeConsumer", RemoveConsumerOf));
}

}  // namespace pinnacle::addon
