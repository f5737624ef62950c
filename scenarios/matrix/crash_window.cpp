#include "scenarios/matrix/crash_window.h"

#include "engine/ports/invariant.h"
#include "engine/ports/points.h"

namespace scenarios {
namespace {

constexpr engine::ProcessId kDriver{engine::Role::kDriver, 0};

// Calls `visit(index, event)` for every named point that was reached, with its place in the trace,
// until it answers true. The trace knows a point by its digest only, the ledger knows it by name;
// both have all of them, in the order in which they were reached.
template <class Visit>
void visit_points(const RunResult& run, const Visit& visit) {
  auto event = run.ledger.events.begin();
  for (std::size_t index = 0; index < run.trace.size(); ++index) {
    if (run.trace[index].operation != sim::Operation::kPoint) {
      continue;
    }
    while (event != run.ledger.events.end() && event->kind != reports::EventKind::kPoint) {
      ++event;
    }
    INVARIANT(event != run.ledger.events.end(), "the ledger lacks a point that the trace has");
    INVARIANT(event->process == run.trace[index].process, "trace and ledger differ in a point");
    if (visit(index, *event)) {
      return;
    }
    ++event;
  }
}

// The place in the trace of the first driver's first arrival at `point`.
std::optional<std::size_t> first_arrival(const RunResult& run, engine::Point point) {
  std::optional<std::size_t> found;
  visit_points(run, [&](std::size_t index, const reports::Event& event) {
    if (event.point == point && event.process == engine::Address{kDriver, 1}) {
      found = index;
    }
    return found.has_value();
  });
  return found;
}

// The boundary that `index` follows from: the latest of that kind of the driver.
std::size_t last_before(const RunResult& run, std::size_t index, sim::Operation operation) {
  for (std::size_t i = index; i > 0; --i) {
    const sim::TraceStep& step = run.trace[i - 1];
    if (step.process.process == kDriver && step.operation == operation) {
      return i - 1;
    }
  }
  return index;
}

}  // namespace

std::vector<Boundary> boundaries_of(const RunResult& run) {
  std::vector<Boundary> boundaries;
  for (std::size_t index = 0; index < run.trace.size(); ++index) {
    const sim::TraceStep& step = run.trace[index];
    const engine::Role role = step.process.process.role;
    const bool may_die = role == engine::Role::kDriver || role == engine::Role::kExecutor;
    if (step.number != 0 && may_die) {
      boundaries.push_back(
          {.index = index, .process = step.process, .step = step.number, .at = step.at});
    }
  }
  return boundaries;
}

// At the point the driver knows that the file is in place; it is in place from the rename on.
std::optional<std::size_t> end_of_first_start(const RunResult& run, bool checkpoint) {
  if (!checkpoint) {
    return first_arrival(run, engine::Point::kSchedulerBatchCompleted);
  }
  const auto renamed = first_arrival(run, engine::Point::kCheckpointRenamed);
  if (!renamed) {
    return std::nullopt;
  }
  return last_before(run, *renamed, sim::Operation::kStorageRenameApplied);
}

std::optional<std::size_t> end_of_recovery(const RunResult& run) {
  std::optional<engine::BatchTime> first_due;
  std::optional<std::size_t> end;
  visit_points(run, [&](std::size_t index, const reports::Event& event) {
    if (event.process != engine::Address{kDriver, 2}) {
      return false;
    }
    if (event.point == engine::Point::kGeneratorBatchDue && !first_due) {
      first_due = event.batch;
    }
    if (event.point == engine::Point::kSchedulerBatchCompleted && first_due &&
        event.batch == first_due) {
      end = index;
    }
    return end.has_value();
  });
  return end;
}

std::optional<std::int32_t> receiver_host(const RunResult& run, std::size_t index) {
  std::optional<std::int32_t> host;
  visit_points(run, [&](std::size_t at, const reports::Event& event) {
    if (at > index) {
      return true;
    }
    if (engine::info(event.point).name.starts_with("receiver.")) {
      host = event.process.process.index;
    }
    return false;
  });
  return host;
}

}  // namespace scenarios
