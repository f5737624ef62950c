// scenarios/run_story.h
//
// A judged run in plain words.

#pragma once

#include <string>

#include "faults/fault_plan.h"
#include "reports/story.h"
#include "scenarios/runner.h"
#include "scenarios/scenario.h"

namespace scenarios {

// At most reports::kStoryLinesMax lines. `finding` is what the story is about, by the names of
// shown_by(); empty: about nothing in particular.
std::string story_of(const Scenario& scenario,
                     const JudgedRun& judged,
                     const faults::FaultPlan& plan,
                     const std::string& finding);

// What of a story only the scenario says: all but what it is about.
reports::StorySubject subject_of(const Scenario& scenario, const faults::FaultPlan& plan);

}  // namespace scenarios
