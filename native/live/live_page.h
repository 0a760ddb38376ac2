// What a writer publishes about itself for other processes: its identity, its frontiers, every
// counter, its latency histograms. A thread of the writer writes the page ten times a second: into
// its window or, without one, into `<data>/STATUS`. Readers read it like any file and never touch
// the writer. docs/format.md describes it; all integers are little-endian.
//
// The page is written in one call. A reader that catches a half-written page sees a wrong checksum
// and reads again.
#ifndef PINNACLE_LIVE_LIVE_PAGE_H_
#define PINNACLE_LIVE_LIVE_PAGE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/histogram.h"
#include "base/status.h"
#include "live/counters.h"
#include "platform/file_system.h"

namespace pinnacle {

inline constexpr char kLiveMagic[8] = {'P', 'I', 'N', 'N', 'L', 'I', 'V', '\n'};
inline constexpr uint16_t kLiveVersion = 1;
inline constexpr size_t kMostCounters = 96;

enum class LiveState : uint64_t { kOpen = 0, kFailed = 1, kClosed = 2 };

// A snapshot of a Histogram.
struct LiveHistogram {
  uint64_t count;
  uint64_t min;
  uint64_t max;
  uint64_t buckets[Histogram::kBuckets];  // Histogram::UpperBound says what each holds
};

struct LivePage {
  char magic[8];
  uint16_t version;
  uint16_t counter_count;  // of `counters`, in the order of live/counters.h
  uint16_t histogram_count;
  uint16_t bucket_count;
  uint32_t page_bytes;
  uint32_t checksum;  // CRC32C over the page with this field 0
  uint64_t journal_id_low;
  uint64_t journal_id_high;
  uint64_t pid;
  uint64_t opened_ns;  // since 1970
  uint64_t beat_ns;    // when the page was written, since 1970
  uint64_t state;      // LiveState
  uint64_t appended;
  uint64_t written;
  uint64_t durable;
  // How long entries have been waiting without the frontier moving; 0: none wait.
  uint64_t written_wait_ns;
  uint64_t durable_wait_ns;
  char failure[1024];  // why it failed; zero-padded
  uint64_t counters[kMostCounters];
  LiveHistogram append_ns;
  LiveHistogram sync_ns;
  LiveHistogram sync_entries;
};
static_assert(offsetof(LivePage, journal_id_low) == 24 && offsetof(LivePage, state) == 64);
static_assert(offsetof(LivePage, failure) == 112 && offsetof(LivePage, counters) == 1136);
static_assert(kCounterCount <= kMostCounters);
// With the header it fits into the part of a window before the ring.
inline constexpr uint64_t kLiveOffset = 4096;
static_assert(kLiveOffset + sizeof(LivePage) <= 65536);

std::string StatusPath(const std::string& data_directory);

void ReadHistogram(const Histogram& histogram, LiveHistogram* reading);

// Fills in the page's own header.
void SealLivePage(LivePage* page);

// kCorrupt: no page verified after several tries; kNewerVersion.
Status ReadLivePage(const File& file, uint64_t offset, LivePage* page);

}  // namespace pinnacle

#endif  // PINNACLE_LIVE_LIVE_PAGE_H_
