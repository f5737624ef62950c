#include "faults/exhaustive.h"

namespace faults {

std::vector<FaultPlan> with_one_more_crash(const FaultPlan& base,
                                           std::span<const ProcessSteps> counted,
                                           std::int32_t executors) {
  std::vector<Target> targets{{.kind = TargetKind::kDriver, .index = 0}};
  for (std::int32_t i = 0; i < executors; ++i) {
    targets.push_back({.kind = TargetKind::kExecutor, .index = i});
  }
  targets.push_back({.kind = TargetKind::kCluster, .index = 0});
  std::vector<FaultPlan> plans;
  for (const ProcessSteps& process : counted) {
    for (std::uint64_t step = 1; step <= process.steps; ++step) {
      for (const Target& target : targets) {
        FaultPlan plan = base;
        plan.push_back({.target = target,
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
