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

// `base` followed by one crash, for every boundary of every process and every target: the driver,
// each executor, the whole cluster. In order of process, boundary, target.
std::vector<FaultPlan> with_one_more_crash(const FaultPlan& base,
                                           std::span<const ProcessSteps> counted,
                                           std::int32_t executors);

}  // namespace faults
