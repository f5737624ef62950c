// scenarios/world.h
//
// The composition root: one scenario becomes one world, wired and run. It gives processes their
// ports, plays the cluster manager (starts executors for the driver, starts again what died),
// produces the workload, and lets the fault plan strike.
//
// Lifetime  one per run.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/messages.h"
#include "engine/ports/kafka.h"
#include "engine/ports/sink_store.h"
#include "faults/exhaustive.h"
#include "faults/fault_plan.h"
#include "reports/ledger.h"
#include "scenarios/prepared.h"
#include "scenarios/scenario.h"
#include "sim/kafka/broker_model.h"
#include "sim/scheduler.h"
#include "sim/trace.h"

namespace scenarios {

// The external systems of a run, empty at its start.
struct Outside {
  engine::KafkaCluster& kafka;
  engine::SinkDatabase& sink;
  sim::BrokerModel* model = nullptr;  // what `kafka` is, if it is that
};

struct RunRequest {
  const Scenario& scenario;
  const PreparedWorkload& workload;
  std::uint64_t seed;
  faults::FaultPlan plan;
  // Behind the names of topic and group, on a cluster that outlives the run.
  std::string name_suffix;
  sim::Trace::Recording recording = sim::Trace::Recording::kHashOnly;
  // Asked now and then: true ends the run early. May be empty.
  std::function<bool()> interrupted;
  // Told of every step as it happens. May be empty.
  sim::StepListener on_step = nullptr;
};

struct RunResult {
  reports::Ledger ledger;
  sim::TraceHash trace_hash;
  std::vector<sim::TraceStep> trace;        // empty unless recorded
  std::vector<faults::ProcessSteps> steps;  // effect boundaries of the driver and the executors
  std::uint64_t operations = 0;             // scheduler operations run
  bool interrupted = false;
};

// Errors    of the external systems themselves: the bench could not do its work.
engine::Result<RunResult> run_world(const RunRequest& request,
                                    Outside outside,
                                    sim::SchedulerMemory& memory);

}  // namespace scenarios
