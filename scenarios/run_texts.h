// scenarios/run_texts.h
//
// What a recording keeps of a run besides figures, so that whoever reads it later needs neither the
// scenario nor the program: what it is, what was expected, what was done to it, and its story.

#pragma once

#include <string>
#include <vector>

#include "faults/fault_plan.h"
#include "reports/recording.h"
#include "scenarios/runner.h"
#include "scenarios/scenario.h"

namespace scenarios {

// By name: description, claim, expected, reason (why the run did not pass), fault, story, and
// batch_interval_us.
std::vector<reports::RunText> texts_of(const Scenario& scenario,
                                       const JudgedRun& judged,
                                       const faults::FaultPlan& plan,
                                       const std::vector<std::string>& reasons);

}  // namespace scenarios
