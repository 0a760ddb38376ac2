#include "engine/live_status.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "engine/engine.h"
#include "journal/head_record.h"

namespace pinnacle {

LiveStatus::LiveStatus(const Environment& environment, const Engine* engine, Journal* journal)
    : clock_(environment.clock),
      engine_(engine),
      journal_(journal),
      opened_ns_(clock_->NowNs()),
      page_(std::make_unique<LivePage>()) {
  FileSystem* fs = environment.file_system;
  const std::string path = StatusPath(engine->options().data_directory);
  if (engine->window() != nullptr) {
    (void)fs->Remove(path);  // of an earlier writer
  } else {
    if (!fs->Open(path, OpenMode::kReadWrite, &file_).ok()) {
      (void)fs->Open(path, OpenMode::kCreate, &file_);
    }
  }
  // At once: a page of the writer before this one says that it is closed.
  Beat(clock_->MonotonicNs());
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
  Publish(engine_->failed() ? LiveState::kFailed : LiveState::kOpen, monotonic_ns);
}

void LiveStatus::End(bool closed) {
  if (file_ == nullptr) return;  // the window goes, or its last page stays
  Publish(closed ? LiveState::kClosed : LiveState::kFailed, last_beat_ns_);
  file_.reset();
}

void LiveStatus::Publish(LiveState state, uint64_t monotonic_ns) {
  LivePage& page = *page_;
  page.journal_id_low = journal_->id().low;
  page.journal_id_high = journal_->id().high;
  page.pid = static_cast<uint64_t>(getpid());
  page.opened_ns = opened_ns_;
  page.beat_ns = clock_->NowNs();
  page.state = static_cast<uint64_t>(state);
  page.durable = engine_->durable();
  page.written = engine_->written();
  page.appended = engine_->appended();
  page.written_wait_ns = written_.Note(page.written, page.written < page.appended, monotonic_ns);
  const bool is_wanted = engine_->options().durability != Durability::kAppended ||
                         engine_->durable_requested() > page.durable;
  page.durable_wait_ns =
      durable_.Note(page.durable, is_wanted && page.durable < page.appended, monotonic_ns);
  const Status failure = engine_->failure();
  std::memset(page.failure, 0, sizeof(page.failure));
  const auto message = failure.message();
  std::copy_n(message.begin(), std::min(message.size(), sizeof(page.failure) - 1), page.failure);
  Counters counters;
  engine_->ReadCounters(&counters);
  std::memcpy(page.counters, &counters, sizeof(counters));
  ReadHistogram(engine_->append_ns(), &page.append_ns);
  if (engine_->sync_ns() != nullptr) {
    ReadHistogram(*engine_->sync_ns(), &page.sync_ns);
    ReadHistogram(*engine_->sync_entries(), &page.sync_entries);
  }
  SealLivePage(&page);
  // Best effort: after an error a reader sees an old beat.
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(&page), sizeof(page));
  if (file_ != nullptr) {
    (void)file_->Write(0, bytes);
  } else {
    journal_->PublishInWindow(kLiveOffset, bytes);
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
