#include "scenarios/anchors.h"

#include <algorithm>
#include <map>
#include <span>
#include <tuple>

#include "engine/ports/invariant.h"

namespace scenarios {
namespace {

bool is_explored(engine::ProcessId process) {
  return process.role == engine::Role::kDriver || process.role == engine::Role::kExecutor;
}

// Goes through the trace and, beside it, through the named points of the ledger: the trace has the
// order of steps and points, the ledger has the points' names.
template <class Visitor>
void walk(const JudgedRun& judged, const Visitor& visit) {
  std::span<const reports::Event> events = judged.run.ledger.events;
  for (const sim::TraceStep& step : judged.run.trace) {
    if (step.operation != sim::Operation::kPoint) {
      visit(step, nullptr);
      continue;
    }
    while (!events.empty() && events.front().kind != reports::EventKind::kPoint) {
      events = events.subspan(1);
    }
    INVARIANT(!events.empty() && events.front().process == step.process,
              "every point of the trace is an event");
    visit(step, &events.front());
    events = events.subspan(1);
  }
}

faults::AtPoint trigger_at(const reports::Event& event, engine::Duration batch_interval) {
  faults::AtPoint at;
  at.point = event.point;
  if (event.batch) {
    const auto since_start = event.batch->at.time_since_epoch();
    at.batch = static_cast<std::int32_t>(since_start / batch_interval);
  }
  if (event.partition >= 0) {
    at.partition = event.partition;
  }
  return at;
}

bool is_same_place(const reports::Event& left, const reports::Event& right) {
  return left.point == right.point && left.batch == right.batch &&
         left.partition == right.partition;
}

std::int32_t occurrence_of(const reports::Ledger& ledger, const reports::Event& event) {
  std::int32_t occurrence = 0;
  for (const reports::Event& other : ledger.events) {
    const bool counts = other.kind == reports::EventKind::kPoint && is_same_place(other, event);
    occurrence += counts ? 1 : 0;
    if (&other == &event) {
      break;
    }
  }
  return occurrence;
}

}  // namespace

std::vector<Anchor> anchors_of(const JudgedRun& judged) {
  std::vector<Anchor> anchors;
  std::map<engine::Address, engine::Point> last_point;
  walk(judged, [&](const sim::TraceStep& step, const reports::Event* event) {
    if (event != nullptr) {
      last_point.insert_or_assign(step.process, event->point);
    }
    if (step.number == 0 || !is_explored(step.process.process)) {
      return;
    }
    const auto found = last_point.find(step.process);
    anchors.push_back(
        {.at = {.process = step.process.process, .step = step.number},
         .when = step.at,
         .moment = {
             .process = step.process,
             .last_point = found == last_point.end() ? std::nullopt : std::optional(found->second),
             .operation = step.operation}});
  });
  return anchors;
}

std::optional<Moment> moment_of(const JudgedRun& judged,
                                const std::vector<Anchor>& anchors,
                                const faults::FaultPlan& plan,
                                std::size_t n) {
  const auto fired_at = judged.run.ledger.faults.at(n).fired_at;
  if (!fired_at) {
    return std::nullopt;
  }
  const faults::Trigger& trigger = faults::trigger_of(plan[n]);
  if (const auto* const at = std::get_if<faults::AtStep>(&trigger)) {
    const auto found = std::ranges::find(anchors, *at, &Anchor::at);
    return found == anchors.end() ? std::nullopt : std::optional(found->moment);
  }
  if (const auto* const at = std::get_if<faults::AtPoint>(&trigger)) {
    const auto is_it = [&](const reports::Event& event) {
      return event.kind == reports::EventKind::kPoint && event.point == at->point &&
             event.at == *fired_at;
    };
    const auto found = std::ranges::find_if(judged.run.ledger.events, is_it);
    return found == judged.run.ledger.events.end()
               ? std::nullopt
               : std::optional(Moment{found->process, found->point, std::nullopt});
  }
  const auto later =
      std::ranges::find_if(anchors, [&](const Anchor& anchor) { return anchor.when > *fired_at; });
  return later == anchors.begin() ? std::nullopt : std::optional(std::prev(later)->moment);
}

void sort_by_likeness(std::vector<Anchor>& anchors, const std::optional<Moment>& moment) {
  if (!moment) {
    return;
  }
  const auto unlikeness = [&](const Anchor& anchor) {
    const Moment& other = anchor.moment;
    const bool another_role = other.process.process.role != moment->process.process.role;
    const bool another_place = other.last_point != moment->last_point;
    const bool another_deed = moment->operation && other.operation != moment->operation;
    const bool another_life = other.process.incarnation != moment->process.incarnation;
    return int{another_role} * 8 + int{another_place} * 4 + int{another_deed} * 4 +
           int{another_life} * 3;
  };
  std::ranges::stable_sort(anchors, {}, unlikeness);
}

std::vector<faults::AtPoint> points_beside(const JudgedRun& judged,
                                           const faults::AtStep& at,
                                           engine::Duration batch_interval) {
  const reports::Event* before = nullptr;
  const reports::Event* behind = nullptr;
  bool passed = false;
  bool over = false;
  walk(judged, [&](const sim::TraceStep& step, const reports::Event* event) {
    if (over || step.process.process != at.process) {
      return;
    }
    if (event != nullptr) {
      before = passed ? before : event;
      behind = passed ? event : nullptr;
      over = passed;
    } else if (step.number == at.step) {
      passed = true;
    } else if (step.number != 0) {
      before = passed ? before : nullptr;
      over = passed;
    }
  });
  std::vector<faults::AtPoint> points;
  for (const reports::Event* const event : {before, behind}) {
    if (event != nullptr) {
      points.push_back(trigger_at(*event, batch_interval));
      points.back().occurrence = occurrence_of(judged.run.ledger, *event);
    }
  }
  return points;
}

}  // namespace scenarios
