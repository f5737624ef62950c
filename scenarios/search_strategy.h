// scenarios/search_strategy.h
//
// The ways to search a world. What each tries is a sequence of schedules that are addressed by
// number, so that any part of it can be done by anybody, in any order.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "faults/fault_plan.h"
#include "scenarios/prepared.h"
#include "scenarios/runner.h"

namespace scenarios {

// The n-th schedule of a search, from 0. Empty: there are no more. A pure function, called from
// several threads.
using Schedules = std::function<std::optional<faults::FaultPlan>(std::int64_t n)>;

// `own_run` is that with the scenario's own faults and no others, watched for the crashes of
// explored_targets(). `faults_max` more are in one schedule, at most.
using MakeSchedules = Schedules (*)(const PreparedScenario& prepared,
                                    const JudgedRun& own_run,
                                    std::int32_t faults_max);

struct SearchStrategy {
  std::string_view name;
  MakeSchedules schedules;
  std::int64_t budget;  // schedules at most, where a search does not end by itself
};

// The first one, `exhaustive`, is one crash more: each that has to be run (faults/exhaustive.h). An
// Explorer goes deeper than that. The others draw faults of every kind (faults/strategies.h).
std::span<const SearchStrategy> search_strategies();

// The one that ends by itself; the others draw.
bool is_exhaustive(const SearchStrategy& strategy);

// Null: there is none of that name.
const SearchStrategy* find_strategy(std::string_view name);

}  // namespace scenarios
