#include "consumer/consumer.h"

#include <algorithm>
#include <optional>

#include "journal/entry_check.h"
#include "journal/format.h"
#include "journal/journal_identity.h"
#include "journal/layout.h"
#include "journal/two_slots.h"

namespace pinnacle {

namespace {

constexpr size_t kMaxNameLength = 64;

std::string ConsumersDirectory(const std::string& data_directory) {
  return data_directory + "/consumers";
}

std::string PositionPath(const std::string& directory) { return directory + "/POSITION"; }

Status InvalidName(const std::string& name) {
  return Status(Code::kInvalidArgument,
                "a consumer is named with 1 to 64 letters, digits, '.', '_' and '-', the first one "
                "a letter or a digit, and not \"" +
                    name + "\"");
}

Status NoConsumer(const std::string& data_directory, const std::string& name) {
  return Status(Code::kNotFound, data_directory + " has no consumer \"" + name +
                                     "\"; `pinnacle consumers` lists them");
}

// The directory and its name in the parent, both durable.
Status MakeDirectory(FileSystem* fs, const std::string& parent, const std::string& path) {
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(path, &exists));
  if (!exists) PINNACLE_RETURN_IF_ERROR(fs->CreateDirectory(path));
  // Also where it exists: a crash may have come between making and syncing it.
  return fs->SyncDirectory(parent);
}

Status OldestSequence(FileSystem* fs, const std::string& data_directory, uint64_t* sequence) {
  std::unique_ptr<JournalReader> reader;
  PINNACLE_RETURN_IF_ERROR(JournalReader::Open(fs, data_directory + "/journal", 0, &reader));
  *sequence = std::max<uint64_t>(reader->next_sequence(), 1);
  return Status();
}

}  // namespace

bool IsConsumerName(const std::string& name) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= kMaxNameLength && is_word(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_word(c) || c == '.' || c == '_' || c == '-'; });
}

Status Consumer::Open(const Environment& environment, const std::string& data_directory,
                      const std::string& name, uint64_t from, std::unique_ptr<Consumer>* consumer) {
  if (!IsConsumerName(name)) return InvalidName(name);
  FileSystem* fs = environment.file_system;
  std::unique_ptr<Consumer> opened(new Consumer(environment, data_directory));
  std::optional<JournalId> id;
  PINNACLE_RETURN_IF_ERROR(FindJournalId(fs, data_directory, &id));
  if (!id) {
    return Status(Code::kNotFound,
                  data_directory + " holds no journal yet; open it for writing before a consumer");
  }
  const std::string parent = ConsumersDirectory(data_directory);
  const std::string directory = parent + "/" + name;
  PINNACLE_RETURN_IF_ERROR(MakeDirectory(fs, data_directory, parent));
  PINNACLE_RETURN_IF_ERROR(MakeDirectory(fs, parent, directory));
  Status locked = fs->Lock(directory, &opened->lock_);
  if (locked.code() == Code::kLocked) {
    return Status(Code::kLocked, "consumer \"" + name +
                                     "\" is open already; close it there, or use another name (" +
                                     std::string(locked.message()) + ")");
  }
  PINNACLE_RETURN_IF_ERROR(std::move(locked));
  opened->record_.journal_id_low = id->low;
  opened->record_.journal_id_high = id->high;
  opened->path_ = PositionPath(directory);
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(opened->path_, &exists));
  if (!exists) PINNACLE_RETURN_IF_ERROR(opened->MakePosition(directory, from));
  // Also where it exists: a crash may have come between the rename and this sync.
  PINNACLE_RETURN_IF_ERROR(fs->SyncDirectory(directory));
  PINNACLE_RETURN_IF_ERROR(fs->Open(opened->path_, OpenMode::kReadWrite, &opened->file_));
  PINNACLE_RETURN_IF_ERROR(opened->file_->Identity(&opened->identity_.emplace()));
  PINNACLE_RETURN_IF_ERROR(ReadConsumer(*opened->file_, opened->path_, &opened->record_));
  if (JournalIdOf(opened->record_) != *id) {
    return Status(Code::kConsumerDiverged,
                  "consumer \"" + name + "\" is of another journal than the one in " +
                      data_directory + "; remove it (`pinnacle consumers --remove " + name +
                      "`), and open it again at the entry it should continue from");
  }
  *consumer = std::move(opened);
  return Status();
}

