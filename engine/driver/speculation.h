// engine/driver/speculation.h
//
// Which running task is slow enough to deserve a second attempt, by what its finished siblings took
// (Spark: TaskSetManager.checkSpeculatableTasks).

#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "engine/ports/vocabulary.h"

namespace engine {

// spark.speculation.interval, .multiplier, .quantile, .minTaskRuntime
constexpr Duration kSpeculationInterval = std::chrono::milliseconds(100);
constexpr double kSpeculationMultiplier = 1.5;
constexpr double kSpeculationQuantile = 0.75;
constexpr Duration kSpeculationRuntimeMin = std::chrono::milliseconds(100);

// An attempt that has run for longer is slow. Empty: too few tasks of the set are done to tell. The
// only task of a set has nobody to be compared with.
// Requires  no more durations than tasks.
std::optional<Duration> speculation_threshold(std::size_t task_count,
                                              std::vector<Duration> durations_of_done);

}  // namespace engine
