// scenarios/explorer.h
//
// Judges a family of schedules: the scenario's own faults, and up to `depth` crashes more: at every
// effect boundary of every process, of every target, with every outcome on disk; the second one in
// every run that the first has led to, recovery included; and so on.
//
// Not every schedule is run. Some need not be, because the counted run shows that they end as
// another one does (faults/exhaustive.h). Others are left at their black-out, when another schedule
// has been in the same state there (docs/decisions/0008-merging-at-black-outs.md).
//
// Work comes in rounds of numbered jobs: the run without an additional crash; the schedules of one
// crash; what follows each of them. A search that draws its schedules has one round of them. Jobs
// of a round know nothing of each other, so that they may be done in any order and on any thread,
// and give the same result.

#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "faults/exhaustive.h"
#include "scenarios/exploration.h"
#include "scenarios/runner.h"
#include "scenarios/search_strategy.h"

namespace scenarios {

struct SearchOptions {
  std::int32_t depth = 1;  // additional crashes in one schedule, or faults that are drawn, at most
  std::int64_t budget = std::numeric_limits<std::int64_t>::max();  // schedules to run, at most
  std::size_t first_boundary = 0;  // where the first of them comes at the earliest
  bool prunes = true;              // false: brute force, what pruning is judged by
  MakeSchedules draws = nullptr;   // these schedules, instead of every crash
};

// Whom an exploration crashes: those that `explore.crash` names, else everybody there is.
std::vector<faults::Target> explored_targets(const Scenario& scenario);

// What one crash more does to a run that was watched for these targets.
std::vector<faults::NextCrash> next_crashes(const Scenario& scenario,
                                            const faults::CountedRun& counted,
                                            std::span<const faults::Target> targets);

// The depth that the scenario asks for, else 1.
SearchOptions search_options(const Scenario& scenario);

class Explorer {
 public:
  // On the model rows go to the sink in memory, whatever the scenario's store: the two obey one
  // contract.
  Explorer(const PreparedScenario& prepared,
           const KafkaChoice& kafka,
           std::uint64_t seed,
           const SearchOptions& options);

  // A schedule that was run, and the next crashes that are to be added to it: at its boundaries
  // from `first` to before `end`. Those behind `end` are explored from another schedule.
  struct Node {
    faults::FaultPlan plan;
    std::optional<BlackOut> black_out;
    std::size_t first = 0;
    std::size_t end = 0;
    std::size_t boundaries = 0;
  };

  // What a job has found.
  struct Done {
    Exploration part;
    std::vector<Node> nodes;  // one for each of the job's schedules, where another round follows
    bool is_whole = true;     // else interrupted, or there were more schedules than it might run
  };

  // Jobs of this round; 0: the search is over.
  [[nodiscard]] std::size_t job_count() const { return job_count_; }

  // No round follows this one.
  [[nodiscard]] bool is_last_round() const;

  // Runs at most `schedules_max`. May be called from several threads, each with its own runner, and
  // while jobs of the same round are taken in.
  Runner::Outcome<Done> work(Runner& runner, std::size_t number, std::int64_t schedules_max) const;

  // Takes a job in; in the order of their numbers.
  // Requires  done.part.schedules <= schedules_left(): else the job is to be done again with that.
  void take(Done done);

  [[nodiscard]] std::int64_t schedules_left() const { return options_.budget - result_.schedules; }

  // Interrupted, or the budget is spent: no job is to be taken in any more.
  [[nodiscard]] bool is_cut_short() const { return result_.cut_short; }

  // When all jobs of a round are taken in.
  void begin_next_round();

  [[nodiscard]] const Exploration& so_far() const { return result_; }

  // All that was found. Whoever leaves jobs undone has counted only a part of what exists.
  Exploration finish() &&;

 private:
  enum class Round : std::uint8_t { kBaseline, kDrawn, kFirstCrash, kFurtherCrashes, kOver };

  // What was explored from a black-out: so many crashes more.
  using Known = std::map<sim::StateHash, std::int32_t>;

  // What the schedules of a job share.
  struct Job {
    Runner& runner;
    std::int64_t schedules_max = 0;
    Known known;
    Done done;
  };

  // A node, and what its run has shown.
  struct CountedNode {
    Node node;
    faults::CountedRun counted;
  };

  using Progress = Runner::Outcome<bool>;  // false: the job is cut short

  void begin_drawn();
  void begin_first_crash();
  void begin_further_crashes();
  [[nodiscard]] std::int64_t crashes_behind(const Node& node, std::size_t boundary) const;
  [[nodiscard]] bool is_pruned(const faults::NextCrash& next) const;
  Progress run_baseline(Job& job) const;
  Progress run_drawn(Job& job, std::size_t number) const;
  Progress run_first_crashes(Job& job, std::size_t number) const;
  Progress run_further_crashes(Job& job, std::size_t number) const;
  Progress expand(Job& job, const CountedNode& from, std::int32_t crashes_left) const;
  Progress follow(Job& job,
                  const Node& node,
                  const faults::NextCrash& next,
                  std::int32_t crashes_left) const;
  Progress run_last(Job& job, const faults::FaultPlan& plan) const;
  Runner::Outcome<std::optional<CountedNode>> run_noted(Job& job,
                                                        const faults::FaultPlan& plan,
                                                        std::size_t first) const;
  Runner::Outcome<std::optional<JudgedRun>> run(Job& job,
                                                const faults::FaultPlan& plan,
                                                const Watch& watch) const;

  PreparedScenario prepared_;
  std::uint64_t seed_;
  SearchOptions options_;
  std::vector<faults::Target> targets_;
  faults::Aftermath aftermath_;
  std::int64_t crashes_per_boundary_ = 0;  // targets times outcomes
  Schedules drawn_;
  std::int64_t drawn_count_ = 0;
  Round round_ = Round::kBaseline;
  std::size_t job_count_ = 1;
  std::vector<faults::NextCrash> first_crashes_;
  std::vector<std::size_t> to_run_;  // indices into first_crashes_
  std::vector<Node> nodes_;          // of the round that is taken in, then of the one before
  Exploration result_;
};

// The whole search on one thread.
Runner::Outcome<Exploration> explore(Runner& runner,
                                     const PreparedScenario& prepared,
                                     std::uint64_t seed,
                                     const SearchOptions& options);

}  // namespace scenarios
