#include "scenarios/commands/scenario_report.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "scenarios/expectation.h"
#include "scenarios/explored_promises.h"
#include "scenarios/explorer.h"
#include "scenarios/pipeline_reader.h"

namespace scenarios {
namespace {

using SteadyClock = std::chrono::steady_clock;

std::chrono::microseconds since(SteadyClock::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - start);
}

RecordedRun to_record(const Runner& runner,
                      const PreparedScenario& prepared,
                      JudgedRun judged,
                      std::chrono::microseconds wall,
                      bool passed) {
  reports::RunInfo info{.scenario = prepared.scenario.name,
                        .seed = prepared.scenario.seed,
                        .kafka = runner.kafka().to_string(),
                        .token = judged.token,
                        .started_at = {},
                        .virtual_us = judged.run.ledger.ended_at.time_since_epoch().count(),
                        .wall_us = wall.count(),
                        .trace_hash = sim::to_string(judged.run.trace_hash),
                        .passed = passed,
                        .topic = prepared.scenario.pipeline.source.topic,
                        .sink = std::string(to_string(prepared.scenario.pipeline.sink.kind))};
  return {.info = std::move(info), .judged = std::move(judged)};
}

void name_row(reports::VerdictRow& row, const Runner& runner, const PreparedScenario& prepared) {
  row.scenario = prepared.scenario.name;
  row.claims = prepared.scenario.claims;
  row.kafka = runner.kafka().to_string();
  row.expected = expected_text(prepared.scenario);
}

// Without a mismatch it passes.
void refute_by(ScenarioReport& report, const std::vector<Mismatch>& mismatches) {
  std::ranges::copy(mismatches, std::back_inserter(report.mismatches));
  report.row.reasons = sentences_of(report.mismatches);
  report.row.passed = report.mismatches.empty();
}

Runner::Outcome<ScenarioReport> run_once(Runner& runner, const PreparedScenario& prepared) {
  const auto start = SteadyClock::now();
  auto judged = runner.run(prepared, prepared.scenario.seed, prepared.scenario.faults);
  if (!judged) {
    return judged.error();
  }
  ScenarioReport report;
  report.interrupted = judged->run.interrupted;
  if (report.interrupted) {
    return report;
  }
  report.row = reports::make_row(judged->verdict, judged->run.ledger.metrics);
  name_row(report.row, runner, prepared);
  report.row.token = judged->token;
  refute_by(report, check(prepared.scenario, judged->verdict, judged->run.ledger));
  report.row.wall_time = since(start);
  report.runs.push_back(
      to_record(runner, prepared, std::move(*judged), report.row.wall_time, report.row.passed));
  return report;
}

std::int64_t worst(const Exploration& exploration, const std::string& kind) {
  const auto found = exploration.worst.find(kind);
  return found == exploration.worst.end() ? 0 : found->second;
}

reports::VerdictRow row_of(const Exploration& exploration) {
  reports::VerdictRow row;
  row.received = exploration.received;
  row.processed = exploration.processed;
  row.found = exploration.output;
  row.lost = worst(exploration, "lost");
  row.duplicated = worst(exploration, "duplicated");
  row.phantom = worst(exploration, "phantom");
  row.reordered = worst(exploration, "reordered");
  row.wrong = worst(exploration, "wrong");
  row.stalled = worst(exploration, "stalled") > 0;
  row.schedules = exploration.schedules;
  return row;
}

// The run without the additional crash, taken by itself.
bool is_as_expected(const Scenario& scenario, const JudgedRun& baseline) {
  return check(scenario, baseline.verdict, baseline.run.ledger).empty() &&
         check_always(scenario, baseline).empty();
}

// Runs the first schedule of each finding again, for the recording and for the records that it is
// about. The row's token becomes that of the first one that refutes the scenario: whoever replays
// it sees what failed. False: interrupted.
Runner::Outcome<bool> add_witnesses(Runner& runner,
                                    const PreparedScenario& prepared,
                                    const Exploration& exploration,
                                    ScenarioReport& report) {
  bool convicted = !is_as_expected(prepared.scenario, exploration.baseline);
  for (const auto& [kind, finding] : exploration.findings) {
    auto witness = runner.run(prepared, prepared.scenario.seed, finding.plan);
    if (!witness) {
      return witness.error();
    }
    if (witness->run.interrupted) {
      return false;
    }
    const std::vector<Mismatch> mismatches = check_always(prepared.scenario, *witness);
    if (!mismatches.empty() && !convicted) {
      convicted = true;
      report.row.token = witness->token;
      refute_by(report, mismatches);
    }
    report.runs.push_back(to_record(
        runner, prepared, std::move(*witness), std::chrono::microseconds(0), mismatches.empty()));
  }
  return true;
}

void mark_interrupted(const Exploration& exploration, ScenarioReport& report) {
  report.interrupted = true;
  report.mismatches.clear();
  refute_by(report,
            {{.sentence = fmt::format("interrupted after {} of {} schedules, which decides nothing",
                                      exploration.schedules,
                                      exploration.of),
              .key = {"explore"}}});
}

Runner::Outcome<ScenarioReport> run_family(Runner& runner, const PreparedScenario& prepared) {
  const auto start = SteadyClock::now();
  auto explored =
      explore(runner, prepared, prepared.scenario.seed, search_options(prepared.scenario));
  if (!explored) {
    return explored.error();
  }
  Exploration& exploration = *explored;
  ScenarioReport report;
  if (exploration.baseline.run.interrupted) {
    report.interrupted = true;
    return report;
  }
  report.row = row_of(exploration);
  name_row(report.row, runner, prepared);
  report.row.token = exploration.baseline.token;
  refute_by(report, check(prepared.scenario, exploration));
  const auto complete = exploration.interrupted
                            ? Runner::Outcome<bool>(false)
                            : add_witnesses(runner, prepared, exploration, report);
  if (!complete) {
    return complete.error();
  }
  if (!*complete) {
    mark_interrupted(exploration, report);
  }
  report.row.wall_time = since(start);
  const bool baseline_passed = is_as_expected(prepared.scenario, exploration.baseline);
  report.runs.push_back(to_record(
      runner, prepared, std::move(exploration.baseline), report.row.wall_time, baseline_passed));
  return report;
}

}  // namespace

Runner::Outcome<ScenarioReport> report_on(Runner& runner, const PreparedScenario& prepared) {
  return prepared.scenario.explore ? run_family(runner, prepared) : run_once(runner, prepared);
}

}  // namespace scenarios
