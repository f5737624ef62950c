// scenarios/explored_promises.h
//
// What `explore:` promises about a family of schedules, held against what was found.

#pragma once

#include <string>
#include <vector>

#include "scenarios/exploration.h"
#include "scenarios/scenario.h"

namespace scenarios {

// One sentence per claim of `explore:` that the exploration refutes, and per expectation of
// `expect:` that the run without the additional crash does not meet. That something is never seen
// is no reproach to a search that was cut short.
std::vector<std::string> check(const Scenario& scenario, const Exploration& exploration);

// What the bounds of `explore:` forbid in this one schedule: a sentence per kind of finding, with
// the records.
std::vector<std::string> check_always(const Scenario& scenario, const JudgedRun& judged);

}  // namespace scenarios
