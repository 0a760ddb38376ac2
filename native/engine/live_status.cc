#include "engine/live_status.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "engine/engine.h"
#include "journal/head_record.h"

namespace pinnacle {

void ReadCounters(const Engine& engine, Counters* counters) {
  const Journal& journal = *engine.journal();
  const SupplyCounters supply = journal.supply_counters();
  const FlushCounters flushes = journal.flush_counters();
  const WindowCounters window = journal.window_counters();
  counters->entries = engine.entries_appended();
  counters->bytes_appended = journal.bytes_appended();
  counters->refused = engine.refused();
  counters->sync_bytes = flushes.bytes;
  counters->fills = flushes.fills;
  counters->filled_bytes = flushes.filled_bytes;
  counters->window_bytes = window.ring_bytes;
  counters->window_waits = window.waits;
  counters->window_wait_ns = window.wait_ns;
  counters->copies = window.copies;
  counters->copied_bytes = window.copied_bytes;
  counters->segment_index = journal.segment_index();
  counters->segments_created = supply.created;
  counters->segments_recycled = supply.recycled;
  counters->segments_removed = journal.segments_removed();
  counters->segment_stalls = supply.stalls;
  counters->segment_stall_ns = supply.stall_ns;
  counters->spare_segments = journal.spare_count();
  counters->journal_bytes = journal.disk_bytes();
  counters->snapshots = engine.snapshots();
  counters->snapshot_failures = engine.snapshot_failures();
  counters->compactions = engine.compactions();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  counters->minor_faults = static_cast<uint64_t>(usage.ru_minflt);
  counters->major_faults = static_cast<uint64_t>(usage.ru_majflt);
  const JournalThreads* threads = engine.threads();
  if (threads == nullptr) return;
  counters->syncs = threads->syncs();
  counters->sync_failures = threads->sync_failures();
  counters->touched_bytes = threads->touched_bytes();
}

LiveStatus::LiveStatus(Engine* engine)
    : engine_(engine),
      opened_ns_(engine->environment().clock->NowNs()),
      page_(std::make_unique<LivePage>()) {
  FileSystem* fs = engine->environment().file_system;
  const std::string path = StatusPath(engine->options().data_directory);
  if (engine->journal()->window() != nullptr) {
    (void)fs->Remove(path);  // of an earlier writer
  } else {
    if (!fs->Open(path, OpenMode::kReadWrite, &file_).ok()) {
      (void)fs->Open(path, OpenMode::kCreate, &file_);
    }
  }
  // At once: a page of the writer before this one says that it is closed.
  Beat(engine->environment().clock->MonotonicNs());
}

uint64_t LiveStatus::Wait::Note(uint64_t now, bool waits, uint64_t monotonic_ns) {
  if (!waits || now != frontier) since_ns = 0;
  frontier = now;
  if (waits && since_ns == 0) since_ns = monotonic_ns;
  return since_ns == 0 ? 0 : monotonic_ns - since_ns;
}

void LiveStatus::Beat(uint64_t monotonic_ns) {
  if (last_beat_ns_ != 0 && monotonic_ns - last_beat_ns_ < kBeatNs) return;
  last_beat_ns_ = monotonic_ns;
  const bool failed = engine_->journal()->failed();
  Publish(failed ? LiveState::kFailed : LiveState::kOpen, monotonic_ns);
}

void LiveStatus::End(bool closed) {
  if (file_ == nullptr) return;  // the window goes, or its last page stays
  Publish(closed ? LiveState::kClosed : LiveState::kFailed, last_beat_ns_);
  file_.reset();
}

void LiveStatus::Publish(LiveState state, uint64_t monotonic_ns) {
  Journal& journal = *engine_->journal();
  LivePage& page = *page_;
  page.journal_id_low = journal.id().low;
  page.journal_id_high = journal.id().high;
  page.pid = static_cast<uint64_t>(getpid());
  page.opened_ns = opened_ns_;
  page.beat_ns = engine_->environment().clock->NowNs();
  page.state = static_cast<uint64_t>(state);
  page.durable = journal.durable();
  page.written = journal.written();
  page.appended = journal.appended();
  page.written_wait_ns = written_.Note(page.written, page.written < page.appended, monotonic_ns);
  const JournalThreads* threads = engine_->threads();
  const bool is_wanted = engine_->options().durability != Durability::kAppended ||
                         (threads != nullptr && threads->requested() > page.durable);
  page.durable_wait_ns =
      durable_.Note(page.durable, is_wanted && page.durable < page.appended, monotonic_ns);
  const Status failure = journal.failure();
  std::memset(page.failure, 0, sizeof(page.failure));
  const auto message = failure.message();
  std::copy_n(message.begin(), std::min(message.size(), sizeof(page.failure) - 1), page.failure);
  Counters counters;
  ReadCounters(*engine_, &counters);
  std::memcpy(page.counters, &counters, sizeof(counters));
  ReadHistogram(engine_->append_ns(), &page.append_ns);
  if (threads != nullptr) {
    ReadHistogram(threads->sync_ns(), &page.sync_ns);
    ReadHistogram(threads->sync_entries(), &page.sync_entries);
  }
  SealLivePage(&page);
  // Best effort: whoever reads sees an old beat.
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(&page), sizeof(page));
  if (file_ != nullptr) {
    (void)file_->Write(0, bytes);
  } else {
    journal.PublishInWindow(kLiveOffset, bytes);
  }
}

Status ReadLiveStatus(FileSystem* fs, const std::string& data_directory, LivePage* page) {
  HeadFinding head;
  PINNACLE_RETURN_IF_ERROR(ReadHead(fs, data_directory, &head));
  const bool in_window = head.valid && NamesWindow(head.record);
  const std::string path = in_window ? WindowPathOf(head.record) : StatusPath(data_directory);
  std::unique_ptr<File> file;
  Status opened = fs->Open(path, OpenMode::kRead, &file);
  if (opened.code() == Code::kNotFound) {
    return Status(Code::kNotFound,
                  "no writer has published anything in " + data_directory + ": none has it open");
  }
  PINNACLE_RETURN_IF_ERROR(std::move(opened));
  uint64_t size = 0;
  PINNACLE_RETURN_IF_ERROR(file->Size(&size));
  if (size == 0) return Status(Code::kNotFound, "'" + path + "' was only just made");
  return ReadLivePage(*file, in_window ? kLiveOffset : 0, page);
}

}  // namespace pinnacle
