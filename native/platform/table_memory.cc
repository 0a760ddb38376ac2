#include "platform/table_memory.h"

#include <cstdint>
#include <cstring>
#include <new>

#include "platform/memory_limit.h"
#include "platform/system_calls.h"

namespace pinnacle {

namespace {

constexpr size_t kCacheLineBytes = 64;

}  // namespace

TableMemory::TableMemory(size_t bytes, Pages pages) {
  if (pages == Pages::kPresent && bytes >= kHugePageBytes) {
    CheckMemoryFor(bytes);
    const size_t rounded = (bytes + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
    memory_.reset(std::aligned_alloc(kHugePageBytes, rounded));
    if (memory_ == nullptr) throw std::bad_alloc();
    system_calls::AdviseHugePages(memory_.get(), rounded);
    std::memset(memory_.get(), 0, rounded);
    data_ = memory_.get();
    return;
  }
  // calloc: the pages of a large table come zeroed from the kernel.
  if (bytes > SIZE_MAX - kCacheLineBytes) throw std::bad_alloc();
  memory_.reset(std::calloc(1, bytes + kCacheLineBytes));
  if (memory_ == nullptr) throw std::bad_alloc();
  const uintptr_t address = reinterpret_cast<uintptr_t>(memory_.get());
  const uintptr_t misfit = address % kCacheLineBytes;
  data_ = static_cast<uint8_t*>(memory_.get()) + (misfit == 0 ? 0 : kCacheLineBytes - misfit);
}

}  // namespace pinnacle
