// The two parts of a path: what a file is called, and the directory it is in.
#ifndef PINNACLE_PLATFORM_PATH_PARTS_H_
#define PINNACLE_PLATFORM_PATH_PARTS_H_

#include <string>

namespace pinnacle {

// What follows the last slash; the whole path if there is none.
inline std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// The directory that the path's file or directory is in: "/" for a name in the root, "." for a name
// alone. Slashes at the end don't count.
inline std::string ParentOf(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  const size_t slash = end == std::string::npos ? end : path.rfind('/', end);
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_PATH_PARTS_H_
