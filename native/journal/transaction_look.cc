#include "journal/transaction_look.h"

namespace pinnacle {

Status LookThroughTransaction(SegmentReader* reader, uint64_t first_sequence, bool allowed,
                              TransactionLook* look) {
  *look = TransactionLook();
  const uint64_t begin = reader->offset();
  look->next_sequence = first_sequence;
  uint8_t expected = 0;  // of kFlagContinues
  while (true) {
    look->end_offset = reader->offset();
    EntryCheck check;
    const uint8_t* entry = nullptr;
    PINNACLE_RETURN_IF_ERROR(reader->Next(&check, &entry));
    look->state = check.state;
    if (check.state != EntryState::kValid) {
      look->kind = TransactionLook::Kind::kOpen;
      break;
    }
    const EntryHeader header = LoadHeader(entry);
    if (!allowed || (header.flags & kFlagContinues) != expected || IsHole(header) ||
        header.sequence != look->next_sequence) {
      look->kind = TransactionLook::Kind::kContradiction;
      break;
    }
    expected = kFlagContinues;
    ++look->next_sequence;
    reader->Advance(check.bytes);
    if ((header.flags & kFlagMoreFollows) == 0) {
      look->kind = TransactionLook::Kind::kWhole;
      look->end_offset = reader->offset();
      break;
    }
  }
  reader->Rewind(begin);
  return Status();
}

}  // namespace pinnacle
