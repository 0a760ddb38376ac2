#include "platform/random.h"

#include "platform/never_destroyed.h"
#include "platform/system_calls.h"

namespace pinnacle {
namespace {

class SystemRandomSource final : public RandomSource {
 public:
  uint64_t NextU64() override { return system_calls::RandomU64(); }
};

}  // namespace

RandomSource* RandomSource::Real() {
  static NeverDestroyed<SystemRandomSource> source;
  return source.get();
}

}  // namespace pinnacle
