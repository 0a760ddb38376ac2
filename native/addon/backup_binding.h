// Backup and restore for JavaScript. Each call gives { done, giveUp }: a promise of the report, and
// a function that ends the work early (the promise then rejects with ERR_PINNACLE_ABORTED).
#ifndef PINNACLE_ADDON_BACKUP_BINDING_H_
#define PINNACLE_ADDON_BACKUP_BINDING_H_

#include <napi.h>

#include <functional>
#include <string>

#include "backup/backup.h"

namespace pinnacle::addon {

// Runs `work` on whatever thread it belongs to, and waits for it.
using RunWork = std::function<Status(const std::function<Status()>& work)>;

// The backup that `options` ask for; `progress` may be undefined.
Napi::Value BackupAsync(Napi::Env env, BackupOptions options, Napi::Value progress,
                        const RunWork& run);

void AddBackup(Napi::Env env, Napi::Object exports);

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_BACKUP_BINDING_H_
