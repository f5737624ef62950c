// scenarios/prepared.h
//
// A scenario with everything that its runs share: computed once, read by every schedule.

#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/ports/sink_store.h"
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
  // Makes an empty database for one run, in place of the store that the scenario names; empty: that
  // store. Called by whatever thread runs the world.
  std::function<std::unique_ptr<engine::SinkDatabase>()> make_sink = nullptr;
};

// Errors    those of make_workload().
Loaded<PreparedScenario> prepare(Scenario scenario);

}  // namespace scenarios
