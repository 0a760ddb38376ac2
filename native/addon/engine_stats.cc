#include "addon/engine_stats.h"

#include <sys/resource.h>

#include <string>

#include "addon/values.h"
#include "platform/thread_usage.h"

namespace pinnacle::addon {

Napi::Value StatsToValue(Napi::Env env, Engine& engine) {
  const Journal& journal = *engine.journal();
  const SupplyCounters supply = journal.supply_counters();
  Napi::Object object = Napi::Object::New(env);
  const auto set = [&](const char* name, uint64_t value) { object.Set(name, Num(env, value)); };
  set("appended", journal.appended());
  set("written", journal.written());
  set("durable", journal.durable());
  set("applied", engine.books().last_sequence());
  object.Set("failed", std::string(journal.failure().message()));
  set("entries", engine.entries_appended());
  set("bytesAppended", journal.bytes_appended());
  set("refused", engine.refused());
  set("segmentIndex", journal.segment_index());
  set("segmentsCreated", supply.created);
  set("segmentsRecycled", supply.recycled);
  set("segmentsRemoved", journal.segments_removed());
  set("segmentStalls", supply.stalls);
  set("segmentStallNs", supply.stall_ns);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  set("minorFaults", static_cast<uint64_t>(usage.ru_minflt));
  set("majorFaults", static_cast<uint64_t>(usage.ru_majflt));
  // Of this thread, which is the one that writes.
  const ThreadUsage writer = ThisThreadUsage();
  set("writerMinorFaults", writer.minor_faults);
  set("writerMajorFaults", writer.major_faults);
  set("writerPreemptions", writer.involuntary_switches);
  const FlushCounters flushes = journal.flush_counters();
  set("syncBytes", flushes.bytes);
  set("inlineSyncs", flushes.inline_syncs);
  set("fills", flushes.fills);
  set("filledBytes", flushes.filled_bytes);
  const WindowCounters window = journal.window_counters();
  set("windowBytes", window.ring_bytes);
  set("windowWaits", window.waits);
  set("windowWaitNs", window.wait_ns);
  set("copies", window.copies);
  set("copiedBytes", window.copied_bytes);
  object.Set("windowLost", journal.window_lost());
  set("snapshots", engine.snapshots());
  set("snapshotFailures", engine.snapshot_failures());
  set("compactions", engine.compactions());
  uint64_t growths = 0;
  uint64_t memory = 0;
  const BookSet& books = engine.books();
  for (uint32_t i = 1; i <= books.instrument_count(); ++i) {
    growths += books.book(static_cast<uint16_t>(i)).growth_count();
    memory += books.book(static_cast<uint16_t>(i)).memory_bytes();
  }
  set("bookGrowths", growths);
  set("bookMemoryBytes", memory);
  // The clock's steps, and the last one.
  const StampClock& stamps = engine.stamps();
  set("clockSteps", stamps.steps());
  if (stamps.steps() == 0) {
    object.Set("lastClockStep", env.Null());
  } else {
    Napi::Object step = Napi::Object::New(env);
    step.Set("fromNs", Napi::BigInt::New(env, stamps.last_step().from_ns));
    step.Set("toNs", Napi::BigInt::New(env, stamps.last_step().to_ns));
    step.Set("sequence", Num(env, stamps.last_step().sequence));
    object.Set("lastClockStep", step);
  }
  set("journalBytes", journal.disk_bytes());
  set("spareSegments", journal.spare_count());
  object.Set("appendNs", ToValue(env, engine.append_ns()));
  if (const JournalThreads* threads = engine.threads(); threads != nullptr) {
    set("syncs", threads->syncs());
    set("syncFailures", threads->sync_failures());
    set("touchedBytes", threads->touched_bytes());
    object.Set("syncNs", ToValue(env, threads->sync_ns()));
    object.Set("syncEntries", ToValue(env, threads->sync_entries()));
  }
  return object;
}

}  // namespace pinnacle::addon
