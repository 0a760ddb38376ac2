// The engines that this process has open, of all its threads, by their data directories.
//
// A reader of a directory reads its files, and an entry gets there some microseconds after it was
// appended. Another process can't tell the difference, but the appending process can. So a read in
// this process first has the appended entries written out.
#ifndef PINNACLE_ADDON_OPEN_ENGINES_H_
#define PINNACLE_ADDON_OPEN_ENGINES_H_

#include <string>

#include "engine/engine.h"
#include "platform/file_system.h"

namespace pinnacle::addon {

void AddOpenEngine(Engine* engine);
// Before the engine goes. Waits for a WriteOut that is at it.
void RemoveOpenEngine(Engine* engine);

// Which directory that is; nothing is written out for one that does not exist.
FileIdentity DirectoryIdentity(const std::string& data_directory);

// Writes to the files what this process has appended to the directory. If that fails, the journal
// fails and its writer gets the error; the reader gets what the files have.
void WriteOut(const FileIdentity& directory);
inline void WriteOut(const std::string& data_directory) {
  WriteOut(DirectoryIdentity(data_directory));
}

}  // namespace pinnacle::addon

#endif  // PINNACLE_ADDON_OPEN_ENGINES_H_
