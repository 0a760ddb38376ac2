// What any thread may ask of an engine about its work since it was opened.
#include <sys/resource.h>

#include "engine/engine.h"

namespace pinnacle {

void Engine::ReadCounters(Counters* counters) const {
  const SupplyCounters supply = journal_->supply_counters();
  const FlushCounters flushes = journal_->flush_counters();
  const WindowCounters window = journal_->window_counters();
  counters->entries = entries_appended();
  counters->bytes_appended = journal_->bytes_appended();
  counters->refused = refused();
  counters->sync_bytes = flushes.bytes;
  counters->fills = flushes.fills;
  counters->filled_bytes = flushes.filled_bytes;
  counters->window_bytes = window.ring_bytes;
  counters->window_waits = window.waits;
  counters->window_wait_ns = window.wait_ns;
  counters->copies = window.copies;
  counters->copied_bytes = window.copied_bytes;
  counters->segment_index = journal_->segment_index();
  counters->segments_created = supply.created;
  counters->segments_recycled = supply.recycled;
  counters->segments_removed = journal_->segments_removed();
  counters->segment_stalls = supply.stalls;
  counters->segment_stall_ns = supply.stall_ns;
  counters->spare_segments = journal_->spare_count();
  counters->journal_bytes = journal_->disk_bytes();
  counters->snapshots = snapshots();
  counters->snapshot_failures = snapshot_failures();
  counters->compactions = compactions();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  counters->minor_faults = static_cast<uint64_t>(usage.ru_minflt);
  counters->major_faults = static_cast<uint64_t>(usage.ru_majflt);
  if (threads_ == nullptr) return;
  counters->syncs = threads_->syncs();
  counters->sync_failures = threads_->sync_failures();
  counters->touched_bytes = threads_->touched_bytes();
}

}  // namespace pinnacle
