#include "scenarios/prepared.h"

#include <utility>

namespace scenarios {

Loaded<PreparedScenario> prepare(Scenario scenario) {
  auto records = make_workload(scenario);
  if (!records) {
    return records.error();
  }
  PreparedWorkload workload{.records = std::move(records.value()),
                            .aggregate = aggregate_kind(scenario),
                            .expected_aggregate = {}};
  workload.expected_aggregate = expected_aggregate(scenario, workload.records);
  return PreparedScenario{.scenario = std::move(scenario), .workload = std::move(workload)};
}

}  // namespace scenarios
