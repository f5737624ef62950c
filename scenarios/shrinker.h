// scenarios/shrinker.h
//
// The same finding with less: fewer and plainer faults, fewer records, partitions, executors,
// receivers, less time. First the faults, by delta debugging (Zeller and Hildebrandt, IEEE TSE
// 2002), in the world that they were found in; then the world, number by number. A step has another
// number in a smaller world, so faults are tried at every place there, the likeliest first.
//
// Invariants
//   S1 Same.       The result shows the finding, in the same stage; it stalls only if the original
//                  did.
//   S2 Its faults. The world of the result does not show the finding without the faults of the
//                  result. If they are none, the original did not need its own.
//   S3 Smaller.    The result costs no more than the original.
//   S4 Determined. The result is a function of scenario, seed, plan, finding and budget.
// tests/scenario/shrinker_test.cpp checks each by name.

#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "faults/fault_plan.h"
#include "scenarios/runner.h"
#include "scenarios/witness.h"
#include "scenarios/yaml_reader.h"

namespace scenarios {

struct ShrinkRequest {
  const YamlNode& document;  // of the scenario
  std::string path;          // of its file
  std::uint64_t seed = 0;
  faults::FaultPlan plan;
  std::string finding;                // by the names of shown_by()
  std::int64_t budget = 0;            // runs, at most
  std::function<bool()> out_of_time;  // asked between runs; may be empty
};

struct Shrunk {
  WitnessSize original;
  Witness fewest_faults;  // in the world of the original
  Witness smallest;
  bool is_same_world = false;  // the smallest has the world of the original, too
  std::int64_t runs = 0;
  bool complete = false;  // nothing smaller was left to try
};

// Requires  the plan shows the finding in the scenario.
Runner::Outcome<Shrunk> shrink(Runner& runner, const ShrinkRequest& request);

// The scenario file of a witness: faults included, and what they show as its expectation.
YamlNode scenario_of(const Witness& witness,
                     const std::string& name,
                     const std::string& finding,
                     const std::string& original_name);

}  // namespace scenarios
