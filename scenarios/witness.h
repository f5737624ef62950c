// scenarios/witness.h
//
// A run that shows something, as a value that can be made smaller: the world as a scenario
// document, and what breaks in it.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "faults/fault_plan.h"
#include "scenarios/prepared.h"
#include "scenarios/runner.h"
#include "scenarios/yaml_reader.h"

namespace scenarios {

// How much a reader of the witness has to keep in mind.
struct WitnessSize {
  std::int64_t faults = 0;
  std::int64_t fault_details = 0;  // what makes a fault more than the plainest of its kind
  std::int64_t records = 0;
  std::int64_t partitions = 0;
  std::int64_t executors = 0;
  std::int64_t receivers = 0;
  std::int64_t batches = 0;  // batch intervals until the run ends, the last one whole

  // A fault weighs as much as ten of anything else.
  [[nodiscard]] std::int64_t cost() const {
    return 10 * faults + fault_details + records + partitions + executors + receivers + batches;
  }
};

// A scenario without faults and expectations.
struct SmallWorld {
  YamlNode document;
  PreparedScenario prepared;
};

struct Witness {
  SmallWorld world;
  faults::FaultPlan plan;
  JudgedRun judged;  // with its steps
  WitnessSize size;
};

// The document without what says nothing about the world (faults, expectations, claims), with this
// seed, and with its rows in memory, where they are as good and come twice as fast.
YamlNode bare_document(const YamlNode& document, std::uint64_t seed);

// `path` is the scenario's file, beside which its events are. Empty: the rules of scenarios forbid
// this world.
std::optional<SmallWorld> load_world(YamlNode document, const std::string& path);

// Whether the rules of scenarios allow this plan in this world.
bool allows(const SmallWorld& world, const faults::FaultPlan& plan);

// Without the batches: that much is known before anything runs.
WitnessSize size_of(const PreparedScenario& prepared, const faults::FaultPlan& plan);

WitnessSize size_of(const PreparedScenario& prepared,
                    const faults::FaultPlan& plan,
                    const JudgedRun& judged);

// Worlds that are smaller than this one in some respect, the boldest first: everything at its
// least, one thing at its least, at half, one less; fewer records in the same time; and records
// that come earlier or all at once.
std::vector<YamlNode> smaller_documents(const SmallWorld& world);

}  // namespace scenarios
