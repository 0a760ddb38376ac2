// Windows as files: their names, their headers, and which of them are leftovers.
#ifndef PINNACLE_WINDOW_WINDOW_FILES_H_
#define PINNACLE_WINDOW_WINDOW_FILES_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "platform/file_system.h"
#include "window/window_format.h"

namespace pinnacle {

using WindowId = std::array<uint8_t, 16>;

// "pinnacle-<32 hex digits>.window"
std::string WindowName(const WindowId& id);
bool IsWindowName(const std::string& name);

// The name that an unusable window is renamed to, so that it is no longer found as a window.
std::string RefusedName(const std::string& path);

// Fills in the checksum.
void SealWindowHeader(WindowHeader* header);

// Reads and checks a header. `*reason` says why the file is not a usable window; empty if it is.
Status ReadWindowHeader(const File& file, WindowHeader* header, std::string* reason);

inline std::string DirectoryOf(const WindowHeader& header) {
  const char* const end = header.directory + sizeof(header.directory);
  const char* last = header.directory;
  while (last < end && *last != '\0') ++last;
  return {header.directory, last};
}

inline FileIdentity IdentityOf(const WindowHeader& header) {
  return {header.directory_device, header.directory_inode};
}

// The paths of all files in `directory` with a window's name; none if it does not exist.
Status ListWindows(FileSystem* file_system, const std::string& directory,
                   std::vector<std::string>* paths);

// Opens a window that may be another process's. `*file` is empty if it can't be used: it is not
// private to this user, a link, or not a window; `*reason` says which. It is not locked: if a mere
// look took the lock, the window's own writer, opening at that moment, would find it in use.
Status OpenWindowFile(FileSystem* file_system, const std::string& path, std::unique_ptr<File>* file,
                      WindowHeader* header, std::string* reason);

// Locks a window for as long as the file is open. kLocked: it is in use.
Status LockWindowFile(File* file, const std::string& path, const WindowHeader& header);

// Removes the windows in `directory` that earlier writers of the data directory left: those of this
// journal and this directory that are not in use, except the one named `kept`. Best effort: a
// window that can't be examined stays.
void RemoveLeftWindows(FileSystem* file_system, const std::string& directory,
                       const FileIdentity& data_directory, uint64_t journal_id_low,
                       uint64_t journal_id_high, const WindowId& kept);

}  // namespace pinnacle

#endif  // PINNACLE_WINDOW_WINDOW_FILES_H_
