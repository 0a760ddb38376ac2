// Which calls on a simulated file system fail, and how. Rules are tried in the order in which they
// were added; the first that fires decides.
#ifndef PINNACLE_SIMULATOR_FAULT_PLAN_H_
#define PINNACLE_SIMULATOR_FAULT_PLAN_H_

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "simulator/deterministic_random.h"

namespace pinnacle {

enum class CallKind : uint8_t {
  kOpen,    // OpenMode::kRead and kReadWrite
  kCreate,  // OpenMode::kCreate
  kRead,
  kWrite,
  kSync,
  kMapSync,
  kSize,
  kTruncate,
  kPreallocate,
  kZeroBlocks,
  kMap,
  kList,
  kCreateDirectory,
  kExists,
  kRename,
  kRemove,  // of directories too
  kLink,
  kSyncDirectory,
  kLock,
  kMark,  // no call: SimulatedFileSystem::Mark
};
inline constexpr size_t kCallKindCount = static_cast<size_t>(CallKind::kMark) + 1;

const char* CallKindName(CallKind kind);

struct Fault {
  enum class Device {
    kFaithful,
    kLosePage,        // the sync succeeds, but one of its dirty pages never reaches the device
    kLoseSector,      // the same, of one changed sector
    kMisdirectSector  // one changed sector overwrites another one, of this or another file
  };

  int system_error = 0;  // the call fails with this errno; 0: it succeeds
  // kWrite: bytes stored before the error. kRead with system_error 0: the most that the read
  // returns (kNoLimit: all).
  uint64_t bytes = kNoLimit;
  Device device = Device::kFaithful;  // of kSync and kMapSync
  bool never_made = false;            // the process died before the call: a sync changes nothing

  static constexpr uint64_t kNoLimit = ~uint64_t{0};

  static Fault Error(int system_error) { return {.system_error = system_error, .bytes = 0}; }
  static Fault ErrorAfter(int system_error, uint64_t bytes) {
    return {.system_error = system_error, .bytes = bytes};
  }
  static Fault ShortRead(uint64_t bytes) { return {.bytes = bytes}; }
  static Fault Lying(Device device) { return {.device = device}; }
};

struct FaultRule {
  CallKind kind;
  Fault fault;
  // Fires at this matching call after the rule was added (1 is the next one); 0: randomly.
  uint64_t nth = 1;
  bool and_after = false;       // at all matching calls after the nth, too
  double probability = 1;       // only if nth is 0
  std::string path_contains{};  // matches all paths if empty
};

class FaultPlan {
 public:
  using Hook = std::function<Fault(CallKind kind, const std::string& path)>;

  void Add(FaultRule rule) { rules_.push_back({std::move(rule), 0}); }
  void Clear() {
    rules_.clear();
    hook_ = nullptr;
  }
  // Called if no rule fires.
  void SetHook(Hook hook) { hook_ = std::move(hook); }

  Fault Next(CallKind kind, const std::string& path, DeterministicRandom& random);

  uint64_t CallCount(CallKind kind) const { return counts_[static_cast<size_t>(kind)]; }
  uint64_t FiredCount() const { return fired_; }

 private:
  struct CountedRule {
    FaultRule rule;
    uint64_t matches;
  };

  std::vector<CountedRule> rules_;
  Hook hook_;
  std::array<uint64_t, kCallKindCount> counts_{};
  uint64_t fired_ = 0;
};

}  // namespace pinnacle

#endif  // PINNACLE_SIMULATOR_FAULT_PLAN_H_
