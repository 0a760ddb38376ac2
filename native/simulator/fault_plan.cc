#include "simulator/fault_plan.h"

namespace pinnacle {

const char* CallKindName(CallKind kind) {
  static constexpr std::array<const char*, kCallKindCount> kNames = {"Open",
                                                                     "Create",
                                                                     "Read",
                                                                     "Write",
                                                                     "Sync",
                                                                     "MapSync",
                                                                     "Size",
                                                                     "Truncate",
                                                                     "Preallocate",
                                                                     "ZeroBlocks",
                                                                     "Map",
                                                                     "List",
                                                                     "CreateDirectory",
                                                                     "Exists",
                                                                     "Rename",
                                                                     "Remove",
                                                                     "Link",
                                                                     "SyncDirectory",
                                                                     "Lock",
                                                                     "Mark"};
  return kNames[static_cast<size_t>(kind)];
}

Fault FaultPlan::Next(CallKind kind, const std::string& path, DeterministicRandom& random) {
  ++counts_[static_cast<size_t>(kind)];
  const Fault* chosen = nullptr;
  // Every matching rule counts the call, even if an earlier one decides.
  for (CountedRule& counted : rules_) {
    const FaultRule& rule = counted.rule;
    if (rule.kind != kind || path.find(rule.path_contains) == std::string::npos) continue;
    ++counted.matches;
    const bool fires = rule.nth == 0 ? random.Chance(rule.probability)
                                     : counted.matches == rule.nth ||
                                           (rule.and_after && counted.matches > rule.nth);
    if (fires && chosen == nullptr) chosen = &rule.fault;
  }
  if (chosen != nullptr) {
    ++fired_;
    return *chosen;
  }
  return hook_ ? hook_(kind, path) : Fault{};
}

}  // namespace pinnacle
