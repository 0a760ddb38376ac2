#include "live/live_page.h"

#include <cstring>

#include "checksum/crc32c.h"

namespace pinnacle {

namespace {

// The writer takes microseconds for a page.
constexpr int kTries = 100;

uint32_t ChecksumOf(LivePage* page) {
  const uint32_t stored = page->checksum;
  page->checksum = 0;
  const uint32_t checksum = Crc32c({reinterpret_cast<const uint8_t*>(page), sizeof(*page)});
  page->checksum = stored;
  return checksum;
}

}  // namespace

std::string StatusPath(const std::string& data_directory) { return data_directory + "/STATUS"; }

void ReadHistogram(const Histogram& histogram, LiveHistogram* reading) {
  reading->count = histogram.count();
  reading->min = histogram.min();
  reading->max = histogram.max();
  for (uint32_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
    reading->buckets[bucket] = histogram.CountOf(bucket);
  }
}

void SealLivePage(LivePage* page) {
  std::memcpy(page->magic, kLiveMagic, sizeof(kLiveMagic));
  page->version = kLiveVersion;
  page->counter_count = kCounterCount;
  page->histogram_count = 3;
  page->bucket_count = Histogram::kBuckets;
  page->page_bytes = sizeof(LivePage);
  page->checksum = ChecksumOf(page);
}

Status ReadLivePage(const File& file, uint64_t offset, LivePage* page) {
  for (int attempt = 0; attempt < kTries; ++attempt) {
    size_t got = 0;
    PINNACLE_RETURN_IF_ERROR(
        file.Read(offset, {reinterpret_cast<uint8_t*>(page), sizeof(*page)}, &got));
    if (got < sizeof(*page)) break;
    if (std::memcmp(page->magic, kLiveMagic, sizeof(kLiveMagic)) != 0) continue;
    if (page->version > kLiveVersion) {
      return Status(Code::kNewerVersion,
                    "the writer's page has format version " + std::to_string(page->version) +
                        ", this library reads up to " + std::to_string(kLiveVersion) +
                        "; use a newer pinnacle-persistence");
    }
    if (page->checksum == ChecksumOf(page)) return Status();
  }
  return Status(Code::kCorrupt, "the page that a writer publishes does not verify");
}

}  // namespace pinnacle
