// scenarios/commands/scenario_pool.h
//
// Runs scenarios on several threads. Reports come out in the order in which they are finished, so
// that each can be recorded before anything else may go wrong.
//
// Lifetime  the scenarios outlive the pool. Destroying it ends the runs that are under way.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/commands/runner_pool.h"
#include "scenarios/commands/scenario_report.h"
#include "scenarios/prepared.h"

namespace scenarios {

class ScenarioPool {
 public:
  struct Finished {
    std::size_t index = 0;  // of the scenario
    Runner::Outcome<ScenarioReport> report;
  };

  ScenarioPool(const std::vector<PreparedScenario>& scenarios,
               KafkaChoice kafka,
               std::size_t threads);
  ScenarioPool(const ScenarioPool&) = delete;
  ScenarioPool& operator=(const ScenarioPool&) = delete;
  ~ScenarioPool() = default;

  // The next report; empty: as of RunnerPool.
  std::optional<Finished> take();

  [[nodiscard]] bool is_stuck() { return pool_.is_stuck(); }

 private:
  std::string work_on(Runner& runner, std::size_t index);

  const std::vector<PreparedScenario>& scenarios_;
  std::vector<std::optional<ScenarioReport>> reports_;  // by scenario; read when it is finished
  RunnerPool pool_;
};

}  // namespace scenarios
