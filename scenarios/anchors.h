// scenarios/anchors.h
//
// Where a fault can strike in another world than the one it was found in. Steps are numbered, so
// a record less moves every step behind it; what stays is what the process was doing.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/ports/points.h"
#include "engine/ports/vocabulary.h"
#include "faults/fault_plan.h"
#include "scenarios/runner.h"
#include "sim/trace.h"

namespace scenarios {

// What a process was doing when it came to an effect boundary, or when something struck.
struct Moment {
  engine::Address process;
  std::optional<engine::Point> last_point;  // that the process had reached in this life
  std::optional<sim::Operation> operation;  // empty: not at a boundary
};

struct Anchor {
  faults::AtStep at;
  engine::Instant when;
  Moment moment;
};

// Every effect boundary of the driver and the executors, in the order of the run.
// Requires  the run recorded its steps.
std::vector<Anchor> anchors_of(const JudgedRun& judged);

// The moment of fault number n of a plan that the run was made with. Empty: it did not strike.
// Requires  the run recorded its steps.
std::optional<Moment> moment_of(const JudgedRun& judged,
                                const std::vector<Anchor>& anchors,
                                const faults::FaultPlan& plan,
                                std::size_t n);

// The most alike first; of those that are equally alike, the earlier.
void sort_by_likeness(std::vector<Anchor>& anchors, const std::optional<Moment>& moment);

// The named points of the anchor's process before and behind the anchor, with no other boundary of
// it between, as triggers: what to say instead of a number.
// Requires  the run recorded its steps, and the anchor is one of its.
std::vector<faults::AtPoint> points_beside(const JudgedRun& judged,
                                           const faults::AtStep& at,
                                           engine::Duration batch_interval);

}  // namespace scenarios
