// scenarios/world.h
//
// The composition root: one scenario becomes one world, wired and run. It gives processes their
// ports, plays the cluster manager (starts executors for the driver, starts again what died),
// produces the workload, and lets the fault plan strike.
//
// Lifetime  one per run.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
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
#include "sim/state_bytes.h"
#include "sim/trace.h"

namespace scenarios {

// How often the cluster manager looks for what is to be started again. Two deaths shortly after
// each other lead to the same restart, as they do where somebody polls.
inline constexpr engine::Duration kLookInterval = std::chrono::milliseconds(50);

// The external systems of a run, empty at its start.
struct Outside {
  engine::KafkaCluster& kafka;
  engine::SinkDatabase& sink;
  sim::BrokerModel* model = nullptr;  // what `kafka` is, if it is that
  // What the two hold. Empty: they cannot tell, and no black-out of such a run is recognised.
  std::function<void(sim::StateBytes&)> describe = {};
};

// For whoever looks on: what to note of a run, and when to end it.
struct Watch {
  // Whose crashes are considered at each boundary, 64 at most; none: boundaries are not noted.
  std::span<const faults::Target> targets;
  // Asked at the black-out. True: what follows is known, and the run ends there. May be empty.
  std::function<bool(const sim::StateHash&)> is_known;
  // The ledger has messages, memory and the positions of receivers as well.
  bool closely = false;
};

// Driver and executors are all dead, every fault of the plan has come, nothing is under way: the
// last moment before the cluster manager starts the driver again. Runs of one scenario and seed
// that have the same state there, and only crashes in their plans, end alike.
struct BlackOut {
  sim::StateHash state;
  std::size_t boundaries_before = 0;  // of those noted
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
  Watch watch = {};
  // Told of every step as it happens. May be empty.
  sim::StepListener on_step = nullptr;
};

struct RunResult {
  reports::Ledger ledger;
  sim::TraceHash trace_hash;                // zero unless asked for
  std::vector<sim::TraceStep> trace;        // empty unless recorded
  std::vector<faults::ProcessSteps> steps;  // effect boundaries of the driver and the executors
  std::uint64_t operations = 0;             // scheduler operations run
  faults::CountedRun counted;               // if watched
  std::optional<BlackOut> black_out;        // the first
  bool known = false;                       // ended there: the ledger is of no use
  bool interrupted = false;
};

// Errors    of the external systems themselves: the bench could not do its work.
engine::Result<RunResult> run_world(const RunRequest& request,
                                    Outside outside,
                                    sim::SchedulerMemory& memory);

}  // namespace scenarios
