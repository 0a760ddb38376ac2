#include "engine/time_travel.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/recovery.h"
#include "journal/journal_identity.h"
#include "journal/layout.h"
#include "journal/reader.h"
#include "snapshot/snapshot_directory.h"
#include "snapshot/snapshot_reader.h"

namespace pinnacle {

namespace {

// The newest snapshot of this journal that verifies and that `fits`; none leaves `books` empty.
Status RestoreBelow(FileSystem* fs, const std::string& data_directory,
                    const std::function<bool(const SnapshotFile&)>& may_fit,
                    const std::function<bool(const BookSet&)>& fits, BookSet* books,
                    SnapshotInfo* restored) {
  *restored = SnapshotInfo();
  std::optional<JournalId> journal_id;
  PINNACLE_RETURN_IF_ERROR(FindJournalId(fs, data_directory, &journal_id));
  std::vector<SnapshotFile> files;
  PINNACLE_RETURN_IF_ERROR(ListSnapshots(fs, SnapshotDirectory(data_directory), &files));
  for (auto it = files.rbegin(); it != files.rend(); ++it) {
    if (!may_fit(*it)) continue;
    BookSet candidate;
    std::vector<uint8_t> user_state;
    SnapshotInfo info;
    Status status = ReadSnapshot(fs, it->path, &candidate, &user_state, &info,
                                 journal_id ? &*journal_id : nullptr);
    // Damaged, or rotated away since it was listed: an older one does as well.
    if (status.code() == Code::kSnapshotCorrupt || status.code() == Code::kNotFound) continue;
    PINNACLE_RETURN_IF_ERROR(std::move(status));
    if (!fits(candidate)) continue;
    *books = std::move(candidate);
    *restored = info;
    return Status();
  }
  *books = BookSet();
  return Status();
}

// If a newer snapshot has what the lost entries did, books from before it would miss that.
Status CrossHole(const EntryView& entry, uint64_t base) {
  const HolePayload hole = entry.hole();
  if (hole.snapshot_sequence <= base) return Status();
  return Status(Code::kOutOfReach,
                "the entries " + std::to_string(hole.first_sequence) + " to " +
                    std::to_string(entry.header.sequence) + " are lost, and only snapshot " +
                    std::to_string(hole.snapshot_sequence) + " has what they did");
}

// Of an entry that begins a transaction, with all of it in its bytes_ahead.
template <typename Visit>
void VisitTransaction(const EntryView& first, Visit&& visit) {
  const uint8_t* entry = first.bytes.data();
  EntryHeader header;
  do {
    header = LoadHeader(entry);
    visit(header);
    entry += EntryBytes(header.payload_bytes);
  } while ((header.flags & kFlagMoreFollows) != 0);
}

// Applies the entries after the books' last until `stop` says so for the next one, or the journal
// ends. It is asked once for a transaction, at its first entry.
using Stop = std::function<Status(const EntryView& entry, bool* stop)>;
Status ApplyFollowing(FileSystem* fs, const std::string& data_directory, const Stop& stop,
                      BookSet* books, uint32_t* entry_checksum) {
  books->set_growth(Growth::kAtOnce);
  std::unique_ptr<JournalReader> reader;
  PINNACLE_RETURN_IF_ERROR(JournalReader::Open(fs, JournalDirectory(data_directory),
                                               books->last_sequence() + 1, &reader));
  const uint64_t base = books->last_sequence();
  return VisitEntries(reader.get(), [&](const EntryView& entry, bool* ends) -> Status {
    const EntryHeader& header = entry.header;
    if ((header.flags & kFlagContinues) == 0) {
      PINNACLE_RETURN_IF_ERROR(stop(entry, ends));
    }
    if (*ends) return Status();
    if (IsHole(header)) {
      PINNACLE_RETURN_IF_ERROR(CrossHole(entry, base));
      // A hole that covers no entry leaves the entry before it the last.
      if (entry_checksum != nullptr && header.sequence > books->last_sequence()) {
        *entry_checksum = 0;
      }
      books->Skip(std::max(books->last_sequence(), header.sequence));
      return Status();
    }
    PINNACLE_RETURN_IF_ERROR(books->ApplyEntry(header, entry.payload()));
    if (entry_checksum != nullptr) *entry_checksum = entry.trailer().checksum;
    return Status();
  });
}

Status WithCoverage(const Status& status, FileSystem* fs, const std::string& data_directory) {
  std::vector<SnapshotFile> files;
  std::string covered;
  if (ListSnapshots(fs, SnapshotDirectory(data_directory), &files).ok() && !files.empty()) {
    covered = "; entries are available from snapshot " + std::to_string(files.front().sequence) +
              " onwards";
  }
  return Status(Code::kOutOfReach, std::string(status.message()) + covered);
}

}  // namespace

Status BuildBooks(FileSystem* fs, const std::string& data_directory, uint64_t sequence,
                  BookSet* books, uint32_t* entry_checksum) {
  *entry_checksum = 0;
  if (sequence == 0) return Status(Code::kInvalidSequence, "sequences start at 1");
  SnapshotInfo restored;
  PINNACLE_RETURN_IF_ERROR(RestoreBelow(
      fs, data_directory, [&](const SnapshotFile& file) { return file.sequence <= sequence; },
      [](const BookSet&) { return true; }, books, &restored));
  if (books->last_sequence() == sequence) {
    *entry_checksum = restored.meta.entry_checksum;
    return Status();
  }
  const auto stop = [&](const EntryView& entry, bool* ends) -> Status {
    const EntryHeader& header = entry.header;
    *ends = header.sequence > sequence;
    if (*ends || !BeginsTransaction(header)) return Status();
    uint64_t last = 0;
    VisitTransaction(entry, [&](const EntryHeader& part) { last = part.sequence; });
    return sequence < last ? InsideTransaction(sequence, header.sequence, last) : Status();
  };
  Status status = ApplyFollowing(fs, data_directory, stop, books, entry_checksum);
  if (status.code() == Code::kOutOfReach) {
    return WithCoverage(status, fs, data_directory);
  }
  PINNACLE_RETURN_IF_ERROR(std::move(status));
  if (books->last_sequence() != sequence) {
    return Status(Code::kOutOfReach, "entry " + std::to_string(sequence) +
                                         " is not written yet; the journal ends at entry " +
                                         std::to_string(books->last_sequence()));
  }
  return Status();
}

Status BuildBooksAtTime(FileSystem* fs, const std::string& data_directory, uint16_t instrument,
                        uint64_t timestamp_ns, BookSet* books, TimesAround* times) {
  *times = TimesAround();
  SnapshotInfo restored;
  PINNACLE_RETURN_IF_ERROR(RestoreBelow(
      fs, data_directory, [](const SnapshotFile&) { return true; },
      [&](const BookSet& candidate) {
        return instrument <= candidate.instrument_count() &&
               candidate.facts(instrument).last_timestamp_ns <= timestamp_ns;
      },
      books, &restored));
  bool younger_is_there = false;
  const auto note = [&](const EntryHeader& header) {
    // A definition has the clock's time, whatever the operations count from.
    if (header.instrument != instrument || IsDefinition(header)) return;
    younger_is_there = header.timestamp_ns > timestamp_ns;
  };
  const auto stop = [&](const EntryView& entry, bool* ends) {
    younger_is_there = false;
    if (BeginsTransaction(entry.header)) {
      VisitTransaction(entry, note);  // the instrument's last entry of it counts
    } else {
      note(entry.header);
    }
    *ends = younger_is_there;
    return Status();
  };
  Status status = ApplyFollowing(fs, data_directory, stop, books, nullptr);
  if (status.code() == Code::kOutOfReach) {
    return WithCoverage(status, fs, data_directory);
  }
  PINNACLE_RETURN_IF_ERROR(std::move(status));
  if (instrument <= books->instrument_count()) {
    times->last_timestamp_ns = books->facts(instrument).last_timestamp_ns;
  }
  times->beyond_last_entry = !younger_is_there && times->last_timestamp_ns < timestamp_ns;
  FindOutOfOrder(fs, data_directory, instrument, timestamp_ns, books->last_sequence(), times);
  return Status();
}

}  // namespace pinnacle
