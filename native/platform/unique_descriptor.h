// Owns a file descriptor and closes it.
#ifndef PINNACLE_PLATFORM_UNIQUE_DESCRIPTOR_H_
#define PINNACLE_PLATFORM_UNIQUE_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace pinnacle {

class UniqueDescriptor {
 public:
  UniqueDescriptor() = default;
  explicit UniqueDescriptor(int descriptor) : descriptor_(descriptor) {}
  UniqueDescriptor(UniqueDescriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)) {}
  UniqueDescriptor& operator=(UniqueDescriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  // The result of close is ignored: a caller that needs the bytes on the device has already synced,
  // and after EINTR the descriptor is closed on Linux and macOS alike.
  ~UniqueDescriptor() {
    if (valid()) close(descriptor_);
  }

  int get() const { return descriptor_; }
  bool valid() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_UNIQUE_DESCRIPTOR_H_
