// The head record: what the journal's segments must be. `<data>/HEAD` names the oldest segment, the
// newest one and the one that is kept ready, each with its id, so that a segment that is missing,
// renamed, or of a copy that was written on elsewhere is noticed.
//
// It is kept in two slots (two_slots.h).
//
// Order, which makes the record right after any crash:
// - It exists before the first segment that has version 2.
// - It names a segment that was made ahead before the writer may enter it.
// - It is raised above a segment before that segment is removed.
// - It announces a segment's new link before the link is written into the segment.
// So every segment from the oldest to the ready one must be there. One more may follow them, which
// was made but not yet named; it holds nothing.
#ifndef PINNACLE_JOURNAL_HEAD_RECORD_H_
#define PINNACLE_JOURNAL_HEAD_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"
#include "journal/segment_header.h"
#include "platform/file_system.h"
#include "window/window.h"

namespace pinnacle {

inline constexpr char kHeadMagic[8] = {'P', 'I', 'N', 'N', 'H', 'E', 'D', '\n'};

struct HeadRecord {
  static constexpr const char (&kMagic)[8] = kHeadMagic;
  static constexpr uint16_t kVersion = kJournalVersion;

  char magic[8];
  uint16_t version;       // kJournalVersion
  uint16_t record_bytes;  // 256
  uint32_t checksum;      // CRC32C over these 256 bytes with this field 0
  uint64_t mandatory_features;
  uint64_t optional_features;
  uint64_t journal_id_low;
  uint64_t journal_id_high;
  uint64_t counter;       // from 1 on; even ones are at offset 0, odd ones at 4096
  uint64_t epoch;         // how often the directory was opened for writing
  uint64_t oldest_index;  // 0: there is no segment yet
  uint64_t oldest_id;
  uint64_t newest_index;  // the last one known to be written to; 0: none
  uint64_t newest_id;
  uint64_t newest_link;
  uint64_t newest_link_before;  // while the link changes: the one that the segment may still have
  uint64_t ready_index;         // made ahead; the writer may have entered it. 0: none
  uint64_t ready_id;
  uint64_t durable_sequence;
  uint64_t timestamp_ns;
  // With kFeatureWindow, the window that the writer of this epoch has, or had when it ended without
  // closing; else zero: its id, the machine's boot id when it was made, its directory.
  uint8_t window_id[16];
  uint8_t boot_id[16];
  uint8_t key_id[16];         // for encryption at rest; 0: plain
  char window_directory[64];  // zero-padded
};
static_assert(sizeof(HeadRecord) == 256 && sizeof(HeadRecord) <= kSectorBytes);
static_assert(offsetof(HeadRecord, counter) == 48 && offsetof(HeadRecord, oldest_index) == 64);
static_assert(offsetof(HeadRecord, durable_sequence) == 128);
static_assert(offsetof(HeadRecord, window_id) == 144 && offsetof(HeadRecord, key_id) == 176);
static_assert(offsetof(HeadRecord, window_directory) == 192);
static_assert(sizeof(HeadRecord::window_directory) == kWindowDirectoryBytes);

std::string HeadPath(const std::string& data_directory);

inline bool NamesWindow(const HeadRecord& head) {
  return (head.mandatory_features & kFeatureWindow) != 0;
}
void NameWindow(const Window& window, HeadRecord* head);
void NameNoWindow(HeadRecord* head);
std::string WindowPathOf(const HeadRecord& head);

inline JournalId JournalIdOf(const HeadRecord& head) {
  return {head.journal_id_low, head.journal_id_high};
}

// What was found of a directory's head record.
struct HeadFinding {
  bool exists = false;
  bool valid = false;  // `record` is the one that counts
  HeadRecord record{};
  std::string problem;  // why it is not valid; empty if it is, or if there is no file
};

// Of the writer that opens the directory next.
inline uint64_t NextEpoch(const HeadFinding& head) {
  return head.valid ? head.record.epoch + 1 : 1;
}

// kIo and the like, kNotOurFile, kNewerVersion, kUnknownFeature. Damage is a finding.
Status ReadHead(FileSystem* file_system, const std::string& data_directory, HeadFinding* finding);

// The bytes (kSlotFileBytes) of a HEAD file that holds `record` in both slots.
void EncodeHeadFile(HeadRecord record, std::span<uint8_t> bytes);

// Writes the record. One thread at a time.
class HeadFile {
 public:
  // Continues from `found`; makes the file if there is none.
  static Status Open(FileSystem* file_system, const std::string& data_directory,
                     const HeadFinding& found, std::unique_ptr<HeadFile>* head);

  const HeadRecord& record() const { return record_; }
  const std::string& path() const { return path_; }
  const FileIdentity& identity() const { return identity_; }

  // Seals the record, writes it into its counter's slot and syncs. After an error the same slot is
  // written again next time: the other one stays good.
  Status Write(HeadRecord record);

 private:
  HeadFile(std::string path, const FileIdentity& identity, std::unique_ptr<File> file,
           const HeadRecord& record)
      : path_(std::move(path)), identity_(identity), file_(std::move(file)), record_(record) {}

  const std::string path_;
  const FileIdentity identity_;
  std::unique_ptr<File> file_;
  HeadRecord record_;  // as last written
};

}  // namespace pinnacle

#endif  // PINNACLE_JOURNAL_HEAD_RECORD_H_
