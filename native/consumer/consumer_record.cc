#include "consumer/consumer_record.h"

#include <cstring>

#include "base/zeros.h"
#include "checksum/crc32c.h"
#include "journal/read_fully.h"

namespace pinnacle {

namespace {

uint32_t ChecksumOf(const ConsumerRecord& record) {
  ConsumerRecord copy = record;
  copy.checksum = 0;
  return Crc32c({reinterpret_cast<const uint8_t*>(&copy), sizeof(copy)});
}

}  // namespace

void SealConsumer(ConsumerRecord* record) {
  std::memcpy(record->magic, kConsumerMagic, sizeof(kConsumerMagic));
  record->version = kConsumerVersion;
  record->record_bytes = sizeof(ConsumerRecord);
  record->checksum = ChecksumOf(*record);
}

Status ReadConsumer(const File& file, const std::string& path, ConsumerRecord* record) {
  bool found = false;
  for (size_t slot = 0; slot < std::size(kConsumerSlotOffsets); ++slot) {
    ConsumerRecord read{};
    size_t bytes_read = 0;
    PINNACLE_RETURN_IF_ERROR(ReadFully(file, kConsumerSlotOffsets[slot],
                                       {reinterpret_cast<uint8_t*>(&read), sizeof(read)},
                                       &bytes_read));
    if (bytes_read < sizeof(read) ||
        std::memcmp(read.magic, kConsumerMagic, sizeof(kConsumerMagic)) != 0 ||
        read.checksum != ChecksumOf(read)) {
      continue;
    }
    if (read.version > kConsumerVersion) {
      return Status(Code::kNewerVersion,
                    path + " has format version " + std::to_string(read.version) +
                        ", this library reads up to " + std::to_string(kConsumerVersion) +
                        "; use a newer pinnacle-persistence");
    }
    if (read.version != kConsumerVersion || read.record_bytes != sizeof(ConsumerRecord) ||
        read.counter == 0 || read.counter % 2 != slot ||
        !AllZero(read.reserved, sizeof(read.reserved))) {
      continue;
    }
    if (!found || read.counter > record->counter) *record = read;
    found = true;
  }
  if (found) return Status();
  return Status(Code::kCorrupt,
                path +
                    " does not verify, so how far this consumer came is not known; remove the "
                    "consumer, and open it again at the sequence that it is to go on with");
}

}  // namespace pinnacle
