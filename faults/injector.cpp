#include "faults/injector.h"

#include <algorithm>
#include <utility>

#include "engine/ports/invariant.h"
#include "sim/process.h"

namespace faults {

Injector::Injector(sim::Scheduler& scheduler,
                   FaultPlan plan,
                   engine::Duration batch_interval,
                   std::function<bool(std::size_t)> strike)
    : scheduler_(scheduler),
      plan_(std::move(plan)),
      batch_interval_(batch_interval),
      strike_(std::move(strike)),
      came_(plan_.size(), false),
      struck_at_(plan_.size()),
      seen_(plan_.size()) {
  for (std::size_t n = 0; n < plan_.size(); ++n) {
    if (const auto* const at = std::get_if<AtTime>(&trigger_of(plan_[n]))) {
      scheduler_.call_at(engine::Instant{at->since_start}, [this, n] { this->strike(n); });
    }
  }
}

void Injector::on_step(sim::Process& process, std::uint64_t step) {
  for (std::size_t n = 0; n < plan_.size(); ++n) {
    const auto* const at = std::get_if<AtStep>(&trigger_of(plan_[n]));
    if (at != nullptr && at->step == step && at->process == process.id()) {
      strike(n);
    }
  }
}

void Injector::on_point(sim::Process& /*process*/,
                        engine::Point point,
                        const engine::PointContext& context) {
  for (std::size_t n = 0; n < plan_.size(); ++n) {
    const auto* const at = std::get_if<AtPoint>(&trigger_of(plan_[n]));
    if (at == nullptr || at->point != point || !matches(*at, context)) {
      continue;
    }
    ++seen_[n];
    if (seen_[n] == at->occurrence) {
      strike(n);
    }
  }
}

bool Injector::matches(const AtPoint& at, const engine::PointContext& context) const {
  if (at.partition && *at.partition != context.partition) {
    return false;
  }
  if (!at.batch) {
    return true;
  }
  const engine::BatchTime meant{engine::Instant{*at.batch * batch_interval_}};
  return context.batch == meant;
}

bool Injector::is_over() const {
  return std::ranges::find(came_, false) == came_.end();
}

void Injector::strike(std::size_t n) {
  if (came_[n]) {
    return;
  }
  came_[n] = true;
  if (strike_(n)) {
    struck_at_[n] = scheduler_.now();
  }
}

}  // namespace faults
