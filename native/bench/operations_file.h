// Book operations as bench/flow.ts writes them to a file, for native programs to apply: records of
// 64 bytes, little-endian.
#ifndef PINNACLE_BENCH_OPERATIONS_FILE_H_
#define PINNACLE_BENCH_OPERATIONS_FILE_H_

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "state/operation.h"

namespace pinnacle {

struct OperationRecord {
  uint32_t type;  // EntryType
  uint32_t instrument;
  uint64_t side;
  uint64_t id_low;
  uint64_t id_high;
  uint64_t new_id_low;
  uint64_t new_id_high;
  int64_t price;
  int64_t quantity;
};
static_assert(sizeof(OperationRecord) == 64);

// False if the file can't be read or does not hold a whole number of records.
inline bool ReadOperations(const std::string& path, std::vector<Operation>* operations) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  operations->clear();
  OperationRecord record;
  while (file.read(reinterpret_cast<char*>(&record), sizeof(record))) {
    Operation operation;
    operation.type = static_cast<EntryType>(record.type);
    operation.instrument = static_cast<uint16_t>(record.instrument);
    operation.side = record.side == 0 ? Side::kBuy : Side::kSell;
    operation.id = {record.id_low, record.id_high};
    operation.new_id = {record.new_id_low, record.new_id_high};
    operation.price = record.price;
    operation.quantity = record.quantity;
    operations->push_back(operation);
  }
  return file.gcount() == 0 && !operations->empty();
}

inline uint16_t InstrumentsOf(const std::vector<Operation>& operations) {
  uint16_t instruments = 0;
  for (const Operation& operation : operations) {
    instruments = std::max(instruments, operation.instrument);
  }
  return instruments;
}

}  // namespace pinnacle

#endif  // PINNACLE_BENCH_OPERATIONS_FILE_H_
