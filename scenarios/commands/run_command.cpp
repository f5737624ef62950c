#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "reports/recording.h"
#include "reports/verdict_table.h"
#include "scenarios/catalogue.h"
#include "scenarios/commands/commands.h"
#include "scenarios/commands/interruption.h"
#include "scenarios/commands/progress.h"
#include "scenarios/commands/scenario_pool.h"
#include "scenarios/commands/scenario_report.h"

namespace scenarios {
namespace {

std::string wall_time_text() {
  const auto now =
      std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
}

// Empty: done; else a sentence.
std::string record(reports::Recording& recording, const ScenarioReport& report) {
  for (const RecordedRun& recorded : report.runs) {
    reports::RunInfo info = recorded.info;
    info.started_at = wall_time_text();
    const auto stored = recording.record(info, recorded.judged.run.ledger, recorded.judged.verdict);
    if (!stored) {
      return stored.error().sentence;
    }
  }
  return {};
}

struct Output {
  std::string path;
  std::string (*render)(std::span<const reports::VerdictRow>);
};

// The files that were asked for.
std::vector<Output> outputs_of(const CommonOptions& common) {
  std::vector<Output> outputs{{common.markdown, reports::markdown_table},
                              {common.junit, reports::junit_report},
                              {common.json, reports::json_report}};
  if (!common.report_directory.empty()) {
    outputs.push_back({common.report_directory + "/verdicts.md", reports::markdown_table});
  }
  std::erase_if(outputs, [](const Output& output) { return output.path.empty(); });
  return outputs;
}

bool writes_to_stdout(const CommonOptions& common) {
  return std::ranges::count(outputs_of(common), "-", &Output::path) > 0;
}

// A file that cannot be written is better known before an hour of work than behind it.
std::string first_unwritable(const CommonOptions& common) {
  if (!common.report_directory.empty()) {
    std::error_code failure;
    std::filesystem::create_directories(common.report_directory, failure);
    if (failure) {
      return fmt::format(
          "the folder {} cannot be made: {}", common.report_directory, failure.message());
    }
  }
  for (const Output& output : outputs_of(common)) {
    const std::string failure = output.path == "-" ? std::string() : write_text(output.path, "");
    if (!failure.empty()) {
      return failure;
    }
  }
  return {};
}

// Every output that can be written is. Empty: all of them; else a sentence about the first other.
std::string write_results(const CommonOptions& common,
                          const std::vector<reports::VerdictRow>& rows) {
  std::string first_failure;
  const auto write = [&first_failure](const std::string& path, const std::string& text) {
    const std::string failure = write_text(path, text);
    if (first_failure.empty()) {
      first_failure = failure;
    }
  };
  if (!writes_to_stdout(common) && !rows.empty()) {
    write("-", table_for_stdout(common, rows));
  }
  for (const Output& output : outputs_of(common)) {
    write(output.path, output.render(rows));
  }
  return first_failure;
}

// Runs the scenarios and keeps what each has shown.
class Session {
 public:
  Session(const CommonOptions& common,
          const std::vector<PreparedScenario>& scenarios,
          std::optional<reports::Recording> recording)
      : common_(common), scenarios_(scenarios), recording_(std::move(recording)) {}

  int run(const KafkaChoice& kafka) {
    ScenarioPool pool(scenarios_, kafka, thread_count(common_.jobs, scenarios_.size()));
    const std::string failure = collect(pool);
    const int status = conclude(failure);
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
        progress.show(rows_.size(), scenarios_[finished->index].scenario.name);
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
    std::string failure = recording_ ? record(*recording_, report) : std::string();
    rows_.emplace(finished.index, report.row);
    return failure;
  }

  int conclude(const std::string& failure) {
    std::vector<reports::VerdictRow> rows;
    for (const auto& [index, row] : rows_) {
      rows.push_back(row);
    }
    const bool is_partial = !failure.empty() || is_interrupted();
    const std::string unwritten =
        rows.empty() && is_partial ? std::string() : write_results(common_, rows);
    if (is_interrupted()) {
      print_aside(fmt::format("onceproof: interrupted: {} of {} scenarios are finished\n",
                              rows.size() - incomplete_,
                              scenarios_.size()));
      return interruption_status();
    }
    if (!failure.empty() || !unwritten.empty()) {
      return fail(kBenchFailed, failure.empty() ? unwritten : failure);
    }
    const bool all_passed = std::ranges::all_of(rows, &reports::VerdictRow::passed);
    return all_passed ? kAsExpected : kUnexpected;
  }

  const CommonOptions& common_;
  const std::vector<PreparedScenario>& scenarios_;
  std::optional<reports::Recording> recording_;
  std::map<std::size_t, reports::VerdictRow> rows_;  // by scenario
  std::size_t incomplete_ = 0;                       // rows of explorations that were interrupted
};

// Empty: the options go together; else a sentence.
std::string conflict(const CommonOptions& common) {
  return std::ranges::count(outputs_of(common), "-", &Output::path) > 1
             ? "only one of --json, --markdown and --junit can have standard output"
             : "";
}

}  // namespace

int run_command(const RunOptions& options) {
  const CommonOptions& common = options.common;
  const auto kafka = parse_kafka(common.kafka);
  if (!kafka) {
    return fail(kBadInput, not_a_kafka(common.kafka));
  }
  const std::string conflicting = conflict(common);
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
  return Session(common, prepared.value(), std::move(recording)).run(*kafka);
}

}  // namespace scenarios
