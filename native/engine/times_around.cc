#include "engine/times_around.h"

#include <algorithm>
#include <memory>

#include "engine/recovery.h"
#include "journal/layout.h"
#include "journal/reader.h"

namespace pinnacle {

namespace {

// From the oldest entry if compaction has taken the wanted one.
Status OpenReader(FileSystem* fs, const std::string& journal_directory, uint64_t first,
                  std::unique_ptr<JournalReader>* reader) {
  Status status =
      JournalReader::Open(fs, journal_directory, first, reader, JournalReader::Start::kAnywhere);
  if (status.code() != Code::kOutOfReach) return status;
  return JournalReader::Open(fs, journal_directory, 0, reader);
}

}  // namespace

void FindOutOfOrder(FileSystem* fs, const std::string& data_directory, uint16_t instrument,
                    uint64_t timestamp_ns, uint64_t last_sequence, TimesAround* times) {
  const uint64_t first =
      last_sequence > kTimesAroundEntries ? last_sequence - kTimesAroundEntries : 1;
  const uint64_t last = last_sequence + kTimesAroundEntries;
  std::unique_ptr<JournalReader> reader;
  if (!OpenReader(fs, JournalDirectory(data_directory), first, &reader).ok()) return;
  uint64_t latest_ns = 0;
  const auto visit = [&](const EntryView& entry, bool* stop) {
    const EntryHeader& header = entry.header;
    *stop = header.sequence > last;
    // A definition has the clock's time, whatever the operations count from.
    if (*stop || header.instrument != instrument || IsDefinition(header) || IsHole(header)) {
      return Status();
    }
    if (header.timestamp_ns < latest_ns) {
      const bool across = header.timestamp_ns <= timestamp_ns && latest_ns > timestamp_ns;
      if (across || times->out_of_order_sequence == 0) {
        times->out_of_order_sequence = header.sequence;
        times->out_of_order_ns = header.timestamp_ns;
        times->ahead_ns = latest_ns;
        times->across_point = across;
      }
      *stop = across;
    }
    latest_ns = std::max(latest_ns, header.timestamp_ns);
    return Status();
  };
  (void)VisitEntries(reader.get(), visit);
}

}  // namespace pinnacle
