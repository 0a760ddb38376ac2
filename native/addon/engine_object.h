// openEngine and the engine object of JavaScript.
#ifndef PINNACLE_ADDON_ENGINE_OBJECT_H_
#define PINNACLE_ADDON_ENGINE_OBJECT_H_

#include <napi.h>

#include <memory>

#include "state/book_set.h"

namespace pinnacle::addon {

// openEngine(options, events, progress): Promise<{ engine, report }>
Napi::Value OpenEngine(const Napi::CallbackInfo& info);

// A NativeBookSet over `books`.
Napi::Object BookSetToValue(Napi::Env env, std::shared_ptr<BookSet> books);

// { sequence } or { timestamp, instrument }
struct TimePoint {
  bool by_sequence = true;
  uint64_t sequence = 0;
  uint64_t timestamp_ns = 0;
  uint16_t instrument = 0;
};
Status TimePointFromValue(Napi::Value value, TimePoint* point);
Napi::Value BooksAtAsync(Napi::Env env, const std::string& data_directory, const TimePoint& point);

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_ENGINE_OBJECT_H_
