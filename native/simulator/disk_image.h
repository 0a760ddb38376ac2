// The content of a simulated disk as values that are cheap to copy: a file's content is a list of
// shared pages that never change, so thousands of images of one run share almost everything.
#ifndef PINNACLE_SIMULATOR_DISK_IMAGE_H_
#define PINNACLE_SIMULATOR_DISK_IMAGE_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "platform/file_system.h"

namespace pinnacle {

using Page = std::array<uint8_t, kPageBytes>;
using PageRef = std::shared_ptr<const Page>;  // null: all zero

inline constexpr uint64_t kSectorsPerPage = kPageBytes / kSectorBytes;

// The content of one file. Bytes of the last page beyond the size are zero.
class FileImage {
 public:
  uint64_t size() const { return size_; }
  uint64_t page_count() const { return pages_.size(); }

  // A page past the end is null too, and thus zeros.
  PageRef page(uint64_t index) const { return index < pages_.size() ? pages_[index] : nullptr; }
  void SetPage(uint64_t index, PageRef page);  // index < page_count()

  // New bytes are zero; truncated bytes are forgotten.
  void Resize(uint64_t size);

  // Restores the zeros beyond the size, after SetPage set a last page that may have other bytes.
  void ClearTail();

  std::vector<uint8_t> Bytes() const;
  void Assign(std::span<const uint8_t> bytes);

  // False if the file has no such byte. `bit` is 0 to 7.
  bool FlipBit(uint64_t offset, unsigned bit);

  friend bool operator==(const FileImage& left, const FileImage& right);

 private:
  uint64_t size_ = 0;
  std::vector<PageRef> pages_;
};

const Page& PageContent(const PageRef& page);
bool SameContent(const PageRef& left, const PageRef& right);

// The disk as a machine finds it when it starts. Paths are absolute and without "//" or a trailing
// slash; the root "/" always exists and is not listed.
struct DiskImage {
  std::map<std::string, FileImage> files;
  std::set<std::string> directories;

  friend bool operator==(const DiskImage&, const DiskImage&) = default;
};

}  // namespace pinnacle

#endif  // PINNACLE_SIMULATOR_DISK_IMAGE_H_
