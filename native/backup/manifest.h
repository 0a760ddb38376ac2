// The manifest of a backup, `BACKUP`: its files with sizes and checksums, the journal they belong
// to, and the range of entries. docs/format.md describes the same for other languages.
//
// Invariants:
// - A backup without a manifest that verifies is not a backup. The manifest is written last, into a
//   directory that gets its name only afterwards.
// - The file exists, empty, from the moment that a directory is made for a backup: see
//   engine/backup_mark.h.
#ifndef PINNACLE_BACKUP_MANIFEST_H_
#define PINNACLE_BACKUP_MANIFEST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/backup_mark.h"
#include "journal/segment_header.h"
#include "platform/file_system.h"

namespace pinnacle {

inline constexpr char kManifestMagic[8] = {'P', 'I', 'N', 'N', 'B', 'A', 'K', '\n'};
inline constexpr uint16_t kManifestVersion = 1;

struct ManifestHeader {
  char magic[8];
  uint16_t version;
  uint16_t header_bytes;        // 192
  uint32_t checksum;            // CRC32C over the whole file with this field 0
  uint64_t mandatory_features;  // an unknown bit: refuse
  uint64_t optional_features;   // an unknown bit: ignore
  uint64_t journal_id_low;
  uint64_t journal_id_high;
  uint64_t number;             // of the backup in its directory, from 1 on
  uint64_t epoch;              // of the head record when it was made
  uint64_t first_sequence;     // first entry that its journal holds; 0: none
  uint64_t last_sequence;      // the entry that it restores to
  uint64_t snapshot_sequence;  // of its snapshot; 0: none, the journal begins with entry 1
  uint64_t created_ns;
  uint64_t total_bytes;  // of all files but the manifest
  uint64_t file_count;   // ManifestFiles that follow
  uint8_t key_id[16];    // for encryption at rest; 0: plain
  uint8_t reserved[64];
};
static_assert(sizeof(ManifestHeader) == 192);
static_assert(offsetof(ManifestHeader, checksum) == 12);
static_assert(offsetof(ManifestHeader, number) == 48 && offsetof(ManifestHeader, epoch) == 56);
static_assert(offsetof(ManifestHeader, total_bytes) == 96);
static_assert(offsetof(ManifestHeader, key_id) == 112);

enum class BackupFileKind : uint32_t { kHead = 1, kSegment = 2, kSnapshot = 3 };

struct ManifestFile {
  uint32_t kind;      // BackupFileKind
  uint32_t checksum;  // CRC32C over the file's bytes
  uint64_t number;    // index of a segment, sequence of a snapshot, 0 of the head record
  uint64_t bytes;     // of the file: a segment ends after its last entry, the rest is zeros
  uint64_t segment_id;
  uint64_t link;
  uint64_t first_sequence;  // of a segment's entries; 0: it has none
  uint64_t last_sequence;   // of a segment's entries
  uint64_t reserved;
};
static_assert(sizeof(ManifestFile) == 64);
static_assert(offsetof(ManifestFile, segment_id) == 24);
static_assert(offsetof(ManifestFile, last_sequence) == 48);

struct Manifest {
  ManifestHeader header{};
  std::vector<ManifestFile> files;  // head record, snapshot, segments by index
};

inline JournalId JournalIdOf(const ManifestHeader& header) {
  return {header.journal_id_low, header.journal_id_high};
}

// The file's path below a backup or a data directory.
std::string NameOf(const ManifestFile& file);

// kNotFound: there is none. kBackupCorrupt: empty (the backup was not finished), truncated or
// changed. kNotOurFile, kNewerVersion, kUnknownFeature.
Status ReadManifest(FileSystem* file_system, const std::string& backup_directory,
                    Manifest* manifest);

// Fills in magic, counts and checksum; writes and syncs it over the empty one.
Status WriteManifest(FileSystem* file_system, const std::string& backup_directory,
                     Manifest* manifest);

}  // namespace pinnacle

#endif  // PINNACLE_BACKUP_MANIFEST_H_
