// scenarios/explored_promises.h
//
// What `explore:` promises about a family of schedules, held against what was found.

#pragma once

#include <vector>

#include "scenarios/expectation.h"
#include "scenarios/exploration.h"
#include "scenarios/scenario.h"

namespace scenarios {

// Every claim of `explore:` that the exploration refutes, and every expectation of `expect:` that
// the run without the additional crash does not meet. That something is never seen is no reproach
// to a search that was cut short.
std::vector<Mismatch> check(const Scenario& scenario, const Exploration& exploration);

// What the bounds of `explore:` forbid in this one schedule: one for each kind of finding, with the
// records.
std::vector<Mismatch> check_always(const Scenario& scenario, const JudgedRun& judged);

}  // namespace scenarios
