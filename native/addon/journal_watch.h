// Looking at another process's writer: waiting for its next entry, and reading the page that it
// publishes of itself.
#ifndef PINNACLE_ADDON_JOURNAL_WATCH_H_
#define PINNACLE_ADDON_JOURNAL_WATCH_H_

#include <napi.h>

namespace pinnacle::addon {

// exports.watchJournal(dataDirectory), exports.readLiveStatus(dataDirectory), exports.counters.
void AddJournalWatch(Napi::Env env, Napi::Object exports);

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_JOURNAL_WATCH_H_
