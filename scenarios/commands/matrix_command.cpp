#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "reports/matrix_groups.h"
#include "reports/matrix_recording.h"
#include "reports/matrix_table.h"
#include "scenarios/commands/commands.h"
#include "scenarios/commands/interruption.h"
#include "scenarios/commands/pages_folder.h"
#include "scenarios/commands/progress.h"
#include "scenarios/commands/recorded_runs.h"
#include "scenarios/commands/results.h"
#include "scenarios/commands/runner_pool.h"
#include "scenarios/matrix/matrix.h"
#include "scenarios/matrix/rows.h"
#include "scenarios/matrix/seed_table.h"
#include "scenarios/prepared.h"

namespace scenarios {
namespace {

const KafkaChoice kModel{.kind = KafkaKind::kModel, .address = {}, .session = {}};

// What a thread leaves behind.
struct Slot {
  std::optional<ExploredRow> explored;
  std::optional<Confirmation> confirmation;
};

// A row, its world, and what has come of it so far.
struct RowWork {
  MatrixRow row;
  PreparedScenario prepared;
  std::optional<ExploredRow> explored;
  std::optional<Confirmation> confirmation;
};

bool is_wanted(const std::vector<std::string>& filter, std::string_view name) {
  return filter.empty() || std::ranges::count(filter, name) > 0;
}

std::vector<CrashColumn> wanted_columns(const MatrixOptions& options) {
  std::vector<CrashColumn> columns;
  for (const CrashColumn column : crash_columns()) {
    const bool is_named = !options.crashes.empty() && is_wanted(options.crashes, to_string(column));
    const bool by_default = column != CrashColumn::kAnyTwo || options.depth > 1;
    if (is_named || (options.crashes.empty() && by_default)) {
      columns.push_back(column);
    }
  }
  return columns;
}

// Empty: every word of the filter is one of `names`; else a sentence.
std::string not_a_name(std::string_view option,
                       const std::vector<std::string>& filter,
                       const std::vector<std::string_view>& names) {
  for (const std::string& word : filter) {
    if (std::ranges::count(names, word) == 0) {
      return fmt::format(
          "{} {}: the table has no such name; it has {}", option, word, fmt::join(names, ", "));
    }
  }
  return {};
}

std::vector<std::string_view> names_of_rows(std::string_view (MatrixRow::*name)() const) {
  static const std::vector<MatrixRow> rows = matrix_rows(Engine::kFaithful);
  std::vector<std::string_view> names;
  for (const MatrixRow& row : rows) {
    const std::string_view one = (row.*name)();
    if (std::ranges::count(names, one) == 0) {
      names.push_back(one);
    }
  }
  return names;
}

Engine wanted_engine(const MatrixOptions& options) {
  return options.protocol == "hardened" ? Engine::kHardened : Engine::kFaithful;
}

// Empty: the options are right and go together; else a sentence.
std::string wrong_options(const MatrixOptions& options) {
  std::vector<std::string_view> columns;
  for (const CrashColumn column : crash_columns()) {
    columns.push_back(to_string(column));
  }
  for (const std::string& sentence :
       {not_a_name("--source", options.sources, names_of_rows(&MatrixRow::source_name)),
        not_a_name("--sink", options.sinks, names_of_rows(&MatrixRow::sink_name)),
        not_a_name("--crash", options.crashes, columns),
        not_a_name("--protocol", {options.protocol}, {"faithful", "hardened"})}) {
    if (!sentence.empty()) {
      return sentence;
    }
  }
  if (!options.common.report_directory.empty() && options.common.database.empty()) {
    return "--html makes pages of a recording: --db FILE";
  }
  return output_conflict(options.common);
}

Loaded<std::vector<RowWork>> wanted_rows(const MatrixOptions& options) {
  std::vector<RowWork> work;
  for (const MatrixRow& row : matrix_rows(wanted_engine(options))) {
    if (!is_wanted(options.sources, row.source_name()) ||
        !is_wanted(options.sinks, row.sink_name())) {
      continue;
    }
    auto scenario = load_scenario(row);
    if (!scenario) {
      return scenario.error();
    }
    scenario.value().seed = options.common.seed.value_or(scenario.value().seed);
    auto prepared = prepare(std::move(scenario.value()));
    if (!prepared) {
      return prepared.error();
    }
    work.push_back({.row = row,
                    .prepared = std::move(prepared.value()),
                    .explored = std::nullopt,
                    .confirmation = std::nullopt});
  }
  return work;
}

std::string token_of(const std::optional<CellWitness>& witness) {
  return witness ? witness->token : std::string();
}

reports::MatrixTableCell to_table_cell(const MatrixRow& row, const MatrixCell& cell) {
  return {.source = std::string(row.source_name()),
          .reliable = row.reliable,
          .wal = row.write_ahead_log,
          .checkpoint = row.checkpoint,
          .offsets = std::string(row.offsets_name()),
          .sink = std::string(row.sink_name()),
          .crash = std::string(to_string(cell.column)),
          .received = cell.received,
          .output = cell.output,
          .schedules = cell.schedules,
          .pruned = cell.pruned,
          .of = cell.of,
          .depth = cell.depth,
          .tokens = {.lost = token_of(cell.lost),
                     .duplicated = token_of(cell.duplicated),
                     .wrong = token_of(cell.wrong),
                     .stalled = token_of(cell.stalled)},
          .in_seed_table = false};
}

reports::MatrixConfirmation confirmation_of(const std::vector<RowWork>& work,
                                            const KafkaChoice& kafka) {
  reports::MatrixConfirmation sum{.kafka = kafka.to_string(), .replayed = 0, .disagreements = {}};
  for (const RowWork& row : work) {
    if (!row.confirmation) {
      continue;
    }
    sum.replayed += row.confirmation->replayed;
    for (const Disagreement& one : row.confirmation->disagreements) {
      sum.disagreements.push_back({.token = one.token, .other_token = one.other_token});
    }
  }
  return sum;
}

// In the order of the rows, whatever thread did what when.
reports::MatrixReport make_report(const std::vector<RowWork>& work,
                                  const std::vector<CrashColumn>& columns,
                                  const MatrixOptions& options,
                                  const KafkaChoice& kafka) {
  reports::MatrixReport report;
  for (const CrashColumn column : columns) {
    report.crashes.emplace_back(to_string(column));
  }
  sim::StateHash explored;
  for (const RowWork& row : work) {
    if (!row.explored) {
      continue;
    }
    for (const MatrixCell& cell : row.explored->cells) {
      report.cells.push_back(to_table_cell(row.row, cell));
      add_hash(explored, cell.explored);
    }
  }
  report.explored = to_string(explored);
  report.protocol = options.protocol;
  // What an article says of Spark, it does not say of the hardened engine.
  if (wanted_engine(options) == Engine::kFaithful) {
    report.seed_table = compare_with_seed_table(report.cells);
  }
  if (kafka.kind != KafkaKind::kModel) {
    report.confirmations.push_back(confirmation_of(work, kafka));
  }
  return report;
}

// What every cell found, each schedule of a row once.
std::vector<Shown> witnesses_of(const std::vector<RowWork>& work) {
  std::vector<Shown> witnesses;
  for (const RowWork& row : work) {
    std::set<faults::FaultPlan> plans;
    for (const MatrixCell& cell : row.explored ? row.explored->cells : std::vector<MatrixCell>()) {
      for (const auto* const witness : {&cell.lost, &cell.duplicated, &cell.wrong, &cell.stalled}) {
        if (*witness) {
          plans.insert((*witness)->plan);
        }
      }
    }
    for (const faults::FaultPlan& plan : plans) {
      witnesses.push_back({.prepared = &row.prepared, .plan = plan});
    }
  }
  return witnesses;
}

// Into the recording, and with its witnesses onto pages, as far as either is wanted. Empty: done;
// else a sentence.
std::string keep_matrix(const CommonOptions& common,
                        const std::vector<RowWork>& work,
                        const reports::MatrixReport& report) {
  if (common.database.empty()) {
    return {};
  }
  const auto recorded = reports::record_matrix(common.database, report);
  if (!recorded) {
    return recorded.error().sentence;
  }
  if (common.report_directory.empty()) {
    return {};
  }
  std::vector<std::int64_t> run_ids;
  std::string failure = record_shown(kModel, common.database, witnesses_of(work), run_ids);
  return failure.empty() ? write_pages_if_wanted(common, std::nullopt) : failure;
}

// A cell fails only against a baseline: the table states what is, and expects nothing.
std::vector<reports::JudgedCase> cases_of(const reports::MatrixReport& report) {
  std::vector<reports::JudgedCase> cases;
  for (const reports::MatrixTableCell& cell : report.cells) {
    cases.emplace_back();
    cases.back().name = name_of(cell);
    cases.back().group = "onceproof.matrix." + report.protocol;
  }
  for (const reports::MatrixConfirmation& confirmation : report.confirmations) {
    cases.emplace_back();
    cases.back().name = "the same on " + confirmation.kafka;
    cases.back().group = "onceproof.matrix." + report.protocol;
    for (const auto& [token, other_token] : confirmation.disagreements) {
      cases.back().reasons.push_back(
          {.sentence = fmt::format("judged differently: {} and {}", token, other_token)});
    }
  }
  return cases;
}

class MatrixSession {
 public:
  MatrixSession(const MatrixOptions& options,
                std::vector<RowWork> work,
                std::optional<std::vector<reports::Standing>> baseline)
      : options_(options),
        baseline_(std::move(baseline)),
        columns_(wanted_columns(options)),
        work_(std::move(work)),
        slots_(work_.size()) {}

