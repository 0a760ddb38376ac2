// Every counter and gauge of a writer, in one table: the page that other processes read has them in
// this order, stats() uses these names, and docs/operations.md lists them
// (test/stats/counters.test.ts compares).
//
// A new one goes at the end: readers of other versions find the earlier ones by position.
#ifndef PINNACLE_LIVE_COUNTERS_H_
#define PINNACLE_LIVE_COUNTERS_H_

#include <cstddef>
#include <cstdint>

namespace pinnacle {

// X(member, "name in stats()", kind, "unit", "what it counts")
// A counter only grows, starting at zero when opened; a gauge goes up and down.
#define PINNACLE_COUNTERS(X)                                                                      \
  X(entries, "entries", kCounter, "entries", "appended")                                          \
  X(bytes_appended, "bytesAppended", kCounter, "bytes", "of these entries")                       \
  X(refused, "refused", kCounter, "operations", "refused by the books")                           \
  X(syncs, "syncs", kCounter, "syncs", "completed that made entries durable")                     \
  X(sync_failures, "syncFailures", kCounter, "syncs", "failed")                                   \
  X(sync_bytes, "syncBytes", kCounter, "bytes", "synced, in whole pages")                         \
  X(fills, "fills", kCounter, "writes", "of zeros ahead of the writer, which keep syncs short")   \
  X(filled_bytes, "filledBytes", kCounter, "bytes", "of these zeros")                             \
  X(window_bytes, "windowBytes", kGauge, "bytes", "of the window; 0: segments are mapped")        \
  X(window_waits, "windowWaits", kCounter, "waits", "of the writer for a full window")            \
  X(window_wait_ns, "windowWaitNs", kCounter, "ns", "spent in these waits")                       \
  X(copies, "copies", kCounter, "writes", "from the window to the segment files")                 \
  X(copied_bytes, "copiedBytes", kCounter, "bytes", "of these writes")                            \
  X(touched_bytes, "touchedBytes", kCounter, "bytes", "of memory made present before the writer") \
  X(segment_index, "segmentIndex", kGauge, "", "index of the segment that is appended to")        \
  X(segments_created, "segmentsCreated", kCounter, "segments", "made as new files")               \
  X(segments_recycled, "segmentsRecycled", kCounter, "segments", "made from spare files")         \
  X(segments_removed, "segmentsRemoved", kCounter, "segments", "removed by compaction")           \
  X(segment_stalls, "segmentStalls", kCounter, "waits", "of an append for the next segment")      \
  X(segment_stall_ns, "segmentStallNs", kCounter, "ns", "spent in these waits")                   \
  X(spare_segments, "spareSegments", kGauge, "files", "kept to be made segments again")           \
  X(journal_bytes, "journalBytes", kGauge, "bytes", "of the segment files")                       \
  X(snapshots, "snapshots", kCounter, "snapshots", "taken")                                       \
  X(snapshot_failures, "snapshotFailures", kCounter, "snapshots", "that failed")                  \
  X(compactions, "compactions", kCounter, "compactions", "that freed something")                  \
  X(minor_faults, "minorFaults", kCounter, "faults", "of this process, without the device")       \
  X(major_faults, "majorFaults", kCounter, "faults", "of this process that read the device")

enum class CounterKind : uint8_t { kCounter, kGauge };

struct CounterInfo {
  const char* name;
  CounterKind kind;
  const char* unit;
  const char* what;
};

inline constexpr CounterInfo kCounterInfos[] = {
#define PINNACLE_X(member, name, kind, unit, what) {name, CounterKind::kind, unit, what},
    PINNACLE_COUNTERS(PINNACLE_X)
#undef PINNACLE_X
};
inline constexpr size_t kCounterCount = sizeof(kCounterInfos) / sizeof(kCounterInfos[0]);

struct Counters {
#define PINNACLE_X(member, name, kind, unit, what) uint64_t member = 0;
  PINNACLE_COUNTERS(PINNACLE_X)
#undef PINNACLE_X
};
static_assert(sizeof(Counters) == kCounterCount * sizeof(uint64_t));

}  // namespace pinnacle

#endif  // PINNACLE_LIVE_COUNTERS_H_
