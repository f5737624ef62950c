#include "faults/exhaustive.h"

namespace faults {

std::vector<Target> targets_of(std::int32_t executors, std::int32_t receivers) {
  std::vector<Target> targets{{.kind = TargetKind::kDriver, .index = 0}};
  for (std::int32_t i = 0; i < executors; ++i) {
    targets.push_back({.kind = TargetKind::kExecutor, .index = i});
  }
  for (std::int32_t i = 0; i < receivers; ++i) {
    targets.push_back({.kind = TargetKind::kReceiver, .index = i});
  }
  targets.push_back({.kind = TargetKind::kCluster, .index = 0});
  return targets;
}

std::vector<FaultPlan> with_one_more_crash(const FaultPlan& base,
                                           std::span<const ProcessSteps> counted,
                                           std::span<const Target> targets) {
  std::vector<FaultPlan> plans;
  for (const ProcessSteps& process : counted) {
    for (std::uint64_t step = 1; step <= process.steps; ++step) {
      for (const Target& target : targets) {
        FaultPlan plan = base;
        plan.emplace_back(Crash{.target = target,
                                .at = AtStep{.process = process.process, .step = step},
                                .restart_after = std::nullopt,
                                .restarts = true,
                                .redeploy = {}});
        plans.push_back(std::move(plan));
      }
    }
  }
  return plans;
}

}  // namespace faults
