#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "reports/campaign.h"
#include "reports/exploration_table.h"
#include "reports/recording.h"
#include "scenarios/catalogue.h"
#include "scenarios/commands/commands.h"
#include "scenarios/commands/exploration_report.h"
#include "scenarios/commands/interruption.h"
#include "scenarios/commands/pages_folder.h"
#include "scenarios/commands/parallel_search.h"
#include "scenarios/commands/progress.h"
#include "scenarios/commands/recorded_runs.h"
#include "scenarios/commands/results.h"
#include "scenarios/commands/scenario_report.h"
#include "scenarios/explored_promises.h"
#include "scenarios/explorer.h"
#include "scenarios/kept_search.h"
#include "scenarios/search_strategy.h"

namespace scenarios {
namespace {

using Clock = ParallelSearch::Clock;
using Baseline = std::optional<std::vector<reports::Standing>>;
using Keep = decltype(ParallelSearch::Options::keep);

std::string strategy_names() {
  std::vector<std::string_view> names;
  std::ranges::transform(search_strategies(), std::back_inserter(names), &SearchStrategy::name);
  return fmt::format("{}", fmt::join(names, ", "));
}

// Of a schedule that is drawn, unless something else is said.
constexpr std::int32_t kDrawnFaults = 3;

SearchOptions search_options(const ExploreOptions& options,
                             const SearchStrategy& strategy,
                             const Scenario& scenario) {
  SearchOptions search = search_options(scenario);
  if (!is_exhaustive(strategy)) {
    search.depth = kDrawnFaults;
    search.draws = strategy.schedules;
  }
  search.depth = options.depth.value_or(search.depth);
  search.budget = options.budget.value_or(strategy.budget);
  return search;
}

// Searches one scenario after the other and keeps what each has shown.
class Exploring {
 public:
  Exploring(const ExploreOptions& options,
            KafkaChoice kafka,
            const SearchStrategy& strategy,
            std::optional<reports::Campaign> campaign,
            Baseline baseline)
      : options_(options),
        kafka_(std::move(kafka)),
        strategy_(strategy),
        campaign_(std::move(campaign)),
        baseline_(std::move(baseline)) {
    if (options_.time) {
      give_up_ = Clock::now() + *options_.time;
    }
  }

  int run(const std::vector<PreparedScenario>& all);

 private:
  std::string search(const PreparedScenario& prepared);
  Keep keeping(const PreparedScenario& prepared, const SearchOptions& search);
  std::string why_cut_short(const Exploration& exploration) const;
  reports::ExplorationReport report_of(const PreparedScenario& prepared,
                                       const SearchOptions& search,
                                       const Exploration& exploration) const;
  void say_speed(const Exploration& exploration, Clock::duration elapsed) const;
  Results results() const;
  std::string record_witnesses(const PreparedScenario& prepared, const Exploration& exploration);

