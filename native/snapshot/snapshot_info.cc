#include "snapshot/snapshot_info.h"

#include <cstdio>

namespace pinnacle {

std::string JournalIdText(const JournalId& id) {
  char text[33];
  std::snprintf(text, sizeof(text), "%016llx%016llx", static_cast<unsigned long long>(id.high),
                static_cast<unsigned long long>(id.low));
  return text;
}

}  // namespace pinnacle
