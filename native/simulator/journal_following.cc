#include "simulator/journal_following.h"

#include <memory>
#include <string>

#include "journal/reader.h"
#include "simulator/disk_reading.h"

namespace pinnacle::simulation {
namespace {

constexpr uint64_t kChunkBytes = 64 * 1024;

}  // namespace

Status FollowJournal(FileSystem* fs, uint64_t from,
                     const std::function<bool(const uint8_t*, uint64_t)>& visit) {
  std::unique_ptr<JournalReader> reader;
  PINNACLE_RETURN_IF_ERROR(
      JournalReader::Open(fs, std::string(kDirectory) + "/journal", from, &reader));
  std::vector<uint8_t> bytes;
  while (true) {
    bytes.clear();
    PINNACLE_RETURN_IF_ERROR(reader->Read(kChunkBytes, &bytes));
    if (bytes.empty()) return Status();
    for (size_t at = 0; at < bytes.size();) {
      const uint64_t length = EntryBytes(Load<uint32_t>(bytes.data() + at));
      if (!visit(bytes.data() + at, length)) return Status();
      at += length;
    }
  }
}

Status ReplayUserState(FileSystem* fs, const std::vector<uint8_t>& restored, uint64_t snapshot,
                       uint64_t last, UserState* state) {
  *state = UserState();
  if (!restored.empty() && !UserState::Restore(restored, state)) {
    return Status(Code::kCorrupt, "no state machine wrote what the snapshot holds");
  }
  uint64_t next = restored.empty() ? 1 : snapshot + 1;
  if (next > last) return Status();
  PINNACLE_RETURN_IF_ERROR(FollowJournal(fs, next, [&](const uint8_t* entry, uint64_t) {
    const uint64_t sequence = Load<uint64_t>(entry + 8);
    if (sequence > last) return false;
    if (entry[6] >= 0x80) {
      state->Apply(sequence, entry[6], Load<uint16_t>(entry + 4),
                   {entry + 24, Load<uint32_t>(entry)});
    }
    next = sequence + 1;
    return true;
  }));
  if (next > last) return Status();
  return Status(Code::kJournalGap, "the journal ends at " + std::to_string(next - 1) +
                                       " while the state is replayed to " + std::to_string(last));
}

}  // namespace pinnacle::simulation
