#include "consumer/consumer_record.h"

#include "base/zeros.h"
#include "journal/two_slots.h"

namespace pinnacle {

Status ReadConsumer(const File& file, const std::string& path, ConsumerRecord* record) {
  const auto accept = [&](const ConsumerRecord& read, bool* usable) {
    if (read.version > kConsumerVersion) {
      return Status(Code::kNewerVersion,
                    path + " has format version " + std::to_string(read.version) +
                        ", this library reads up to " + std::to_string(kConsumerVersion) +
                        "; use a newer pinnacle-persistence");
    }
    *usable = read.version == kConsumerVersion && read.record_bytes == sizeof(ConsumerRecord) &&
              AllZero(read.reserved, sizeof(read.reserved));
    return Status();
  };
  bool found = false;
  PINNACLE_RETURN_IF_ERROR(ReadSlots(file, accept, record, &found));
  if (found) return Status();
  return Status(Code::kCorrupt,
                path +
                    " does not verify, so this consumer's position is unknown; remove the "
                    "consumer, and open it again at the sequence to continue from");
}

}  // namespace pinnacle