  int run(const KafkaChoice& kafka);

 private:
  using Work = decltype(RunnerPool::Jobs::work);

  std::string explore();
  std::string confirm(const KafkaChoice& kafka);
  std::string work_through(const KafkaChoice& kafka, Work work);
  void keep(std::size_t number);
  int conclude(const std::string& failure, const reports::MatrixReport& report);
  void say_speed(std::chrono::duration<double> elapsed) const;

  [[nodiscard]] Results results(const reports::MatrixReport& report) const;
  [[nodiscard]] std::size_t finished_count(const KafkaChoice& kafka) const;

  const MatrixOptions& options_;
  std::optional<std::vector<reports::Standing>> baseline_;
  std::vector<CrashColumn> columns_;
  std::vector<RowWork> work_;
  std::vector<Slot> slots_;  // by row; read when the pool says that it is finished
  std::optional<RunnerPool> pool_;
};

int MatrixSession::run(const KafkaChoice& kafka) {
  std::string failure = explore();
  if (failure.empty() && !is_interrupted() && kafka.kind != KafkaKind::kModel) {
    failure = confirm(kafka);
  }
  const int status = conclude(failure, make_report(work_, columns_, options_, kafka));
  if (is_interrupted()) {
    print_aside(fmt::format("onceproof: interrupted: {} of {} rows are finished\n",
                            finished_count(kafka),
                            work_.size()));
  }
  // Everything is written. A thread deep inside the Kafka client would not end within a second.
  if (is_interrupted() && pool_->is_stuck()) {
    std::_Exit(status);
  }
  return status;
}

std::string MatrixSession::explore() {
  const auto begin = std::chrono::steady_clock::now();
  const std::string failure =
      work_through(kModel, [this](Runner& runner, std::size_t number) -> std::string {
        const RowWork& row = work_[number];
        auto explored = explore_row(runner, row.row, row.prepared, columns_);
        if (!explored) {
          return explored.error().message;
        }
        if (!explored.value().interrupted) {
          slots_[number].explored = std::move(explored.value());
        }
        return {};
      });
  say_speed(std::chrono::steady_clock::now() - begin);
  return failure;
}

std::string MatrixSession::confirm(const KafkaChoice& kafka) {
  return work_through(kafka, [this](Runner& runner, std::size_t number) -> std::string {
    const RowWork& row = work_[number];
    auto confirmed = confirm_row(runner, row.prepared, *row.explored);
    if (!confirmed) {
      return confirmed.error().message;
    }
    if (!confirmed.value().interrupted) {
      slots_[number].confirmation = std::move(confirmed.value());
    }
    return {};
  });
}

// Empty: all done, or interrupted; else a sentence about what the bench could not do.
std::string MatrixSession::work_through(const KafkaChoice& kafka, Work work) {
  const Progress progress(options_.common.quiet, work_.size());
  const auto name = [this](std::size_t number) { return work_[number].prepared.scenario.name; };
  pool_.emplace(kafka,
                thread_count(options_.common.jobs, work_.size()),
                RunnerPool::Jobs{.count = work_.size(), .work = std::move(work), .name = name});
  std::string failure;
  std::size_t done = 0;
  while (failure.empty()) {
    const auto finished = pool_->take();
    if (!finished) {
      break;
    }
    keep(finished->number);
    failure = is_interrupted() ? std::string() : finished->failure;
    progress.show(++done, name(finished->number));
  }
  progress.end();
  return failure;
}

void MatrixSession::keep(std::size_t number) {
  Slot done = std::exchange(slots_[number], {});
  RowWork& row = work_[number];
  if (done.explored) {
    row.explored = std::move(done.explored);
  }
  if (done.confirmation) {
    row.confirmation = std::move(done.confirmation);
  }
}

void MatrixSession::say_speed(std::chrono::duration<double> elapsed) const {
  std::int64_t runs = 0;
  for (const RowWork& row : work_) {
    runs += row.explored ? row.explored->runs : 0;
  }
  if (!options_.common.quiet) {
    print_aside(fmt::format("{} runs in {:.1f} s, {:.0f} per second\n",
                            runs,
                            elapsed.count(),
                            static_cast<double>(runs) / elapsed.count()));
  }
}

std::size_t MatrixSession::finished_count(const KafkaChoice& kafka) const {
  return static_cast<std::size_t>(std::ranges::count_if(work_, [&](const RowWork& row) {
    return kafka.kind == KafkaKind::kModel ? row.explored.has_value()
                                           : row.confirmation.has_value();
  }));
}

Results MatrixSession::results(const reports::MatrixReport& report) const {
  const bool colour = !options_.common.no_color && isatty(STDOUT_FILENO) == 1;
  Results results;
  results.table =
      reports::terminal_matrix(report, colour ? reports::Colour::kAlways : reports::Colour::kNever);
  results.json = reports::json_matrix(report);
  results.ci.command = "matrix";
  results.ci.cases = cases_of(report);
  results.ci.table = reports::markdown_matrix(report);
  return results;
}

int MatrixSession::conclude(const std::string& failure, const reports::MatrixReport& report) {
  Results results = this->results(report);
  if (failure.empty() && !is_interrupted()) {
    compare_with(baseline_, options_.common, reports::AnswerKind::kMatrix, results);
  }
  std::string unwritten =
      results.ci.cases.empty() ? std::string() : write_results(options_.common, results);
  if (unwritten.empty() && !results.ci.cases.empty()) {
    unwritten = keep_matrix(options_.common, work_, report);
  }
  if (is_interrupted()) {
    return interruption_status();
  }
  if (!failure.empty() || !unwritten.empty()) {
    return fail(kBenchFailed, failure.empty() ? unwritten : failure);
  }
  return reports::all_passed(results.ci) ? kAsExpected : kUnexpected;
}

int print_scenarios(const std::vector<RowWork>& work) {
  std::string text;
  for (const RowWork& row : work) {
    text += (text.empty() ? "" : "---\n") + scenario_text(row.row);
  }
  const std::string unwritten = write_text("-", text);
  return unwritten.empty() ? kAsExpected : fail(kBenchFailed, unwritten);
}

}  // namespace

int matrix_command(const MatrixOptions& options) {
  const auto kafka = parse_kafka(options.common.kafka);
  if (!kafka) {
    return fail(kBadInput, not_a_kafka(options.common.kafka));
  }
  const std::string wrong = wrong_options(options);
  if (!wrong.empty()) {
    return fail(kBadInput, wrong);
  }
  auto work = wanted_rows(options);
  if (!work) {
    return fail(kBenchFailed, work.error().to_string());
  }
  if (options.scenarios) {
    return print_scenarios(work.value());
  }
  auto baseline = read_baseline(options.common, reports::AnswerKind::kMatrix);
  if (!baseline) {
    return fail(kBadInput, baseline.error().to_string());
  }
  const std::string unwritable = first_unwritable(options.common);
  if (!unwritable.empty()) {
    return fail(kBenchFailed, unwritable);
  }
  return MatrixSession(options, std::move(work.value()), std::move(*baseline)).run(*kafka);
}

}  // namespace scenarios
