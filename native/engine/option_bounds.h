// What the numbers in an engine's options may be. lib/config/bounds.ts has the same for the
// configuration, which is read without the addon; test/config/bounds.test.ts compares all of them.
#ifndef PINNACLE_ENGINE_OPTION_BOUNDS_H_
#define PINNACLE_ENGINE_OPTION_BOUNDS_H_

#include <cstdint>

#include "journal/format.h"
#include "platform/thread_affinity.h"
#include "window/window_format.h"

namespace pinnacle {

// An option may be an integer from `from` to `to`, and a multiple.
struct OptionBounds {
  const char* name;
  uint64_t from;
  uint64_t to;
  uint64_t multiple_of = 1;
};

inline constexpr OptionBounds kSegmentBytesBounds{"segmentBytes", kMinSegmentBytes,
                                                  kMaxSegmentBytes, kPageBytes};
inline constexpr OptionBounds kSyncIntervalBounds{"syncIntervalMs", 1, 60'000};
inline constexpr OptionBounds kKeepSnapshotsBounds{"keepSnapshots", 1, 1000};
inline constexpr OptionBounds kCompactionThresholdBounds{"compactionThresholdBytes", 0,
                                                         uint64_t{1} << 50};
inline constexpr OptionBounds kConsumerLimitBounds{"consumerLimitBytes", 0, uint64_t{1} << 50};
inline constexpr OptionBounds kConsumerLimitEntriesBounds{"consumerLimitEntries", 0,
                                                          1'000'000'000'000};
inline constexpr OptionBounds kSpareSegmentsBounds{"spareSegments", 0, 1024};
inline constexpr OptionBounds kWindowBytesBounds{"windowBytes", kMinWindowBytes, kMaxWindowBytes,
                                                 kPageBytes};
inline constexpr OptionBounds kExpectedOrdersBounds{"expectedOrders", 0, 100'000'000};
// Of each member of the list.
inline constexpr OptionBounds kBackgroundCpusBounds{"backgroundCpus", 0, kMaxCpus - 1};
// Of the list's length.
inline constexpr OptionBounds kInstrumentsBounds{"instruments", 0, kMaxInstruments};
// Of an instrument's priceScale and quantityScale.
inline constexpr OptionBounds kScaleBounds{"scale", 0, 15};

inline constexpr OptionBounds kOptionBounds[] = {
    kSegmentBytesBounds,        kSyncIntervalBounds,  kKeepSnapshotsBounds,
    kCompactionThresholdBounds, kConsumerLimitBounds, kConsumerLimitEntriesBounds,
    kSpareSegmentsBounds,       kWindowBytesBounds,   kExpectedOrdersBounds,
    kBackgroundCpusBounds,      kInstrumentsBounds,   kScaleBounds,
};

}  // namespace pinnacle

#endif  // PINNACLE_ENGINE_OPTION_BOUNDS_H_
