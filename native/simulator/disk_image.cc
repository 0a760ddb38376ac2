#include "simulator/disk_image.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace pinnacle {

const Page& PageContent(const PageRef& page) {
  static const Page kZeros{};
  return page ? *page : kZeros;
}

bool SameContent(const PageRef& left, const PageRef& right) {
  return left == right || PageContent(left) == PageContent(right);
}

void FileImage::SetPage(uint64_t index, PageRef page) {
  PINNACLE_CHECK(index < pages_.size());
  pages_[index] = std::move(page);
}

void FileImage::Resize(uint64_t size) {
  pages_.resize((size + kPageBytes - 1) / kPageBytes);
  const bool shrinks = size < size_;
  size_ = size;
  if (shrinks) ClearTail();
}

void FileImage::ClearTail() {
  const uint64_t tail = size_ % kPageBytes;
  if (tail == 0 || !pages_.back()) return;
  auto cut = std::make_shared<Page>(*pages_.back());
  std::fill(cut->begin() + static_cast<ptrdiff_t>(tail), cut->end(), uint8_t{0});
  pages_.back() = std::move(cut);
}

std::vector<uint8_t> FileImage::Bytes() const {
  std::vector<uint8_t> bytes(size_);
  for (uint64_t index = 0; index < pages_.size(); ++index) {
    const uint64_t start = index * kPageBytes;
    std::memcpy(bytes.data() + start, PageContent(pages_[index]).data(),
                std::min(kPageBytes, size_ - start));
  }
  return bytes;
}

void FileImage::Assign(std::span<const uint8_t> bytes) {
  Resize(bytes.size());
  for (uint64_t index = 0; index < pages_.size(); ++index) {
    const uint64_t start = index * kPageBytes;
    const auto part = bytes.subspan(start, std::min<uint64_t>(kPageBytes, bytes.size() - start));
    const uint8_t* known = PageContent(pages_[index]).data();
    if (std::memcmp(known, part.data(), part.size()) == 0) continue;
    auto page = std::make_shared<Page>();
    std::copy(part.begin(), part.end(), page->begin());
    pages_[index] = std::move(page);
  }
}

bool FileImage::FlipBit(uint64_t offset, unsigned bit) {
  if (offset >= size_ || bit > 7) return false;
  auto page = std::make_shared<Page>(PageContent(pages_[offset / kPageBytes]));
  (*page)[offset % kPageBytes] ^= static_cast<uint8_t>(1u << bit);
  pages_[offset / kPageBytes] = std::move(page);
  return true;
}

bool operator==(const FileImage& left, const FileImage& right) {
  return left.size_ == right.size_ &&
         std::equal(left.pages_.begin(), left.pages_.end(), right.pages_.begin(), SameContent);
}

}  // namespace pinnacle
