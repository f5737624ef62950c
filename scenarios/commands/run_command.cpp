#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "reports/recording.h"
#include "reports/verdict_table.h"
#include "scenarios/catalogue.h"
#include "scenarios/commands/commands.h"
#include "scenarios/commands/interruption.h"
#include "scenarios/commands/pages_folder.h"
#include "scenarios/commands/progress.h"
#include "scenarios/commands/recorded_runs.h"
#include "scenarios/commands/results.h"
#include "scenarios/commands/scenario_pool.h"
#include "scenarios/commands/scenario_report.h"

namespace scenarios {
namespace {

using Baseline = std::optional<std::vector<reports::Standing>>;

// Runs the scenarios and keeps what each has shown.
class Session {
 public:
  Session(const CommonOptions& common,
          const std::vector<PreparedScenario>& scenarios,
          std::optional<reports::Recording> recording,
          Baseline baseline)
      : common_(common),
        scenarios_(scenarios),
        recording_(std::move(recording)),
        baseline_(std::move(baseline)) {}

  int run(const KafkaChoice& kafka) {
    ScenarioPool pool(scenarios_, kafka, thread_count(common_.jobs, scenarios_.size()));
    const std::string failure = collect(pool);
    const int status = conclude(failure, kafka);
    // Everything is written. A thread deep inside the Kafka client would not end within a second.
    if (is_interrupted() && pool.is_stuck()) {
      std::_Exit(status);
    }
    return status;
  }

 private:
  // Empty: all done, or interrupted; else a sentence about what the bench could not do.
  std::string collect(ScenarioPool& pool) {
    const Progress progress(common_.quiet, scenarios_.size());
    std::string failure;
    while (failure.empty()) {
      const auto finished = pool.take();
      if (!finished) {
        break;
      }
      failure = keep(*finished);
      if (failure.empty()) {
        progress.show(finished_.size(), scenarios_[finished->index].scenario.name);
      }
    }
    progress.end();
    return failure;
  }

  std::string keep(const ScenarioPool::Finished& finished) {
    if (!finished.report) {
      return is_interrupted() ? std::string() : finished.report.error().message;
    }
    const ScenarioReport& report = *finished.report;
    if (report.runs.empty()) {
      return {};  // Interrupted before anything was finished.
    }
    incomplete_ += report.interrupted ? 1 : 0;
    std::string failure =
        recording_ ? record_runs(*recording_, report.runs, run_ids_) : std::string();
    finished_.emplace(finished.index, Judged{report.row, report.mismatches});
    return failure;
  }

  // In the order of the scenarios.
  Results results(const KafkaChoice& kafka) {
    Results results;
    results.ci.command = "run";
    ScenarioPlaces places;
    std::vector<reports::VerdictRow> rows;
    for (const auto& [index, judged] : finished_) {
      rows.push_back(judged.row);
      results.ci.cases.push_back(case_of(scenarios_[index].scenario,
                                         kafka.to_string(),
                                         judged.row.token,
                                         judged.mismatches,
                                         places));
      results.ci.cases.back().wall_time = judged.row.wall_time;
    }
    results.table = rows.empty() ? std::string() : table_for_stdout(common_, rows);
    results.json = reports::json_report(rows);
    results.ci.table = reports::markdown_table(rows);
    return results;
  }

  int conclude(const std::string& failure, const KafkaChoice& kafka) {
    Results results = this->results(kafka);
    const bool is_partial = !failure.empty() || is_interrupted();
    if (!is_partial) {
      compare_with(baseline_, common_, reports::AnswerKind::kRun, results);
    }
    const std::string unwritten =
        finished_.empty() && is_partial ? std::string() : write_everything(results);
    if (is_interrupted()) {
      print_aside(fmt::format("onceproof: interrupted: {} of {} scenarios are finished\n",
                              finished_.size() - incomplete_,
                              scenarios_.size()));
      return interruption_status();
    }
    if (!failure.empty() || !unwritten.empty()) {
      return fail(kBenchFailed, failure.empty() ? unwritten : failure);
    }
    return reports::all_passed(results.ci) ? kAsExpected : kUnexpected;
  }

  // Empty: written; else a sentence.
  std::string write_everything(const Results& results) {
    const std::string failure = write_results(common_, results);
    const bool has_pages = failure.empty() && !run_ids_.empty();
    return has_pages ? write_pages_if_wanted(common_, run_ids_) : failure;
  }

  struct Judged {
    reports::VerdictRow row;
    std::vector<Mismatch> mismatches;
  };

  const CommonOptions& common_;
  const std::vector<PreparedScenario>& scenarios_;
  std::optional<reports::Recording> recording_;
  Baseline baseline_;
  std::vector<std::int64_t> run_ids_;       // recorded
  std::map<std::size_t, Judged> finished_;  // by scenario
  std::size_t incomplete_ = 0;              // explorations that were interrupted
};

}  // namespace

int run_command(const RunOptions& options) {
  const CommonOptions& common = options.common;
  const auto kafka = parse_kafka(common.kafka);
  if (!kafka) {
    return fail(kBadInput, not_a_kafka(common.kafka));
  }
  const std::string conflicting = output_conflict(common);
  if (!conflicting.empty()) {
    return fail(kBadInput, conflicting);
  }
  const auto prepared = prepare_scenarios(options.scenarios, common.seed);
  if (!prepared) {
    return fail(kBadInput, prepared.error().to_string());
  }
  const std::string impossible = first_impossible(prepared.value(), *kafka);
  if (!impossible.empty()) {
    return fail(kBadInput, impossible);
  }
  auto baseline = read_baseline(common, reports::AnswerKind::kRun);
  if (!baseline) {
    return fail(kBadInput, baseline.error().to_string());
  }
  std::optional<reports::Recording> recording;
  if (!common.database.empty()) {
    auto opened = reports::Recording::open(common.database);
    if (!opened) {
      return fail(kBenchFailed, opened.error().sentence);
    }
    recording = std::move(*opened);
  }
  const std::string unwritable = first_unwritable(common);
  if (!unwritable.empty()) {
    return fail(kBenchFailed, unwritable);
  }
  return Session(common, prepared.value(), std::move(recording), std::move(*baseline)).run(*kafka);
}

}  // namespace scenarios