// Whole before it has its name, so that a crash leaves a position or none.
Status Consumer::MakePosition(const std::string& directory, uint64_t from) {
  FileSystem* fs = environment_.file_system;
  if (from == 0) PINNACLE_RETURN_IF_ERROR(OldestSequence(fs, data_directory_, &from));
  ConsumerPosition position;
  PINNACLE_RETURN_IF_ERROR(Locate(from - 1, &position));
  const std::string temporary = path_ + ".tmp";
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(temporary, &exists));
  if (exists) PINNACLE_RETURN_IF_ERROR(fs->Remove(temporary));
  PINNACLE_RETURN_IF_ERROR(fs->Open(temporary, OpenMode::kCreate, &file_));
  PINNACLE_RETURN_IF_ERROR(file_->Write(0, std::vector<uint8_t>(kSlotFileBytes)));
  // Both slots, so that a damaged one is never all that there is.
  for (int slot = 0; slot < 2; ++slot) PINNACLE_RETURN_IF_ERROR(Write(position));
  PINNACLE_RETURN_IF_ERROR(fs->Rename(temporary, path_));
  return fs->SyncDirectory(directory);
}

ConsumerPosition Consumer::position() const {
  std::lock_guard lock(state_mutex_);
  return {record_.sequence, record_.entry_checksum};
}

uint64_t Consumer::next_sequence() const {
  return reader_ == nullptr ? position().sequence + 1 : reader_->next_sequence();
}

Status Consumer::Resume() {
  const ConsumerPosition from = position();
  const bool checks = from.sequence > 0 && from.entry_checksum != 0;
  std::unique_ptr<JournalReader> reader;
  PINNACLE_RETURN_IF_ERROR(JournalReader::Open(
      environment_.file_system, data_directory_ + "/journal",
      checks ? from.sequence : from.sequence + 1, &reader, JournalReader::Start::kAnywhere));
  if (checks) {
    std::vector<uint8_t> entry;
    PINNACLE_RETURN_IF_ERROR(reader->Read(1, &entry));
    const bool same =
        !entry.empty() && LoadHeader(entry.data()).sequence == from.sequence &&
        LoadTrailer(entry.data(), EntryBytes(LoadHeader(entry.data()).payload_bytes)).checksum ==
            from.entry_checksum;
    if (!same) {
      return Status(
          Code::kConsumerDiverged,
          "the journal does not hold the entry " + std::to_string(from.sequence) +
              " that was consumed: it was lost in a power cut or a repair, and later entries were "
              "written since. Undo what was consumed but is not in the journal, then reset the "
              "consumer to the last entry on which the two agree");
    }
  }
  reader_ = std::move(reader);
  return Status();
}

Status Consumer::Read(uint64_t max_bytes, std::vector<uint8_t>* out) {
  if (reader_ == nullptr) PINNACLE_RETURN_IF_ERROR(Resume());
  const size_t begin = out->size();
  Status status = reader_->Read(max_bytes, out);
  std::lock_guard lock(state_mutex_);
  for (size_t at = begin; at < out->size();) {
    const EntryHeader header = LoadHeader(out->data() + at);
    const uint64_t bytes = EntryBytes(header.payload_bytes);
    read_.push_back({{header.sequence, LoadTrailer(out->data() + at, bytes).checksum},
                     (header.flags & kFlagMoreFollows) != 0});
    at += bytes;
  }
  return status;
}

Status Consumer::Commit(uint64_t sequence) {
  std::lock_guard write_lock(write_mutex_);
  ConsumerPosition to;
  {
    std::lock_guard lock(state_mutex_);
    if (sequence == record_.sequence) return Status();
    const auto found = std::lower_bound(
        read_.begin(), read_.end(), sequence,
        [](const ReadEntry& read, uint64_t wanted) { return read.at.sequence < wanted; });
    if (sequence < record_.sequence || found == read_.end() || found->at.sequence != sequence) {
      return Status(Code::kInvalidSequence,
                    "entry " + std::to_string(sequence) +
                        " can't be committed: it was not read since the consumer was opened, or "
                        "it is before the position " +
                        std::to_string(record_.sequence));
    }
    // Within a transaction: up to before it, so that all of it comes again.
    auto last = found;
    while (last->more_follows && last != read_.begin()) --last;
    if (last->more_follows) return Status();
    to = last->at;
  }
  PINNACLE_RETURN_IF_ERROR(Write(to));
  std::lock_guard lock(state_mutex_);
  while (!read_.empty() && read_.front().at.sequence <= to.sequence) read_.pop_front();
  return Status();
}

void Consumer::Rewind() {
  reader_.reset();
  std::lock_guard lock(state_mutex_);
  read_.clear();
}

