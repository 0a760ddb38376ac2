// The numbers of staging.h under the names that JavaScript has for them, so that it can compare.
#ifndef PINNACLE_ADDON_STAGING_LAYOUT_H_
#define PINNACLE_ADDON_STAGING_LAYOUT_H_

#include <napi.h>

namespace pinnacle::addon {

// { staging: { … }, entryTypes: { … } }, as Staging and EntryType in lib/native/binding.ts.
Napi::Object StagingLayout(Napi::Env env);

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_STAGING_LAYOUT_H_
