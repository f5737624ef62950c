// scenarios/plainer_faults.h
//
// What makes a fault more than the plainest of its kind, and the plainer ones: a process instead of
// the cluster or of a machine, the first of its kind instead of another, the usual restart, half as
// long, half as often.

#pragma once

#include <cstdint>
#include <vector>

#include "faults/fault_plan.h"

namespace scenarios {

// 0: there is no plainer one. Quantities count by their doublings.
std::int64_t details_of(const faults::Fault& fault);

// The plainest first. Not each of them is possible in every world, and not each has fewer details.
std::vector<faults::Fault> plainer_faults(const faults::Fault& fault);

}  // namespace scenarios
