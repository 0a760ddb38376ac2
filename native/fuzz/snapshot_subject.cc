#include <cstddef>
#include <vector>

#include "checksum/crc32c.h"
#include "fuzz/memory_file_system.h"
#include "fuzz/subject.h"
#include "snapshot/format.h"
#include "snapshot/snapshot_reader.h"
#include "snapshot/snapshot_writer.h"

namespace pinnacle {

namespace {

constexpr char kDirectory[] = "data/snapshots";

void MakeBooks(FuzzInput* input, BookSet* books) {
  uint64_t sequence = 1;  // there is no snapshot of nothing
  const uint32_t instruments = input->Byte() % 4;
  for (uint32_t i = 0; i < instruments; ++i) {
    books->Define({"I" + std::to_string(i), i, 15 - i,
                   i % 2 == 0 ? InstrumentKind::kOrders : InstrumentKind::kLevels, i > 0},
                  ++sequence);
  }
  for (int left = input->Byte(); left > 0; --left) {
    static constexpr EntryType kTypes[] = {
        EntryType::kAdd,     EntryType::kAdd,   EntryType::kSetLevel, EntryType::kCancel,
        EntryType::kExecute, EntryType::kTrade, EntryType::kStatus,   EntryType::kReplace};
    Operation operation;
    operation.type = kTypes[input->Byte() % std::size(kTypes)];
    operation.instrument = static_cast<uint16_t>(1 + input->Byte() % 3);
    operation.side = (input->Byte() & 1) != 0 ? Side::kSell : Side::kBuy;
    const bool by_order = operation.type != EntryType::kSetLevel;
    operation.id = {by_order ? input->Byte() % 64u : 0, 0};
    operation.new_id = {input->Byte() % 64u, 0};
    // (Whether the first instrument takes negative prices is up to the books.)
    operation.price = static_cast<int8_t>(input->Byte());
    operation.quantity = input->Byte();
    BookSet::Prepared prepared;
    if (books->Check(operation, &prepared) == Code::kOk) {
      ++sequence;
      books->Apply(operation, prepared, sequence, 1000 + sequence);
    }
  }
  books->set_last_sequence(sequence);
}

template <typename T>
bool Load(const std::vector<uint8_t>& file, uint64_t offset, T* value) {
  if (offset > file.size() || file.size() - offset < sizeof(T)) return false;
  std::memcpy(value, file.data() + offset, sizeof(T));
  return true;
}

template <typename T>
void Store(std::vector<uint8_t>* file, uint64_t offset, const T& value) {
  std::memcpy(file->data() + offset, &value, sizeof(T));
}

uint32_t Crc(const uint8_t* bytes, uint64_t length) {
  return ~Crc32cExtendPortable(~0u, bytes, length);
}

// Recomputes every checksum, so that damage gets past the checksums.
void Seal(std::vector<uint8_t>* file) {
  SnapshotHeader header;
  if (!Load(*file, 0, &header)) return;
  header.checksum = 0;
  Store(file, 0, header);
  header.checksum = Crc(file->data(), sizeof(header));
  Store(file, 0, header);
  uint64_t offset = kSnapshotHeaderBytes;
  std::vector<uint8_t> summed;  // the part of the headers that the footer's checksum covers
  const uint64_t summed_bytes = header.version == 1 ? sizeof(SectionHeader) : kSummedHeaderBytes;
  SectionHeader section;
  while (Load(*file, offset, &section) && section.type >= 1 && section.type <= 3) {
    const uint64_t content = offset + sizeof(section);
    if (section.bytes > file->size() - content) break;
    section.content_checksum = Crc(file->data() + content, section.bytes);
    std::memcpy(file->data() + offset, &section, sizeof(section));
    section.header_checksum = Crc(file->data() + offset, 20);
    Store(file, offset, section);
    summed.insert(summed.end(), file->begin() + static_cast<ptrdiff_t>(offset),
                  file->begin() + static_cast<ptrdiff_t>(offset + summed_bytes));
    offset = content + (section.bytes + 7) / 8 * 8;
    if (offset > file->size()) return;
  }
  SnapshotFooter footer;
  if (!Load(*file, offset, &footer)) return;
  footer.sections_checksum = Crc(summed.data(), summed.size());
  Store(file, offset, footer);
  footer.checksum = Crc(file->data() + offset, 28);
  Store(file, offset, footer);
}

struct Restored {
  Status status;
  BookSet books;
  std::vector<uint8_t> user_state;
  SnapshotInfo info;
};

Restored Restore(MemoryFileSystem* files, const std::string& path) {
  Restored restored;
  restored.status =
      ReadSnapshot(files, path, &restored.books, &restored.user_state, &restored.info);
  return restored;
}

// The file that a restored state is written as.
std::vector<uint8_t> WrittenAgain(const Restored& restored) {
  MemoryFileSystem files;
  SnapshotInfo info;
  if (!WriteSnapshot(&files, kDirectory, restored.info.meta, restored.books, restored.user_state,
                     &info)
           .ok()) {
    return {};
  }
  return files.At(info.path);
}

}  // namespace

std::string FuzzSnapshot(std::span<const uint8_t> bytes) {
  FuzzInput input(bytes);
  const bool seal = (input.Byte() & 1) != 0;
  BookSet books;
  MakeBooks(&input, &books);
  std::vector<uint8_t> user_state(input.Byte() % 64u, input.Byte());
  const SnapshotMeta meta{{input.Word(), 7}, books.last_sequence(), 123, 456};
  MemoryFileSystem files;
  SnapshotInfo info;
  if (!WriteSnapshot(&files, kDirectory, meta, books, user_state, &info).ok()) {
    return "the snapshot was not written";
  }
  std::vector<uint8_t>& file = files.At(info.path);
  const std::vector<uint8_t> original = file;

  const Restored whole = Restore(&files, info.path);
  if (!whole.status.ok()) return "an undamaged snapshot: " + whole.status.ToString();
  if (WrittenAgain(whole) != original) return "what was restored is not what was written";

  bool damaged = false;
  while (!input.empty()) {
    damaged = true;
    const uint8_t step = input.Byte();
    // Often among the sections, which hold the structure.
    const uint64_t place = (step & 0x80) != 0 ? 4096 + input.Short() : input.Short();
    if (file.empty()) break;
    const uint64_t offset = place % file.size();
    switch (step % 4) {
      case 0:
        file[offset] ^= static_cast<uint8_t>(1u << (input.Byte() & 7));
        break;
      case 1:
        file[offset] = input.Byte();
        break;
      case 2:
        if ((input.Byte() & 7) == 0) file.resize(offset);
        break;
      default:
        if ((input.Byte() & 7) == 0) file.insert(file.end(), input.Byte(), 0x5a);
        break;
    }
  }
  if (!damaged) return "";
  if (seal) Seal(&file);

  const Restored damage = Restore(&files, info.path);
  SnapshotInfo verified;
  const Status verify = VerifySnapshot(&files, info.path, &verified);
  if (verify.ok() != damage.status.ok()) {
    return "restoring and verifying disagree: " + damage.status.ToString() + "; " +
           verify.ToString();
  }
  if (damage.status.ok() && !seal && WrittenAgain(damage) != original) {
    return "damage was restored as if it was written";
  }
  if (damage.status.ok() && seal) {
    const std::vector<uint8_t> again = WrittenAgain(damage);
    if (again.empty()) return "the restored state can't be written";
    MemoryFileSystem second;
    second.At("again") = again;
    if (!Restore(&second, "again").status.ok()) return "the restored state can't be read again";
  }
  return "";
}

}  // namespace pinnacle
