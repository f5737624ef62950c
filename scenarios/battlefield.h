// scenarios/battlefield.h
//
// Where a search can let faults strike in the world of a scenario: what there is to hit, what can
// go wrong in such a pipeline, and how long the world has to heal.
//
// Left out      what destroys records or files for good: a bit that flips, an unclean election,
//               retention. What is missing then says nothing about the engine.
// Never lost    messages that nobody repeats and nobody misses by a timeout: TCP does not lose
//               them without breaking the connection; that is a partition. Nor heartbeats, without
//               which somebody is given up; that is one, too.

#pragma once

#include <vector>

#include "engine/ports/vocabulary.h"
#include "faults/strategies.h"
#include "scenarios/scenario.h"

namespace scenarios {

// `steps` and `ended_at` are those of the scenario's run without drawn faults.
faults::Battlefield battlefield_of(const Scenario& scenario,
                                   std::vector<faults::ProcessSteps> steps,
                                   engine::Instant ended_at);

}  // namespace scenarios
