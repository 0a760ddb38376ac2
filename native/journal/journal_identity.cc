#include "journal/journal_identity.h"

#include "journal/layout.h"

namespace pinnacle {

Status FindJournalId(FileSystem* fs, const std::string& data_directory,
                     std::optional<JournalId>* id) {
  id->reset();
  Layout layout;
  PINNACLE_RETURN_IF_ERROR(ReadHead(fs, data_directory, &layout.head));
  if (layout.head.valid) {
    *id = JournalIdOf(layout.head.record);
    return Status();
  }
  PINNACLE_RETURN_IF_ERROR(ReadLayout(fs, data_directory, false, &layout));
  if (layout.has_journal_id) *id = layout.journal_id;
  return Status();
}

}  // namespace pinnacle
