// scenarios/prepared.h
//
// A scenario with everything that its runs share: computed once, read by every schedule.

#pragma once

#include <vector>

#include "reports/ledger.h"
#include "scenarios/diagnostic.h"
#include "scenarios/scenario.h"
#include "scenarios/workload.h"

namespace scenarios {

struct PreparedWorkload {
  std::vector<ProducedRecord> records;
  reports::AggregateKind aggregate = reports::AggregateKind::kNone;
  std::vector<reports::ExpectedAggregate> expected_aggregate;
};

struct PreparedScenario {
  Scenario scenario;
  PreparedWorkload workload;
};

// Errors    those of make_workload().
Loaded<PreparedScenario> prepare(Scenario scenario);

}  // namespace scenarios
