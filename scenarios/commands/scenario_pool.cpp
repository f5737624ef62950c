#include "scenarios/commands/scenario_pool.h"

#include <utility>

namespace scenarios {

ScenarioPool::ScenarioPool(const std::vector<PreparedScenario>& scenarios,
                           KafkaChoice kafka,
                           std::size_t threads)
    : scenarios_(scenarios),
      reports_(scenarios.size()),
      pool_(std::move(kafka),
            threads,
            {.count = scenarios.size(),
             .work = [this](Runner& runner, std::size_t index) { return work_on(runner, index); },
             .name = [this](std::size_t index) { return scenarios_[index].scenario.name; }}) {}

std::string ScenarioPool::work_on(Runner& runner, std::size_t index) {
  auto report = report_on(runner, scenarios_[index]);
  if (!report) {
    return report.error().message;
  }
  reports_[index] = std::move(report.value());
  return {};
}

std::optional<ScenarioPool::Finished> ScenarioPool::take() {
  auto finished = pool_.take();
  if (!finished) {
    return std::nullopt;
  }
  std::optional<ScenarioReport>& report = reports_[finished->number];
  if (!report) {
    return Finished{finished->number, Runner::Failure{std::move(finished->failure)}};
  }
  return Finished{finished->number, *std::exchange(report, std::nullopt)};
}

}  // namespace scenarios
