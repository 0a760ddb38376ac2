#include "platform/posix_mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "platform/posix_error.h"
#include "platform/system_calls.h"
#include "platform/unique_descriptor.h"

namespace pinnacle {
namespace {

// The system's page may be larger than kPageBytes (16 KiB on Apple silicon).
uint64_t SystemPageBytes() {
  static const uint64_t bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

// Write-faults one page without changing it, while another thread may be storing to it: a
// compare-and-swap of a word with itself. If it loses, the other thread has just written the page,
// which is just as good. (An atomic addition of zero would not do: compilers turn it into a load.)
__attribute__((no_sanitize("thread"))) void TouchForWriting(uint8_t* page) {
  auto* word = reinterpret_cast<uint64_t*>(page);
  uint64_t value = __atomic_load_n(word, __ATOMIC_RELAXED);
  __atomic_compare_exchange_n(word, &value, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

// Touches a page that the kernel has made present. A hypervisor without nested paging learns of a
// page only at its first use, and stops the processor for it: 10 us a page were measured, against
// 0.7 us for the kernel's part. A read suffices; with nested paging it costs next to nothing. The
// value is ignored, so concurrent stores don't matter. (Volatile: clang's ThreadSanitizer watches
// atomic loads even where it was told not to.)
__attribute__((no_sanitize("thread"))) void TouchForReading(const uint8_t* page) {
  (void)*static_cast<const volatile uint8_t*>(page);
}

class PosixMapping final : public Mapping {
 public:
  PosixMapping(uint8_t* data, uint64_t size, UniqueDescriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {
    data_ = data;
    size_ = size;
  }

  ~PosixMapping() override { munmap(data_, size_); }

  Status Sync(uint64_t offset, uint64_t length) override {
    if (offset > size_ || length > size_ - offset) {
      return Status(Code::kInvalidArgument, "cannot sync bytes outside the mapping of '" + path_ +
                                                "': keep offset + length within its " +
                                                std::to_string(size_) + " bytes");
    }
    if (length == 0) return Status();
    const Range range = WholePages(offset, length);
    const int error = system_calls::SyncMapping(range.address, range.length, descriptor_.get());
    return error == 0 ? Status() : SystemError(error, "sync the mapping of", path_);
  }

  void Prefault(uint64_t offset, uint64_t length) override {
    if (offset >= size_ || length == 0) return;
    const Range range = WholePages(offset, std::min(length, size_ - offset));
    for (uint64_t at = 0; at < range.length; at += kPrefaultChunkBytes) {
      PrefaultChunk(range.address + at, std::min(kPrefaultChunkBytes, range.length - at));
    }
  }

  Status KeepInMemory() override {
    const int error = system_calls::LockMemory(data_, size_);
    return error == 0 ? Status() : SystemError(error, "lock in memory", path_);
  }

 private:
  // The system locks the address space for one chunk: a thread that maps or unmaps memory meanwhile
  // (the storing thread's heap, for one) waits that long and no longer.
  static constexpr uint64_t kPrefaultChunkBytes = 256 * 1024;

  static void PrefaultChunk(uint8_t* address, uint64_t length) {
    const bool populated = system_calls::PopulateForWriting(address, length);
    for (uint64_t at = 0; at < length; at += SystemPageBytes()) {
      populated ? TouchForReading(address + at) : TouchForWriting(address + at);
    }
  }

  struct Range {
    uint8_t* address;
    uint64_t length;
  };

  // mmap's address is page-aligned, so rounding offsets rounds addresses. The end is that of the
  // mapping: its last page is mapped whole.
  Range WholePages(uint64_t offset, uint64_t length) const {
    const uint64_t mask = SystemPageBytes() - 1;
    const uint64_t start = offset & ~mask;
    const uint64_t end = (offset + length + mask) & ~mask;
    return {data_ + start, end - start};
  }

  UniqueDescriptor descriptor_;  // only if kMappingKeepsDescriptor
  std::string path_;
};

}  // namespace

Status MapWholeFile(int descriptor, const std::string& path, std::unique_ptr<Mapping>* mapping) {
  struct stat information;
  if (fstat(descriptor, &information) != 0) return SystemError(errno, "read the size of", path);
  const auto size = static_cast<uint64_t>(information.st_size);
  if (size == 0) {
    return Status(Code::kInvalidArgument,
                  "cannot map the empty file '" + path + "': preallocate it first");
  }
  UniqueDescriptor kept;
  if constexpr (system_calls::kMappingKeepsDescriptor) {
    kept = UniqueDescriptor(fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
    if (!kept.valid()) return SystemError(errno, "duplicate the descriptor of", path);
  }
  void* address = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (address == MAP_FAILED) return SystemError(errno, "map", path);
  system_calls::AdviseRandomAccess(address, size);
  *mapping =
      std::make_unique<PosixMapping>(static_cast<uint8_t*>(address), size, std::move(kept), path);
  return Status();
}

}  // namespace pinnacle
