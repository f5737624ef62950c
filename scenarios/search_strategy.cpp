#include "scenarios/search_strategy.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include "faults/strategies.h"
#include "scenarios/battlefield.h"
#include "scenarios/explorer.h"

namespace scenarios {
namespace {

Schedules every_crash(const PreparedScenario& prepared,
                      const JudgedRun& own_run,
                      std::int32_t /*faults_max*/) {
  const Scenario& scenario = prepared.scenario;
  std::vector<faults::FaultPlan> plans;
  for (const faults::NextCrash& next :
       next_crashes(scenario, own_run.run.counted, explored_targets(scenario))) {
    if (next.pruning == faults::Pruning::kNone) {
      plans.push_back(scenario.faults);
      plans.back().emplace_back(next.crash);
    }
  }
  return [plans = std::move(plans)](std::int64_t n) -> std::optional<faults::FaultPlan> {
    return n < std::ssize(plans) ? std::optional(plans[static_cast<std::size_t>(n)]) : std::nullopt;
  };
}

template <faults::Strategy kStrategy>
Schedules draw(const PreparedScenario& prepared,
               const JudgedRun& own_run,
               std::int32_t faults_max) {
  const Scenario& scenario = prepared.scenario;
  auto field = battlefield_of(scenario, own_run.run.steps, own_run.run.ledger.ended_at);
  return [field = std::move(field), base = scenario.faults, seed = scenario.seed, faults_max](
             std::int64_t n) -> std::optional<faults::FaultPlan> {
    const auto number = static_cast<std::uint64_t>(n);
    return faults::draw_schedule(kStrategy, seed, number, faults_max, base, field);
  };
}

constexpr std::int64_t kDrawnMax = 10'000;

}  // namespace

std::span<const SearchStrategy> search_strategies() {
  static constexpr std::array kStrategies{
      SearchStrategy{"exhaustive", every_crash, std::numeric_limits<std::int64_t>::max()},
      SearchStrategy{"random", draw<faults::Strategy::kRandom>, kDrawnMax},
      SearchStrategy{"pct", draw<faults::Strategy::kPct>, kDrawnMax},
      SearchStrategy{"swarm", draw<faults::Strategy::kSwarm>, kDrawnMax},
  };
  return kStrategies;
}

bool is_exhaustive(const SearchStrategy& strategy) {
  return strategy.name == search_strategies().front().name;
}

const SearchStrategy* find_strategy(std::string_view name) {
  const auto strategies = search_strategies();
  const auto found = std::ranges::find(strategies, name, &SearchStrategy::name);
  return found == strategies.end() ? nullptr : &*found;
}

}  // namespace scenarios