// With the checksum of its entry where the journal holds that. An entry before the oldest one was
// durable, so nothing takes it back.
Status Consumer::Locate(uint64_t sequence, ConsumerPosition* position) const {
  *position = {sequence, 0};
  if (sequence == 0) return Status();
  std::unique_ptr<JournalReader> reader;
  Status status = JournalReader::Open(environment_.file_system, data_directory_ + "/journal",
                                      sequence, &reader, JournalReader::Start::kAnywhere);
  if (status.code() == Code::kOutOfReach) return Status();
  PINNACLE_RETURN_IF_ERROR(std::move(status));
  std::vector<uint8_t> entry;
  PINNACLE_RETURN_IF_ERROR(reader->Read(1, &entry));
  if (entry.empty()) {
    return Status(Code::kInvalidSequence, "the journal ends before entry " +
                                              std::to_string(sequence) +
                                              ", so no consumer can be after it");
  }
  // (A hole may cover it: that is durable as well.)
  const EntryHeader header = LoadHeader(entry.data());
  if (header.sequence == sequence) {
    if ((header.flags & kFlagMoreFollows) != 0) return InsideAt(sequence);
    position->entry_checksum = LoadTrailer(entry.data(), EntryBytes(header.payload_bytes)).checksum;
  }
  return Status();
}

// After an entry inside a transaction no reader begins: it says where the transaction is.
Status Consumer::InsideAt(uint64_t sequence) const {
  std::unique_ptr<JournalReader> reader;
  PINNACLE_RETURN_IF_ERROR(JournalReader::Open(
      environment_.file_system, data_directory_ + "/journal", sequence + 1, &reader));
  std::vector<uint8_t> entry;
  return reader->Read(1, &entry);
}

Status Consumer::Reset(uint64_t sequence) {
  ConsumerPosition position;
  PINNACLE_RETURN_IF_ERROR(Locate(sequence, &position));
  {
    std::lock_guard write_lock(write_mutex_);
    PINNACLE_RETURN_IF_ERROR(Write(position));
  }
  Rewind();
  return Status();
}

Status Consumer::Write(const ConsumerPosition& position) {
  ConsumerRecord record;
  {
    std::lock_guard lock(state_mutex_);
    record = record_;
  }
  ++record.counter;
  record.sequence = position.sequence;
  record.entry_checksum = position.entry_checksum;
  record.timestamp_ns = environment_.clock->NowNs();
  SealSlot(&record);
  PINNACLE_RETURN_IF_ERROR(WriteSlot(file_.get(), record));
  PINNACLE_RETURN_IF_ERROR(file_->Sync());
  // What has no name is lost with the process.
  PINNACLE_RETURN_IF_ERROR(lock_->Check());
  PINNACLE_RETURN_IF_ERROR(CheckName());
  std::lock_guard lock(state_mutex_);
  record_ = record;
  return Status();
}

Status Consumer::CheckName() const {
  if (!identity_) return Status();  // it has its temporary name yet
  FileIdentity named;
  Status status = environment_.file_system->Identify(path_, &named);
  if (status.ok() && named == *identity_) return status;
  if (!status.ok() && status.code() != Code::kNotFound && status.code() != Code::kNotADirectory) {
    return status;
  }
  return Status(
      Code::kDirectoryLost,
      "'" + path_ + "' was removed or replaced while the consumer was open; open it again");
}

Status ListConsumers(FileSystem* fs, const std::string& data_directory,
                     std::vector<ConsumerFinding>* consumers) {
  consumers->clear();
  const std::string parent = ConsumersDirectory(data_directory);
  std::vector<std::string> names;
  Status listed = fs->List(parent, &names);
  if (listed.code() == Code::kNotFound) return Status();
  PINNACLE_RETURN_IF_ERROR(std::move(listed));
  for (const std::string& name : names) {
    if (!IsConsumerName(name)) continue;
    const std::string path = PositionPath(parent + "/" + name);
    std::unique_ptr<File> file;
    ConsumerFinding finding;
    finding.name = name;
    finding.status = fs->Open(path, OpenMode::kRead, &file);
    // Made by a process that was killed before it could say where, or removed.
    if (finding.status.code() == Code::kNotFound || finding.status.code() == Code::kNotADirectory) {
      continue;
    }
    ConsumerRecord record{};
    if (finding.status.ok()) finding.status = ReadConsumer(*file, path, &record);
    if (finding.status.ok()) {
      finding.position = {record.sequence, record.entry_checksum};
      finding.timestamp_ns = record.timestamp_ns;
      finding.journal_id = JournalIdOf(record);
    }
    consumers->push_back(std::move(finding));
  }
  return Status();
}

Status RemoveConsumer(FileSystem* fs, const std::string& data_directory, const std::string& name) {
  if (!IsConsumerName(name)) return InvalidName(name);
  const std::string directory = ConsumersDirectory(data_directory) + "/" + name;
  const std::string path = PositionPath(directory);
  bool exists = false;
  PINNACLE_RETURN_IF_ERROR(fs->Exists(path, &exists));
  if (!exists) return NoConsumer(data_directory, name);
  std::unique_ptr<DirectoryLock> lock;
  PINNACLE_RETURN_IF_ERROR(fs->Lock(directory, &lock));
  PINNACLE_RETURN_IF_ERROR(fs->Remove(path));
  return fs->SyncDirectory(directory);
}

}  // namespace pinnacle
