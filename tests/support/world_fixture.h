// tests/support/world_fixture.h
//
// Plays one scenario, given as text or as a value, and hands back the run, the verdict and the
// ledger. What cannot be played is a broken invariant: a test states a playable scenario.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "faults/fault_plan.h"
#include "reports/ledger.h"
#include "scenarios/explorer.h"
#include "scenarios/prepared.h"
#include "scenarios/runner.h"
#include "scenarios/scenario.h"
#include "tests/support/kafka_clusters.h"

namespace tests {

// One document in the format of scenario files.
scenarios::Scenario scenario_from(const std::string& text);

// With its workload made.
scenarios::PreparedScenario prepared_from(const std::string& text);
scenarios::PreparedScenario prepared_from(scenarios::Scenario scenario);

// Owns the external systems of the runs, one after the other.
class Player {
 public:
  explicit Player(ClusterKind kafka = ClusterKind::kModel);

  // With the seed and the faults of the scenario.
  scenarios::JudgedRun play(const scenarios::PreparedScenario& prepared);
  scenarios::JudgedRun play(const std::string& text);

  scenarios::JudgedRun play(const scenarios::PreparedScenario& prepared,
                            std::uint64_t seed,
                            const faults::FaultPlan& plan);

  scenarios::Exploration explore(const scenarios::PreparedScenario& prepared);

  // The scenario's own run, and then every schedule of one crash more that drops what is unsynced.
  using Visitor =
      std::function<void(const scenarios::JudgedRun& judged, const faults::FaultPlan& plan)>;
  void visit_schedules(const scenarios::PreparedScenario& prepared, const Visitor& visit);

  [[nodiscard]] scenarios::Runner& runner() { return *runner_; }

 private:
  std::unique_ptr<scenarios::Runner> runner_;
};

// One line per event, everything that an event says: what two runs are compared by.
std::vector<std::string> event_lines(const reports::Ledger& ledger);

// One line per row of the sink.
std::vector<std::string> output_lines(const reports::Ledger& ledger);

// How often a process crashed, by its role.
std::int64_t crash_count(const reports::Ledger& ledger, engine::Role role);

}  // namespace tests
