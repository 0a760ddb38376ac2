// Named consumers of a journal: readers whose position is durable, and which compaction waits for.
//
// A consumer is a directory `<data>/consumers/<name>` that holds POSITION (consumer_record.h) and
// LOCK: one process at a time has it open, with or without the journal's writer running. Nothing of
// the journal is locked.
//
// Invariants:
// - A committed position is durable, and never before an earlier committed one, unless it was moved
//   on purpose (Reset).
// - A position includes the checksum of its entry. An entry may be consumed before it is durable;
//   if a power cut takes it, another entry gets its sequence, and the next read reports this
//   (kConsumerDiverged) instead of skipping entries that were never consumed.
// - Compaction keeps the entry at the position, within the limits of its configuration, so that the
//   check is possible.
#ifndef PINNACLE_CONSUMER_CONSUMER_H_
#define PINNACLE_CONSUMER_CONSUMER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "consumer/consumer_record.h"
#include "journal/reader.h"
#include "platform/environment.h"

namespace pinnacle {

struct ConsumerPosition {
  uint64_t sequence = 0;        // 0: nothing was consumed yet
  uint32_t entry_checksum = 0;  // 0: not known
};

// What compaction and users see of a consumer.
struct ConsumerFinding {
  std::string name;
  Status status;  // why its position is not known
  ConsumerPosition position;
  uint64_t timestamp_ns = 0;  // of the last commit
  JournalId journal_id;
};

class Consumer {
 public:
  // Takes the consumer for this process and creates it if needed: to read from entry `from` on, or
  // from the oldest one that the journal holds (0). kInvalidArgument: bad name. kLocked. kNotFound:
  // no journal. kInvalidSequence: the journal ends before `from` - 1.
  static Status Open(const Environment& environment, const std::string& data_directory,
                     const std::string& name, uint64_t from, std::unique_ptr<Consumer>* consumer);

  // The last committed position.
  ConsumerPosition position() const;

  // The entry that Read returns next.
  uint64_t next_sequence() const;

  // Appends the next unread entries, as JournalReader::Read does. After Open and Reset, reading
  // starts right after the position. kConsumerDiverged: the journal holds another entry at the
  // position, or ends before it. kOutOfReach: compaction has gone past it.
  Status Read(uint64_t max_bytes, std::vector<uint8_t>* out);

  // Commits what was read up to `sequence`; durable on return. Inside a transaction the position
  // moves only to before it, so that all of it is read again. kInvalidSequence: before the
  // position, or not read since Open. May run concurrently with Read on another thread.
  Status Commit(uint64_t sequence);
  // Restarts reading after the position. Not concurrent with Read or Commit.
  void Rewind();
  // Moves the position to any entry; reading continues after it. kInvalidSequence: the journal ends
  // before that. kInsideTransaction: not the last entry of its transaction. Not concurrent with
  // Read or Commit.
  Status Reset(uint64_t sequence);

 private:
  Consumer(const Environment& environment, std::string data_directory)
      : environment_(environment), data_directory_(std::move(data_directory)) {}

  Status MakePosition(const std::string& directory, uint64_t from);
  Status Locate(uint64_t sequence, ConsumerPosition* position) const;
  Status InsideAt(uint64_t sequence) const;
  Status Resume();
  Status CheckName() const;
  Status Write(const ConsumerPosition& position);  // under write_mutex_, once the consumer is open

  const Environment environment_;
  const std::string data_directory_;
  std::string path_;
  std::unique_ptr<DirectoryLock> lock_;
  std::unique_ptr<JournalReader> reader_;  // null: Read has to find the place

  std::mutex write_mutex_;  // one write at a time; taken before state_
  std::unique_ptr<File> file_;
  std::optional<FileIdentity> identity_;  // of file_, once that is open under its name

  mutable std::mutex state_mutex_;
  ConsumerRecord record_{};  // as last written
  struct ReadEntry {
    ConsumerPosition at;
    bool more_follows;  // of its transaction
  };
  std::deque<ReadEntry> read_;  // not committed, in order
};

// Letters, digits, '.', '_' and '-', 1 to 64 of them, the first one a letter or a digit.
bool IsConsumerName(const std::string& name);

// Sorted by name. A consumer with an unreadable position is listed with the reason.
Status ListConsumers(FileSystem* file_system, const std::string& data_directory,
                     std::vector<ConsumerFinding>* consumers);

// Compaction no longer waits for it. kLocked: a process has it open. kNotFound.
Status RemoveConsumer(FileSystem* file_system, const std::string& data_directory,
                      const std::string& name);

}  // namespace pinnacle

#endif  // PINNACLE_CONSUMER_CONSUMER_H_
