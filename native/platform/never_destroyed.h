// Holds an object for the life of the process: threads that outlive main may still use it.
#ifndef PINNACLE_PLATFORM_NEVER_DESTROYED_H_
#define PINNACLE_PLATFORM_NEVER_DESTROYED_H_

#include <new>

namespace pinnacle {

template <typename T>
class NeverDestroyed {
 public:
  NeverDestroyed() : object_(new(storage_) T()) {}
  NeverDestroyed(const NeverDestroyed&) = delete;
  NeverDestroyed& operator=(const NeverDestroyed&) = delete;

  T* get() { return object_; }

 private:
  alignas(T) unsigned char storage_[sizeof(T)];
  T* object_;
};

}  // namespace pinnacle

#endif  // PINNACLE_PLATFORM_NEVER_DESTROYED_H_
