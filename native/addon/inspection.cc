#include "addon/inspection.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "addon/async_call.h"
#include "addon/engine_object.h"
#include "addon/errors.h"
#include "addon/method.h"
#include "addon/open_engines.h"
#include "addon/values.h"
#include "engine/inspect.h"
#include "engine/mending.h"
#include "engine/window_cleaning.h"
#include "journal/layout.h"
#include "journal/reader.h"
#include "snapshot/snapshot_directory.h"
#include "snapshot/snapshot_reader.h"

namespace pinnacle::addon {

namespace {

Napi::Value SegmentToValue(Napi::Env env, const InspectReport& report, size_t index) {
  const SegmentFacts& segment = report.scan.segments[index];
  Napi::Object object = Napi::Object::New(env);
  object.Set("path", segment.file.path);
  object.Set("index", Num(env, segment.file.index));
  object.Set("bytes", Num(env, segment.header_valid ? segment.header.segment_bytes : 0));
  object.Set("firstSequence", Num(env, segment.first_sequence));
  object.Set("lastSequence", Num(env, segment.last_sequence));
  object.Set("entries", Num(env, segment.entries));
  object.Set("usedBytes", Num(env, segment.end_offset));
  object.Set("segmentId", Napi::BigInt::New(env, segment.header.segment_id));
  object.Set("createdNs", Napi::BigInt::New(env, segment.header.created_ns));
  const bool stop = report.scan.stop_segment == static_cast<int64_t>(index);
  const bool follows = static_cast<int64_t>(index) > report.scan.stop_segment;
  const Tail tail = report.scan.verdict.tail;
  const char* state = "clean";
  std::string detail;
  if (!segment.belongs()) {
    state = "corrupt";
    detail = segment.misfit;
  } else if (stop && tail != Tail::kClean) {
    state = TailName(tail);
    detail = report.scan.verdict.reason;
  } else if (follows && segment.first_line_used) {
    state = TailName(tail);
    detail = "follows the break";
  } else if (segment.rest_is_used) {
    state = "corrupt";
    detail = segment.file.path + ": something follows its last entry, at or after offset " +
             std::to_string(segment.end_offset);
  } else if (segment.entries == 0) {
    state = "empty";
  }
  object.Set("state", state);
  object.Set("detail", detail);
  return object;
}

Napi::Value InspectToValue(Napi::Env env, const std::string& directory,
                           const InspectReport& report) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("dataDirectory", directory);
  object.Set("journalId", report.has_journal_id ? JournalIdText(report.journal_id) : "");
  object.Set("locked", report.locked);
  Napi::Array segments = Napi::Array::New(env, report.scan.segments.size());
  for (uint32_t i = 0; i < report.scan.segments.size(); ++i) {
    segments.Set(i, SegmentToValue(env, report, i));
  }
  object.Set("segments", segments);
  object.Set("spares", Num(env, report.spares));
  Napi::Array snapshots = Napi::Array::New(env, report.snapshots.size());
  for (uint32_t i = 0; i < report.snapshots.size(); ++i) {
    const SnapshotFinding& finding = report.snapshots[i];
    Napi::Object snapshot = ToValue(env, finding.info).As<Napi::Object>();
    snapshot.Set("valid", finding.status.ok());
    snapshot.Set("detail", std::string(finding.status.message()));
    snapshots.Set(i, snapshot);
  }
  object.Set("snapshots", snapshots);
  object.Set("recovery", ToValue(env, report.recovery));
  object.Set("window", ToValue(env, report.window));
  object.Set("repairPending", report.repair_pending);
  if (report.recovery_status.ok()) {
    object.Set("recoveryError", env.Null());
  } else {
    object.Set("recoveryError", ErrorOf(env, report.recovery_status));
  }
  object.Set("bytesVerified", Num(env, report.scan.bytes_read));
  return object;
}

Napi::Value InspectDirectory(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const std::string directory = PathFrom(info[0]);
  auto progress = std::make_shared<ProgressCallback>(env, info[1]);
  auto report = std::make_shared<InspectReport>();
  return RunAsync(
      env, "pinnacle.inspect",
      [directory, progress, report] {
        WriteOut(directory);
        return Inspect(Environment::Real(), directory, progress->function(), report.get());
      },
      [directory, progress, report](Napi::Env environment) {
        progress->Stop();
        return InspectToValue(environment, directory, *report);
      },
      [progress](Napi::Env environment, const Status& status) {
        progress->Stop();
        return ErrorOf(environment, status);
      });
}

Napi::Value RepairDirectory(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto options = std::make_shared<EngineOptions>();
  options->data_directory = PathFrom(info[0]);
  const Napi::Object asked = info[1].As<Napi::Object>();
  const std::string policy = asked.Get("policy").ToString().Utf8Value();
  options->policy = policy == "salvage" ? RecoveryPolicy::kSalvage : RecoveryPolicy::kPointInTime;
  const bool dry_run = asked.Get("dryRun").ToBoolean();
  auto report = std::make_shared<MendReport>();
  return RunAsync(
      env, "pinnacle.repair",
      [options, dry_run, report] {
        return MendDirectory(Environment::Real(), *options, dry_run, report.get());
      },
      [report](Napi::Env environment) { return ToValue(environment, *report); });
}

Napi::Value CleanWindowsIn(const Napi::CallbackInfo& info) {
  const std::string directory = PathFrom(info[0]);
  const Napi::Object options = info[1].As<Napi::Object>();
  const bool force = options.Get("force").ToBoolean();
  const bool dry_run = options.Get("dryRun").ToBoolean();
  auto windows = std::make_shared<std::vector<FoundWindow>>();
  return RunAsync(
      info.Env(), "pinnacle.cleanWindows",
      [directory, force, dry_run, windows] {
        return CleanWindows(Environment::Real(), directory, force, dry_run, windows.get());
      },
      [windows](Napi::Env env) {
        Napi::Array array = Napi::Array::New(env, windows->size());
        for (uint32_t i = 0; i < windows->size(); ++i) {
          const FoundWindow& found = (*windows)[i];
          Napi::Object object = Napi::Object::New(env);
          object.Set("path", found.path);
          object.Set("state", WindowStateName(found.state));
          object.Set("dataDirectory", found.data_directory);
          object.Set("bytes", Num(env, found.bytes));
          object.Set("pid", Num(env, found.pid));
          object.Set("createdNs", Napi::BigInt::New(env, found.created_ns));
          object.Set("reason", found.reason);
          object.Set("removed", found.removed);
          array.Set(i, object);
        }
        return array;
      });
}

Napi::Value ListSnapshotFiles(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::vector<SnapshotFile> files;
  const Status status =
      ListSnapshots(FileSystem::Real(), SnapshotDirectory(PathFrom(info[0])), &files);
  if (!status.ok()) {
    Throw(env, status);
    return env.Undefined();
  }
  Napi::Array array = Napi::Array::New(env);
  uint32_t count = 0;
  for (const SnapshotFile& file : files) {
    SnapshotInfo snapshot;
    // What can't be read as a snapshot is listed all the same, by its name; verify says why.
    if (!ReadSnapshotInfo(FileSystem::Real(), file.path, &snapshot).ok()) {
      snapshot = SnapshotInfo();
      snapshot.meta.sequence = file.sequence;
    }
    snapshot.path = file.path;
    array.Set(count++, ToValue(env, snapshot));
  }
  return array;
}

Napi::Value VerifySnapshotFile(const Napi::CallbackInfo& info) {
  const std::string path = PathFrom(info[0]);
  auto result = std::make_shared<SnapshotInfo>();
  return RunAsync(
      info.Env(), "pinnacle.verifySnapshot",
      [path, result] { return VerifySnapshot(FileSystem::Real(), path, result.get()); },
      [result](Napi::Env env) { return ToValue(env, *result); });
}

Napi::Value LoadSnapshotFile(const Napi::CallbackInfo& info) {
  const std::string path = PathFrom(info[0]);
  auto result = std::make_shared<SnapshotInfo>();
  auto books = std::make_shared<BookSet>();
  auto state = std::make_shared<std::vector<uint8_t>>();
  return RunAsync(
      info.Env(), "pinnacle.loadSnapshot",
      [path, result, books, state] {
        return ReadSnapshot(FileSystem::Real(), path, books.get(), state.get(), result.get());
      },
      [result, books, state](Napi::Env env) {
        Napi::Object object = Napi::Object::New(env);
        object.Set("info", ToValue(env, *result));
        object.Set("books", BookSetToValue(env, books));
        object.Set("state", state->empty() ? env.Null() : BytesToValue(env, *state));
        return object;
      });
}

Napi::Value BooksAtDirectory(const Napi::CallbackInfo& info) {
  TimePoint point;
  if (const Status status = TimePointFromValue(info[1], &point); !status.ok()) {
    Throw(info.Env(), status);
    return info.Env().Undefined();
  }
  return BooksAtAsync(info.Env(), PathFrom(info[0]), point);
}

Napi::Value OpenReader(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const double from = info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : 0;
  std::unique_ptr<JournalReader> opened;
  const FileIdentity directory = DirectoryIdentity(PathFrom(info[0]));
  WriteOut(directory);
  Status status(Code::kInvalidSequence, "sequences start at 1");
  if (from >= 0 && from <= static_cast<double>(kMaxSafeInteger)) {
    status = JournalReader::Open(FileSystem::Real(), JournalDirectory(PathFrom(info[0])),
                                 static_cast<uint64_t>(from), &opened);
  }
  if (!status.ok()) {
    Throw(env, status);
    return env.Undefined();
  }
  struct Holder {
    std::unique_ptr<JournalReader> reader;
    FileIdentity directory;
    std::vector<uint8_t> buffer;
  };
  auto holder = std::make_shared<Holder>(Holder{std::move(opened), directory, {}});
  Napi::Object object = Napi::Object::New(env);
  object.Set("read", Method(env, "read", [holder](const Napi::CallbackInfo& call) {
               Napi::Env environment = call.Env();
               if (holder->reader == nullptr) {
                 Throw(environment, Status(Code::kClosed, "this reader was closed"));
                 return environment.Undefined();
               }
               const double most =
                   call[0].IsNumber() ? call[0].As<Napi::Number>().DoubleValue() : 65536;
               holder->buffer.clear();
               WriteOut(holder->directory);
               const Status result = holder->reader->Read(
                   static_cast<uint64_t>(std::clamp(most, 64.0, 268435456.0)), &holder->buffer);
               // What was read before the trouble is handed out first; the next call tells.
               if (!result.ok() && holder->buffer.empty()) {
                 Throw(environment, result);
                 return environment.Undefined();
               }
               if (holder->buffer.empty()) return environment.Null();
               return BytesToValue(environment, holder->buffer);
             }));
  object.DefineProperty(Napi::PropertyDescriptor::Accessor(
      env, object, "nextSequence",
      [holder](const Napi::CallbackInfo& call) -> Napi::Value {
        return Num(call.Env(), holder->reader == nullptr ? 0 : holder->reader->next_sequence());
      },
      napi_enumerable));
  object.Set("close", Method(env, "close", [holder](const Napi::CallbackInfo& call) {
               holder->reader.reset();
               return call.Env().Undefined();
             }));
  return object;
}

}  // namespace

void AddInspection(Napi::Env env, Napi::Object exports) {
  exports.Set("openReader", Method(env, "openReader", OpenReader));
  exports.Set("inspect", Method(env, "inspect", InspectDirectory));
  exports.Set("repair", Method(env, "repair", RepairDirectory));
  exports.Set("cleanWindows", Method(env, "cleanWindows", CleanWindowsIn));
  exports.Set("listSnapshots", Method(env, "listSnapshots", ListSnapshotFiles));
  exports.Set("verifySnapshot", Method(env, "verifySnapshot", VerifySnapshotFile));
  exports.Set("loadSnapshot", Method(env, "loadSnapshot", LoadSnapshotFile));
  exports.Set("booksAt", Method(env, "booksAt", BooksAtDirectory));
}

}  // namespace pinnacle::addon
