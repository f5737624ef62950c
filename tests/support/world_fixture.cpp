#include "tests/support/world_fixture.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "engine/ports/points.h"
#include "faults/exhaustive.h"
#include "scenarios/loader.h"

namespace tests {
namespace {

std::string_view name_of(reports::EventKind kind) {
  switch (kind) {
    case reports::EventKind::kPoint:
      return "point";
    case reports::EventKind::kProcessStarted:
      return "started";
    case reports::EventKind::kProcessExited:
      return "exited";
    case reports::EventKind::kCrash:
      return "crash";
    case reports::EventKind::kDriverFailed:
      return "driver failed";
    case reports::EventKind::kBatchFailed:
      return "batch failed";
    case reports::EventKind::kGenerationFailed:
      return "generation failed";
  }
  return "unknown";
}

}  // namespace

scenarios::Scenario scenario_from(const std::string& text) {
  auto loaded = scenarios::load_text(text, "scenario of a test");
  INVARIANT(loaded.has_value(), "{}", loaded.error().to_string());
  INVARIANT(loaded->size() == 1, "the text holds {} scenarios", loaded->size());
  return std::move(loaded->front());
}

scenarios::PreparedScenario prepared_from(scenarios::Scenario scenario) {
  auto prepared = scenarios::prepare(std::move(scenario));
  INVARIANT(prepared.has_value(), "{}", prepared.error().to_string());
  return std::move(prepared.value());
}

scenarios::PreparedScenario prepared_from(const std::string& text) {
  return prepared_from(scenario_from(text));
}

Player::Player(ClusterKind kafka) {
  const auto kind =
      kafka == ClusterKind::kModel ? scenarios::KafkaKind::kModel : scenarios::KafkaKind::kMock;
  auto runner = scenarios::Runner::create({.kind = kind, .address = {}, .session = {}}, {});
  INVARIANT(runner.has_value(), "{}", runner.error().message);
  runner_ = std::move(runner.value());
}

scenarios::JudgedRun Player::play(const scenarios::PreparedScenario& prepared) {
  return play(prepared, prepared.scenario.seed, prepared.scenario.faults);
}

scenarios::JudgedRun Player::play(const std::string& text) {
  return play(prepared_from(text));
}

scenarios::JudgedRun Player::play(const scenarios::PreparedScenario& prepared,
                                  std::uint64_t seed,
                                  const faults::FaultPlan& plan) {
  auto judged = runner_->run(prepared, seed, plan);
  INVARIANT(judged.has_value(), "{}", judged.error().message);
  return std::move(judged.value());
}

scenarios::Exploration Player::explore(const scenarios::PreparedScenario& prepared) {
  auto explored = scenarios::explore(
      *runner_, prepared, prepared.scenario.seed, scenarios::search_options(prepared.scenario));
  INVARIANT(explored.has_value(), "{}", explored.error().message);
  return std::move(explored.value());
}

void Player::visit_schedules(const scenarios::PreparedScenario& prepared, const Visitor& visit) {
  const scenarios::Scenario& scenario = prepared.scenario;
  const scenarios::JudgedRun base = play(prepared);
  visit(base, scenario.faults);
  for (const faults::ProcessSteps& process : base.run.steps) {
    for (std::uint64_t step = 1; step <= process.steps; ++step) {
      for (const faults::Target& target : scenarios::explored_targets(scenario)) {
        faults::Crash crash;
        crash.target = target;
        crash.at = faults::AtStep{.process = process.process, .step = step};
        faults::FaultPlan plan = scenario.faults;
        plan.emplace_back(crash);
        visit(play(prepared, scenario.seed, plan), plan);
      }
    }
  }
}

std::vector<std::string> event_lines(const reports::Ledger& ledger) {
  std::vector<std::string> lines;
  lines.reserve(ledger.events.size());
  for (const reports::Event& event : ledger.events) {
    const bool is_point = event.kind == reports::EventKind::kPoint;
    const std::int64_t batch = event.batch ? event.batch->at.time_since_epoch().count() : -1;
    lines.push_back(fmt::format("{} us, {} life {}: {} {}, batch {}, partition {}, attempt {}, {}",
                                event.at.time_since_epoch().count(),
                                engine::to_string(event.process.process),
                                event.process.incarnation,
                                name_of(event.kind),
                                is_point ? engine::info(event.point).name : std::string_view(),
                                batch,
                                event.partition,
                                event.attempt,
                                event.code));
  }
  return lines;
}

std::vector<std::string> output_lines(const reports::Ledger& ledger) {
  std::vector<std::string> lines;
  lines.reserve(ledger.outputs.size());
  for (const reports::OutputRecord& row : ledger.outputs) {
    lines.push_back(fmt::format("{}/{}/{} {}={}, batch {}, task {}, attempt {}, {} life {}, {} us",
                                row.source.partition,
                                row.source.offset.value,
                                row.ordinal,
                                row.key,
                                row.value,
                                row.batch.at.time_since_epoch().count(),
                                row.task,
                                row.attempt,
                                engine::to_string(row.writer.process),
                                row.writer.incarnation,
                                row.written_at.time_since_epoch().count()));
  }
  return lines;
}

std::int64_t crash_count(const reports::Ledger& ledger, engine::Role role) {
  return std::ranges::count_if(ledger.events, [role](const reports::Event& event) {
    return event.kind == reports::EventKind::kCrash && event.process.process.role == role;
  });
}

}  // namespace tests