  const ExploreOptions& options_;
  KafkaChoice kafka_;
  const SearchStrategy& strategy_;
  std::optional<reports::Campaign> campaign_;
  Baseline baseline_;
  std::optional<Clock::time_point> give_up_;
  std::vector<reports::ExplorationReport> reports_;
  std::vector<reports::JudgedCase> cases_;  // of the reports
  ScenarioPlaces places_;
  std::unique_ptr<ParallelSearch> search_;  // the latest
  std::vector<std::int64_t> run_ids_;       // of the witnesses, where pages are wanted
};

int Exploring::run(const std::vector<PreparedScenario>& all) {
  std::string failure;
  for (const PreparedScenario& prepared : all) {
    if (!failure.empty() || is_interrupted()) {
      break;
    }
    failure = search(prepared);
  }
  Results results = this->results();
  if (failure.empty() && !is_interrupted()) {
    compare_with(baseline_, options_.common, reports::AnswerKind::kExplore, results);
  }
  std::string unwritten =
      results.ci.cases.empty() ? std::string() : write_results(options_.common, results);
  if (unwritten.empty() && failure.empty() && !reports_.empty() && !is_interrupted()) {
    unwritten = write_pages_if_wanted(options_.common, run_ids_);
  }
  int status = kAsExpected;
  if (is_interrupted()) {
    status = interruption_status();
  } else if (!failure.empty() || !unwritten.empty()) {
    status = fail(kBenchFailed, failure.empty() ? unwritten : failure);
  } else if (!reports::all_passed(results.ci)) {
    status = kUnexpected;
  }
  // Everything is written. A thread deep inside the Kafka client would not end within a second.
  if (is_interrupted() && search_ && search_->is_stuck()) {
    std::_Exit(status);
  }
  return status;
}

// Empty: done, or interrupted; else a sentence about what the bench could not do.
std::string Exploring::search(const PreparedScenario& prepared) {
  const SearchOptions search = search_options(options_, strategy_, prepared.scenario);
  const auto progress = [this](std::size_t taken, std::size_t of) {
    constexpr std::size_t kShown = 20;  // per round
    const bool is_shown = taken * kShown / of != (taken - 1) * kShown / of;
    if (is_shown) {
      Progress(options_.common.quiet, of).show(taken, "parts of this round");
    }
  };
  search_ =
      std::make_unique<ParallelSearch>(Explorer(prepared, kafka_, prepared.scenario.seed, search),
                                       ParallelSearch::Options{.kafka = kafka_,
                                                               .threads = options_.common.jobs,
                                                               .give_up = give_up_,
                                                               .keep = keeping(prepared, search),
                                                               .progress = progress});
  const auto begin = Clock::now();
  auto explored = search_->run();
  Progress(options_.common.quiet, 1).end();
  if (!explored) {
    return is_interrupted() ? std::string() : explored.error().message;
  }
  if (explored->schedules == 0) {
    return {};  // Interrupted, or out of time, before anything was finished.
  }
  if (search_->kept() && search_->parts_taken() < search_->kept()->parts()) {
    explored->cut_short = true;
    explored->of_is_whole = false;
  }
  const auto elapsed = Clock::now() - begin;
  say_speed(*explored, elapsed);
  const auto mismatches = check(prepared.scenario, *explored);
  reports_.push_back(report_of(prepared, search, *explored));
  reports_.back().reasons = sentences_of(mismatches);
  cases_.push_back(case_of(
      prepared.scenario, kafka_.to_string(), explored->baseline.token, mismatches, places_));
  cases_.back().wall_time = std::chrono::duration_cast<std::chrono::microseconds>(elapsed);
  return options_.common.report_directory.empty() ? std::string()
                                                  : record_witnesses(prepared, *explored);
}

// The first schedule of each finding, once if it shows several. Empty: done, or interrupted.
std::string Exploring::record_witnesses(const PreparedScenario& prepared,
                                        const Exploration& exploration) {
  std::set<faults::FaultPlan> plans;
  for (const auto& [kind, finding] : exploration.findings) {
    plans.insert(finding.plan);
  }
  std::vector<Shown> witnesses;
  for (const faults::FaultPlan& plan : plans) {
    witnesses.push_back({.prepared = &prepared, .plan = plan});
  }
  return record_shown(kafka_, options_.common.database, witnesses, run_ids_);
}

Keep Exploring::keeping(const PreparedScenario& prepared, const SearchOptions& search) {
  if (!campaign_) {
    return {};
  }
  const SearchName name{.scenario = prepared.scenario.name,
                        .scenario_hash = prepared.scenario.text_hash,
                        .seed = prepared.scenario.seed,
                        .kafka = kafka_.to_string(),
                        .strategy = std::string(strategy_.name),
                        .depth = search.depth,
                        .drawn = search.draws == nullptr ? 0 : search.budget};
  return [this, name](const Exploration& before, std::size_t jobs) {
    return KeptSearch::begin(*campaign_, name, before, jobs, options_.shard, options_.resumes);
  };
}

std::string Exploring::why_cut_short(const Exploration& exploration) const {
  if (!exploration.cut_short) {
    return {};
  }
  if (is_interrupted()) {
    return "interrupted";
  }
  const bool is_late = give_up_ && Clock::now() >= *give_up_;
  if (is_late) {
    return "the time is over";
  }
  return options_.shard.count > 1 ? "other shares have the rest" : "the budget is spent";
}

reports::ExplorationReport Exploring::report_of(const PreparedScenario& prepared,
                                                const SearchOptions& search,
                                                const Exploration& exploration) const {
  reports::ExplorationReport report = scenarios::report_of(exploration);
  report.scenario = prepared.scenario.name;
  report.kafka = kafka_.to_string();
  report.seed = prepared.scenario.seed;
  report.strategy = std::string(strategy_.name);
  report.depth = search.depth;
  report.cut_short = why_cut_short(exploration);
  if (search_->kept()) {
    report.parts_done = search_->parts_taken();
    report.parts = search_->kept()->parts();
  }
  return report;
}

void Exploring::say_speed(const Exploration& exploration, Clock::duration elapsed) const {
  const double seconds = std::chrono::duration<double>(elapsed).count();
  if (!options_.common.quiet) {
    print_aside(fmt::format("{} schedules in {:.1f} s, {:.0f} per second\n",
                            exploration.schedules,
                            seconds,
                            static_cast<double>(exploration.schedules) / seconds));
  }
}

Results Exploring::results() const {
  Results results;
  results.ci.command = "explore";
  results.ci.cases = cases_;
  for (const reports::ExplorationReport& report : reports_) {
    results.table += reports::terminal_exploration(report);
    results.json += reports::json_exploration(report);
    results.ci.table += reports::markdown_exploration(report);
  }
  return results;
}

// Empty: the options go together; else a sentence.
std::string conflict(const ExploreOptions& options, const KafkaChoice& kafka) {
  const SearchStrategy* const strategy = find_strategy(options.strategy);
  if (strategy == nullptr) {
    return fmt::format(
        "--strategy {}: this is none; there are {}", options.strategy, strategy_names());
  }
  if (!is_exhaustive(*strategy) && kafka.kind != KafkaKind::kModel) {
    return fmt::format(
        "--strategy {} draws faults that only --kafka model can do, and this is --kafka {}",
        strategy->name,
        options.common.kafka);
  }
  const bool needs_file = options.resumes || options.shard.count > 1;
  if (needs_file && options.common.database.empty()) {
    return "--resume and --shard need a file that keeps what is done: --db FILE";
  }
  if (!options.common.report_directory.empty() && options.common.database.empty()) {
    return "--html makes pages of a recording: --db FILE";
  }
  return output_conflict(options.common);
}

}  // namespace

int explore_command(const ExploreOptions& options) {
  const auto kafka = parse_kafka(options.common.kafka);
  if (!kafka) {
    return fail(kBadInput, not_a_kafka(options.common.kafka));
  }
  const std::string conflicting = conflict(options, *kafka);
  if (!conflicting.empty()) {
    return fail(kBadInput, conflicting);
  }
  const auto prepared = prepare_scenarios(options.scenarios, options.common.seed);
  if (!prepared) {
    return fail(kBadInput, prepared.error().to_string());
  }
  const std::string impossible = first_impossible(prepared.value(), *kafka);
  if (!impossible.empty()) {
    return fail(kBadInput, impossible);
  }
  auto baseline = read_baseline(options.common, reports::AnswerKind::kExplore);
  if (!baseline) {
    return fail(kBadInput, baseline.error().to_string());
  }
  std::optional<reports::Campaign> campaign;
  if (!options.common.database.empty()) {
    auto opened = reports::Campaign::open(options.common.database);
    if (!opened) {
      return fail(kBenchFailed, opened.error().sentence);
    }
    campaign = std::move(*opened);
  }
  const std::string unwritable = first_unwritable(options.common);
  if (!unwritable.empty()) {
    return fail(kBenchFailed, unwritable);
  }
  return Exploring(options,
                   *kafka,
                   *find_strategy(options.strategy),
                   std::move(campaign),
                   std::move(*baseline))
      .run(prepared.value());
}

}  // namespace scenarios
