// memset_s is declared only if this is defined before the first header.
#define __STDC_WANT_LIB_EXT1__ 1  // NOLINT(bugprone-reserved-identifier): the name is C11's
#include "secret/secret_memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <string>

#include "base/check.h"

namespace pinnacle {

namespace {

// Never destroyed: garbage collection may release regions after static destructors ran.
struct Registry {
  std::mutex mutex;
  SecretMemory* first = nullptr;
  size_t count = 0;
};

Registry& TheRegistry() {
  static Registry* registry = [] {
    auto* created = new Registry;
    std::atexit(&SecretMemory::WipeAll);
    return created;
  }();
  return *registry;
}

size_t PageBytes() {
  static const size_t bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

// Keeps the pages out of core dumps and out of forked children. A failure of the first is reported,
// the second is best effort: kernels before 4.14 and macOS lack it.
bool ExcludeFromDumps(uint8_t* pages, size_t bytes) {
#if defined(MADV_WIPEONFORK)
  madvise(pages, bytes, MADV_WIPEONFORK);
#endif
#if defined(__APPLE__) && defined(VM_INHERIT_NONE)
  minherit(pages, bytes, VM_INHERIT_NONE);
#endif
#if defined(MADV_DONTDUMP)
  return madvise(pages, bytes, MADV_DONTDUMP) == 0;
#elif defined(MADV_NOCORE)
  return madvise(pages, bytes, MADV_NOCORE) == 0;
#else
  static_cast<void>(pages);
  static_cast<void>(bytes);
  return false;
#endif
}

}  // namespace

void WipeBytes(std::span<uint8_t> bytes) {
  if (bytes.empty()) return;
#if defined(__APPLE__)
  memset_s(bytes.data(), bytes.size(), 0, bytes.size());
#else
  explicit_bzero(bytes.data(), bytes.size());
#endif
}

Status SecretMemory::Create(size_t length, Locking locking, std::shared_ptr<SecretMemory>* memory) {
  if (length > kMaxSecretBytes) {
    return Status(Code::kInvalidArgument, "a secret of " + std::to_string(length) +
                                              " bytes is longer than the largest allowed, " +
                                              std::to_string(kMaxSecretBytes) + " bytes");
  }
  const size_t page = PageBytes();
  const size_t pages_bytes = (length == 0 ? 1 : (length + page - 1) / page) * page;
  const size_t mapping_bytes = pages_bytes + 2 * page;
  std::shared_ptr<SecretMemory> region(new SecretMemory);
  void* mapping = mmap(nullptr, mapping_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) {
    return Status::FromErrno(errno,
                             "can't reserve memory for a secret (raise the limit on memory or "
                             "mappings: ulimit -v, vm.max_map_count)");
  }
  region->mapping_ = static_cast<uint8_t*>(mapping);
  region->mapping_bytes_ = mapping_bytes;
  region->pages_ = region->mapping_ + page;
  region->pages_bytes_ = pages_bytes;
  region->data_ = region->pages_ + pages_bytes - length;
  region->length_ = length;
  {
    Registry& registry = TheRegistry();
    std::lock_guard<std::mutex> guard(registry.mutex);
    region->next_ = registry.first;
    if (registry.first != nullptr) registry.first->previous_ = region.get();
    registry.first = region.get();
    ++registry.count;
  }
  if (mprotect(region->pages_, pages_bytes, PROT_READ | PROT_WRITE) != 0) {
    const int error = errno;
    region->length_ = 0;  // nothing to wipe: the pages can't be touched
    return Status::FromErrno(error, "can't open the memory of a secret");
  }
  region->excluded_from_dumps_ = ExcludeFromDumps(region->pages_, pages_bytes);
  region->locked_ = mlock(region->pages_, pages_bytes) == 0;
  if (!region->locked_ && locking == Locking::kRequired) {
    return Status(Code::kNoSpace,
                  std::string("can't lock the memory of a secret (") + strerror(errno) +
                      "): raise the limit of locked memory (ulimit -l, or LimitMEMLOCK= of the "
                      "service), or allow unlocked memory, which may reach the swap device",
                  errno);
  }
  *memory = std::move(region);
  return Status();
}

SecretMemory::~SecretMemory() {
  if (mapping_ == nullptr) return;  // Create failed
  {
    Registry& registry = TheRegistry();
    std::lock_guard<std::mutex> guard(registry.mutex);
    WipeBytes(bytes());
    if (previous_ != nullptr) previous_->next_ = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
    if (registry.first == this) registry.first = next_;
    --registry.count;
  }
  // Unmapping unlocks.
  PINNACLE_CHECK(munmap(mapping_, mapping_bytes_) == 0);
}

void SecretMemory::Wipe() { WipeBytes(bytes()); }

bool SecretMemory::RetireAt(const uint8_t* data) {
  Registry& registry = TheRegistry();
  std::lock_guard<std::mutex> guard(registry.mutex);
  for (SecretMemory* region = registry.first; region != nullptr; region = region->next_) {
    if (region->data_ != data || region->length_ == 0) continue;
    WipeBytes(region->bytes());
    if (region->locked_) munlock(region->pages_, region->pages_bytes_);
    region->locked_ = false;
    return true;
  }
  return false;
}

void SecretMemory::WipeAll() {
  Registry& registry = TheRegistry();
  std::lock_guard<std::mutex> guard(registry.mutex);
  for (SecretMemory* region = registry.first; region != nullptr; region = region->next_) {
    WipeBytes(region->bytes());
  }
}

size_t SecretMemory::LiveCount() {
  Registry& registry = TheRegistry();
  std::lock_guard<std::mutex> guard(registry.mutex);
  return registry.count;
}

}  // namespace pinnacle
