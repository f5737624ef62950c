// scenarios/matrix/crash_window.h
//
// Where in a run a process can die: its effect boundaries in the order in which they were passed,
// and the instant that parts a first start from every later one.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/ports/vocabulary.h"
#include "faults/fault_plan.h"
#include "scenarios/world.h"

namespace scenarios {

// An effect boundary of the driver or of an executor, as a run passed it.
struct Boundary {
  std::size_t index = 0;  // in the trace of the run
  engine::Address process;
  std::uint64_t step = 0;  // of the process, over all its lives
  engine::Instant at;

  [[nodiscard]] faults::AtStep trigger() const { return {process.process, step}; }
};

// Requires  the run recorded its trace; so for every function below.
std::vector<Boundary> boundaries_of(const RunResult& run);

// The place in the trace from which on a restarted driver finds something of its predecessor: the
// rename that makes the first checkpoint file durable. Without a checkpoint nothing of the driver
// is ever durable, and the first completed batch takes its place. Empty: it never came to that.
std::optional<std::size_t> end_of_first_start(const RunResult& run, bool checkpoint);

// The place in the trace at which the driver of the second life has recovered: it has completed a
// batch that came due in this life, behind whatever its predecessor had left. Empty: it never did.
std::optional<std::size_t> end_of_recovery(const RunResult& run);

// Which executor ran the receiver when the run was at `index`; empty: none had run one yet.
std::optional<std::int32_t> receiver_host(const RunResult& run, std::size_t index);

}  // namespace scenarios
