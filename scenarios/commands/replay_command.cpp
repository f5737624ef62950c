#include <optional>
#include <utility>

#include <fmt/format.h>

#include "reports/verdict_table.h"
#include "scenarios/commands/commands.h"
#include "scenarios/commands/results.h"
#include "scenarios/commands/token_scenario.h"
#include "scenarios/expectation.h"
#include "scenarios/explored_promises.h"
#include "scenarios/fault_rules.h"
#include "scenarios/findings.h"
#include "scenarios/run_story.h"
#include "scenarios/verification.h"

namespace scenarios {
namespace {

std::string seconds(engine::Instant at) {
  return fmt::format("{:.6f}s", static_cast<double>(at.time_since_epoch().count()) / 1e6);
}

std::string_view words(reports::EventKind kind) {
  switch (kind) {
    case reports::EventKind::kPoint:
      return "reached";
    case reports::EventKind::kProcessStarted:
      return "started";
    case reports::EventKind::kProcessExited:
      return "exited";
    case reports::EventKind::kCrash:
      return "CRASHED";
    case reports::EventKind::kDriverFailed:
      return "could not start";
    case reports::EventKind::kBatchFailed:
      return "gave up a batch";
    case reports::EventKind::kGenerationFailed:
      return "could not plan a batch";
  }
  return "?";
}

std::string line_of(const reports::Event& event) {
  std::string line = fmt::format("{:>12}  {:<12} #{}  {}",
                                 seconds(event.at),
                                 engine::to_string(event.process.process),
                                 event.process.incarnation,
                                 words(event.kind));
  if (event.kind == reports::EventKind::kPoint) {
    line += fmt::format(" {}", engine::info(event.point).name);
  }
  if (event.batch) {
    line += fmt::format(", batch {}", seconds(event.batch->at));
  }
  if (event.partition >= 0) {
    line += fmt::format(", partition {}, attempt {}", event.partition, event.attempt);
  }
  if (event.code != 0) {
    line += fmt::format(": {}", make_error_code(static_cast<engine::Errc>(event.code)).message());
  }
  return line + '\n';
}

std::string event_lines(const JudgedRun& judged) {
  std::string text;
  for (const reports::Event& event : judged.run.ledger.events) {
    text += line_of(event);
  }
  return text;
}

// Of the gravest thing that the run shows.
std::string story(const Scenario& scenario,
                  const JudgedRun& judged,
                  const faults::FaultPlan& plan) {
  const auto shown = shown_by(judged.verdict);
  return story_of(scenario, judged, plan, shown.empty() ? std::string() : shown.front().first);
}

std::string trace_text(const JudgedRun& judged, std::optional<std::uint64_t> until) {
  std::string text;
  std::uint64_t number = 0;
  for (const sim::TraceStep& step : judged.run.trace) {
    if (until && number >= *until) {
      break;
    }
    text += fmt::format("{:>6}  {}\n", ++number, sim::to_string(step));
  }
  return text;
}

// Both sides of the first step in which two runs differ.
std::string text_of(const sim::TraceDifference& difference) {
  const auto side = [](const std::optional<sim::TraceStep>& step) {
    return step ? sim::to_string(*step) : std::string("(the run had ended)");
  };
  return fmt::format("two runs differ at step {}:\n  first run:  {}\n  second run: {}\n",
                     difference.index + 1,
                     side(difference.left),
                     side(difference.right));
}

// What contradicts the scenario in this run. The expectations of the file are about its own faults;
// a run that an exploration came to has others, and only `always` is about it.
std::vector<Mismatch> reasons_against(const PreparedScenario& prepared,
                                      const JudgedRun& judged,
                                      const faults::FaultPlan& plan) {
  const Scenario& scenario = prepared.scenario;
  std::vector<Mismatch> reasons;
  if (plan == scenario.faults) {
    reasons = check(scenario, judged.verdict, judged.run.ledger);
  }
  const std::vector<Mismatch> refuted = check_always(scenario, judged);
  reasons.insert(reasons.end(), refuted.begin(), refuted.end());
  return reasons;
}

reports::VerdictRow row_of(const Runner& runner,
                           const PreparedScenario& prepared,
                           const JudgedRun& judged,
                           const std::vector<Mismatch>& reasons) {
  reports::VerdictRow row = reports::make_row(judged.verdict, judged.run.ledger.metrics);
  row.scenario = prepared.scenario.name;
  row.claims = prepared.scenario.claims;
  row.kafka = runner.kafka().to_string();
  row.expected = expected_text(prepared.scenario);
  row.token = judged.token;
  row.passed = reasons.empty();
  row.reasons = sentences_of(reasons);
  return row;
}

int print_result(const std::string& text, int status) {
  const std::string unwritten = write_text("-", text);
  return unwritten.empty() ? status : fail(kBenchFailed, unwritten);
}

int verify(const PreparedScenario& prepared,
           const KafkaChoice& kafka,
           const TokenContent& content) {
  if (kafka.kind == KafkaKind::kExternal) {
    return fail(kBadInput,
                "--verify: two runs on a cluster that keeps what is in it are not alike; "
                "use --kafka model or --kafka mock");
  }
  const auto verified = scenarios::verify(prepared, kafka, content.seed, content.faults);
  if (!verified) {
    return fail(kBenchFailed, verified.error().message);
  }
  if (verified->difference) {
    const int printed = print_result(text_of(*verified->difference), kBenchFailed);
    return fail(static_cast<ExitStatus>(printed), "two runs of one token differ");
  }
  if (!verified->same_outcome) {
    return fail(kBenchFailed,
                fmt::format("two runs of one token have the same {} steps, and differ in what "
                            "they left in the sink, or in what was counted",
                            verified->steps));
  }
  return print_result(fmt::format("two runs, the same {} steps, trace hash {}\n",
                                  verified->steps,
                                  sim::to_string(verified->hash)),
                      kAsExpected);
}

int replay(const ReplayOptions& options,
           const TokenContent& content,
           const PreparedScenario& prepared) {
  const auto kafka = choose_kafka(options.common.kafka, content.kafka);
  if (!kafka) {
    return fail(kBadInput, kafka.error());
  }
  const std::string impossible =
      why_impossible(prepared.scenario, content.faults, kafka->kind == KafkaKind::kModel);
  if (!impossible.empty()) {
    return fail(kBadInput, impossible);
  }
  if (options.verify) {
    return verify(prepared, *kafka, content);
  }
  auto runner = Runner::create(*kafka, {});
  if (!runner) {
    return fail(kBenchFailed, runner.error().message);
  }
  const bool wants_trace = options.trace || options.until;
  const auto judged = (*runner)->run(
      prepared,
      content.seed,
      content.faults,
      wants_trace ? sim::Trace::Recording::kSteps : sim::Trace::Recording::kHashOnly);
  if (!judged) {
    return fail(kBenchFailed, judged.error().message);
  }
  const auto reasons = reasons_against(prepared, *judged, content.faults);
  const std::vector<reports::VerdictRow> rows{row_of(**runner, prepared, *judged, reasons)};
  const std::string details = wants_trace      ? trace_text(*judged, options.until)
                              : options.events ? event_lines(*judged)
                                               : story(prepared.scenario, *judged, content.faults);
  ScenarioPlaces places;
  Results results;
  results.table = fmt::format("{}\n{}trace hash {}\n",
                              table_for_stdout(options.common, rows),
                              details,
                              sim::to_string(judged->run.trace_hash));
  results.json = reports::json_report(rows);
  results.ci.command = "replay";
  results.ci.cases = {
      case_of(prepared.scenario, (*runner)->kafka().to_string(), judged->token, reasons, places)};
  results.ci.table = reports::markdown_table(rows);
  const std::string unwritten = write_results(options.common, results);
  if (!unwritten.empty()) {
    return fail(kBenchFailed, unwritten);
  }
  return reasons.empty() ? kAsExpected : kUnexpected;
}

}  // namespace

int replay_command(const ReplayOptions& options) {
  const std::string conflicting = output_conflict(options.common);
  if (!conflicting.empty()) {
    return fail(kBadInput, conflicting);
  }
  const std::string token = unfold_token(options.token);
  const auto content = decode_token(token);
  if (!content) {
    return fail(kBadInput, content.error());
  }
  auto scenario = find_scenario_of(token, *content, options.scenarios);
  if (!scenario) {
    return fail(kBadInput, scenario.error().to_string());
  }
  auto prepared = prepare(std::move(scenario.value()));
  if (!prepared) {
    return fail(kBadInput, prepared.error().to_string());
  }
  return replay(options, *content, prepared.value());
}

}  // namespace scenarios
