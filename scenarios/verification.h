// scenarios/verification.h
//
// Whether a run is a function of what its token says: it is made twice, at the same time, and the
// two are compared step by step. Each has a process of its own. The second is made in other
// surroundings (surroundings.h), and its externals and its memory have been used: the same run was
// made there once before.
//
// Invariants
//   V1 First.    What is named is the first step in which the two runs differ.
//   V2 Spared.   Runs that do not depend on their surroundings are not accused.
//   V3 Bounded.  What is kept at a time does not grow with the length of the run.
// tests/scenario/verification_test.cpp checks V1 and V2 by name; V3 is in the use of a pipe.
//
// Not changed: where the program itself was loaded, the machine, and what all of its processes see
// of it.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "faults/fault_plan.h"
#include "scenarios/prepared.h"
#include "scenarios/runner.h"
#include "sim/trace.h"

namespace scenarios {

// Makes the run, tells its steps, and returns a digest of what came of it. May be called again.
using Play = std::function<Runner::Outcome<std::uint64_t>(const sim::StepListener&)>;

// Makes what the runs of one process share. Called once in each of the two.
using Stage = std::function<Runner::Outcome<Play>()>;

struct Verification {
  std::uint64_t steps = 0;  // in which both runs are alike, from the first one on
  sim::TraceHash hash;      // of these
  std::optional<sim::TraceDifference> difference;
  bool same_outcome = true;  // if they are alike in every step
};

// Requires  this process has no thread but the one that calls.
// Errors    those of `stage`; a run that ended its process; no process to be had.
Runner::Outcome<Verification> verify(const Stage& stage);

// The run of a scenario. A Kafka that keeps what earlier runs left will not do: kModel or kMock.
Runner::Outcome<Verification> verify(const PreparedScenario& prepared,
                                     const KafkaChoice& kafka,
                                     std::uint64_t seed,
                                     const faults::FaultPlan& plan);

}  // namespace scenarios
