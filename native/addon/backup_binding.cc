#include "addon/backup_binding.h"

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "addon/async_call.h"
#include "addon/errors.h"
#include "addon/method.h"
#include "addon/values.h"
#include "backup/backup_directory.h"
#include "backup/restore.h"
#include "backup/source.h"
#include "platform/thread_priority.h"

namespace pinnacle::addon {

namespace {

// What the work and JavaScript share.
struct Work {
  Work(Napi::Env env, Napi::Value callback) : progress(env, callback) {}

  WorkControl Control() { return {progress.function(), &given_up, nullptr}; }

  ProgressCallback progress;
  std::atomic<bool> given_up{false};
  uint64_t duration_ns = 0;
};

template <typename Report>
Napi::Value Start(Napi::Env env, const char* name, Napi::Value progress, const RunWork& run,
                  std::function<Status(const WorkControl&, Report*)> work,
                  const std::function<void(Napi::Env, const Report&, Napi::Object)>& fill) {
  auto shared = std::make_shared<Work>(env, progress);
  auto report = std::make_shared<Report>();
  Napi::Object object = Napi::Object::New(env);
  object.Set("done", RunAsync(
                         env, name,
                         [shared, report, run, work] {
                           Clock* clock = Clock::Real();
                           const uint64_t start_ns = clock->MonotonicNs();
                           Status status =
                               run([&] { return work(shared->Control(), report.get()); });
                           shared->duration_ns = clock->MonotonicNs() - start_ns;
                           return status;
                         },
                         [shared, report, fill](Napi::Env environment) -> Napi::Value {
                           shared->progress.Stop();
                           Napi::Object result = Napi::Object::New(environment);
                           fill(environment, *report, result);
                           result.Set("durationMs", static_cast<double>(shared->duration_ns) / 1e6);
                           return result;
                         },
                         [shared](Napi::Env environment, const Status& status) {
                           shared->progress.Stop();
                           return ErrorOf(environment, status);
                         }));
  object.Set("giveUp",
             Method(env, "giveUp", [shared](const Napi::CallbackInfo& info) -> Napi::Value {
               shared->given_up = true;
               return info.Env().Undefined();
             }));
  return object;
}

void FillManifest(Napi::Env env, const ManifestHeader& header, Napi::Object object) {
  object.Set("number", Num(env, header.number));
  object.Set("firstSequence", Num(env, header.first_sequence));
  object.Set("lastSequence", Num(env, header.last_sequence));
  object.Set("snapshotSequence", Num(env, header.snapshot_sequence));
  object.Set("bytes", Num(env, header.total_bytes));
  object.Set("files", Num(env, header.file_count));
  object.Set("createdNs", Napi::BigInt::New(env, header.created_ns));
  object.Set("journalId", JournalIdText(JournalIdOf(header)));
}

void FillBackup(Napi::Env env, const BackupReport& report, Napi::Object object) {
  object.Set("path", report.path);
  FillManifest(env, report.manifest.header, object);
  object.Set("copiedBytes", Num(env, report.copied_bytes));
  object.Set("sharedBytes", Num(env, report.shared_bytes));
  object.Set("sharedFiles", Num(env, report.shared_files));
  object.Set("restarts", Num(env, report.restarts));
  object.Set("damagedSnapshots", DamagedToValue(env, report.damaged_snapshots));
  Napi::Array damaged = Napi::Array::New(env, report.damaged_backups.size());
  for (uint32_t i = 0; i < report.damaged_backups.size(); ++i) {
    damaged.Set(i, report.damaged_backups[i]);
  }
  object.Set("damagedBackups", damaged);
}

Napi::Value BackupDirectory(const Napi::CallbackInfo& info) {
  BackupOptions options;
  options.data_directory = PathFrom(info[0]);
  options.destination = PathFrom(info[1]);
  // Low priority serves only a writer that runs beside.
  const RunWork run = [directory = options.data_directory](const std::function<Status()>& work) {
    bool open = false;
    const Status looked = FileSystem::Real()->IsLocked(directory, &open);
    return looked.ok() && !open ? work() : RunAtLowPriority(work);
  };
  return BackupAsync(info.Env(), std::move(options), info[2], run);
}

Napi::Value Restore(const Napi::CallbackInfo& info) {
  RestoreOptions options;
  options.backup = PathFrom(info[0]);
  options.data_directory = PathFrom(info[1]);
  const double sequence = info[2].IsNumber() ? info[2].As<Napi::Number>().DoubleValue() : 0;
  options.sequence = sequence >= 1 && sequence <= static_cast<double>(kMaxSafeInteger)
                         ? static_cast<uint64_t>(sequence)
                         : 0;
  const std::string directory = options.data_directory;
  // (The caller of restore waits for it.)
  return Start<RestoreReport>(
      info.Env(), "pinnacle.restore", info[3],
      [](const std::function<Status()>& work) { return work(); },
      [options](const WorkControl& control, RestoreReport* report) {
        return RestoreBackup(Environment::Real(), options, control, report);
      },
      [directory](Napi::Env env, const RestoreReport& report, Napi::Object object) {
        FillManifest(env, report.manifest.header, object);
        object.Set("backup", report.backup);
        object.Set("dataDirectory", directory);
        object.Set("recovery", ToValue(env, report.recovery));
      });
}

Napi::Value List(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::vector<FoundBackup> backups;
  if (const Status status = ListBackups(FileSystem::Real(), PathFrom(info[0]), &backups);
      !status.ok()) {
    Throw(env, status);
    return env.Undefined();
  }
  Napi::Array array = Napi::Array::New(env, backups.size());
  for (uint32_t i = 0; i < backups.size(); ++i) {
    Napi::Object object = Napi::Object::New(env);
    FillManifest(env, backups[i].manifest.header, object);
    object.Set("number", Num(env, backups[i].number));
    object.Set("path", backups[i].path);
    object.Set("problem", std::string(backups[i].status.message()));
    array.Set(i, object);
  }
  return array;
}

}  // namespace

Napi::Value BackupAsync(Napi::Env env, BackupOptions options, Napi::Value progress,
                        const RunWork& run) {
  return Start<BackupReport>(
      env, "pinnacle.backup", progress, run,
      [options = std::move(options)](const WorkControl& control, BackupReport* report) {
        return MakeBackup(Environment::Real(), options, control, report);
      },
      FillBackup);
}

void AddBackup(Napi::Env env, Napi::Object exports) {
  exports.Set("backup", Method(env, "backup", BackupDirectory));
  exports.Set("restore", Method(env, "restore", Restore));
  exports.Set("listBackups", Method(env, "listBackups", List));
}

}  // namespace pinnacle::addon
