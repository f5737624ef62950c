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
#include "scenarios/run_texts.h"

namespace scenarios {
namespace {

using SteadyClock = std::chrono::steady_clock;

std::chrono::microseconds since(SteadyClock::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - start);
}

// With the plan and the reasons why it did not pass.
struct ToRecord {
  JudgedRun judged;
  const faults::FaultPlan& plan;
  std::chrono::microseconds wall;
  std::vector<std::string> reasons;
};

RecordedRun to_record(const Runner& runner, const PreparedScenario& prepared, ToRecord run) {
  JudgedRun& judged = run.judged;
  reports::RunInfo info{.scenario = prepared.scenario.name,
                        .seed = prepared.scenario.seed,
                        .kafka = runner.kafka().to_string(),
                        .token = judged.token,
                        .started_at = {},
                        .virtual_us = judged.run.ledger.ended_at.time_since_epoch().count(),
                        .wall_us = run.wall.count(),
                        .trace_hash = sim::to_string(judged.run.trace_hash),
                        .passed = run.reasons.empty(),
                        .topic = prepared.scenario.pipeline.source.topic,
                        .sink = std::string(to_string(prepared.scenario.pipeline.sink.kind)),
                        .texts = texts_of(prepared.scenario, judged, run.plan, run.reasons)};
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

Runner::Outcome<JudgedRun> run_closely(Runner& runner,
                                       const PreparedScenario& prepared,
                                       const faults::FaultPlan& plan) {
  return runner.run(prepared,
                    prepared.scenario.seed,
                    plan,
                    sim::Trace::Recording::kHashOnly,
                    {.targets = {}, .is_known = {}, .closely = true});
}

Runner::Outcome<ScenarioReport> run_once(Runner& runner, const PreparedScenario& prepared) {
  const auto start = SteadyClock::now();
  auto judged = run_closely(runner, prepared, prepared.scenario.faults);
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
  report.runs.push_back(to_record(runner,
                                  prepared,
                                  {.judged = std::move(*judged),
                                   .plan = prepared.scenario.faults,
                                   .wall = report.row.wall_time,
                                   .reasons = report.row.reasons}));
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

// Why the run without the additional crash, taken by itself, is not as expected.
std::vector<std::string> reasons_against(const Scenario& scenario, const JudgedRun& baseline) {
  std::vector<std::string> reasons =
      sentences_of(check(scenario, baseline.verdict, baseline.run.ledger));
  const std::vector<std::string> always = sentences_of(check_always(scenario, baseline));
  reasons.insert(reasons.end(), always.begin(), always.end());
  return reasons;
}

// Runs the first schedule of each finding again, for the recording and for the records that it is
// about. The row's token becomes that of the first one that refutes the scenario: whoever replays
// it sees what failed. False: interrupted.
Runner::Outcome<bool> add_witnesses(Runner& runner,
                                    const PreparedScenario& prepared,
                                    const Exploration& exploration,
                                    ScenarioReport& report) {
  bool convicted = !reasons_against(prepared.scenario, exploration.baseline).empty();
  for (const auto& [kind, finding] : exploration.findings) {
    auto witness = run_for_record(runner, prepared, finding.plan);
    if (!witness) {
      return witness.error();
    }
    if (witness->judged.run.interrupted) {
      return false;
    }
    const std::vector<Mismatch> mismatches = check_always(prepared.scenario, witness->judged);
    if (!mismatches.empty() && !convicted) {
      convicted = true;
      report.row.token = witness->judged.token;
      refute_by(report, mismatches);
    }
    report.runs.push_back(std::move(*witness));
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
  // The exploration did not look closely at its first run: that would cost every schedule.
  auto baseline = run_closely(runner, prepared, prepared.scenario.faults);
  if (!baseline) {
    return baseline.error();
  }
  if (baseline->run.interrupted) {
    baseline = std::move(exploration.baseline);
  }
  std::vector<std::string> reasons = reasons_against(prepared.scenario, *baseline);
  report.runs.push_back(to_record(runner,
                                  prepared,
                                  {.judged = std::move(*baseline),
                                   .plan = prepared.scenario.faults,
                                   .wall = report.row.wall_time,
                                   .reasons = std::move(reasons)}));
  return report;
}

}  // namespace

Runner::Outcome<RecordedRun> run_for_record(Runner& runner,
                                            const PreparedScenario& prepared,
                                            const faults::FaultPlan& plan) {
  auto judged = run_closely(runner, prepared, plan);
  if (!judged) {
    return judged.error();
  }
  std::vector<std::string> reasons = sentences_of(check_always(prepared.scenario, *judged));
  return to_record(runner,
                   prepared,
                   {.judged = std::move(*judged),
                    .plan = plan,
                    .wall = std::chrono::microseconds(0),
                    .reasons = std::move(reasons)});
}

Runner::Outcome<ScenarioReport> report_on(Runner& runner, const PreparedScenario& prepared) {
  return prepared.scenario.explore ? run_family(runner, prepared) : run_once(runner, prepared);
}

}  // namespace scenarios
