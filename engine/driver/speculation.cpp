#include "engine/driver/speculation.h"

#include <algorithm>
#include <utility>

#include "engine/ports/invariant.h"

namespace engine {
namespace {

// Of an even number: the mean of the two in the middle.
Duration median(std::vector<Duration> durations) {
  std::ranges::sort(durations);
  const std::size_t middle = durations.size() / 2;
  if (durations.size() % 2 == 1) {
    return durations[middle];
  }
  return (durations[middle - 1] + durations[middle]) / 2;
}

}  // namespace

std::optional<Duration> speculation_threshold(std::size_t task_count,
                                              std::vector<Duration> durations_of_done) {
  INVARIANT(durations_of_done.size() <= task_count, "a task is done once");
  const auto quantile =
      static_cast<std::size_t>(kSpeculationQuantile * static_cast<double>(task_count));
  const std::size_t done_min = std::max<std::size_t>(quantile, 1);
  if (task_count == 1 || durations_of_done.size() < done_min) {
    return std::nullopt;
  }
  const auto slow = std::chrono::duration_cast<Duration>(kSpeculationMultiplier *
                                                         median(std::move(durations_of_done)));
  return std::max(slow, kSpeculationRuntimeMin);
}

}  // namespace engine
