// faults/exhaustive.h
//
// Every schedule of one more crash: run once, count the effect boundaries of every process, then
// crash every target at each of them. A run is deterministic, so the boundaries up to the crash are
// those of the run that was counted.

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/ports/vocabulary.h"
#include "faults/fault_plan.h"

namespace faults {

struct ProcessSteps {
  engine::ProcessId process;
  std::uint64_t steps = 0;  // effect boundaries in the counted run
};

// Who can be crashed in a cluster of so many executors and receivers: the driver, each executor,
// each receiver alone, the whole cluster. Not the executor of a receiver, which is among them, and
// not machines, which are for a scenario to name.
std::vector<Target> targets_of(std::int32_t executors, std::int32_t receivers);

// `base` followed by one crash, for every boundary of every process and every target. In order of
// process, boundary, target.
std::vector<FaultPlan> with_one_more_crash(const FaultPlan& base,
                                           std::span<const ProcessSteps> counted,
                                           std::span<const Target> targets);

}  // namespace faults
