#include "scenarios/explorer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/ports/invariant.h"
#include "sim/network.h"

namespace scenarios {
namespace {

// Schedules of one crash, or drawn ones, that make a job. Merging works within a job: more would
// merge more, fewer would keep more threads busy.
constexpr std::int64_t kSchedulesPerJob = 256;

std::size_t jobs_for(std::int64_t schedules) {
  const auto jobs = schedules / kSchedulesPerJob + (schedules % kSchedulesPerJob == 0 ? 0 : 1);
  return static_cast<std::size_t>(jobs);
}

PreparedScenario with_fast_sink(PreparedScenario prepared, KafkaKind kafka) {
  if (kafka == KafkaKind::kModel) {
    prepared.scenario.store = StoreKind::kMemory;
  }
  return prepared;
}

faults::Aftermath aftermath_of(const Scenario& scenario) {
  const engine::Duration notice = sim::LinkOptions{}.latency_max;
  return {.driver_restart = scenario.driver_restart,
          .look_interval = kLookInterval,
          .executor_exit = notice + scenario.cluster.executor_exit_delay,
          .storage = scenario.pipeline.checkpoint_storage};
}

void count_pruned(Pruned& pruned, faults::Pruning why) {
  switch (why) {
    case faults::Pruning::kNone:
      return;
    case faults::Pruning::kNobodyToHit:
      ++pruned.nobody_to_hit;
      return;
    case faults::Pruning::kNothingUnsynced:
      ++pruned.nothing_unsynced;
      return;
    case faults::Pruning::kSameBlackOut:
      ++pruned.same_by_rule;
      return;
  }
}

// The run without this crash, whose followers are explored without it.
bool changes_nothing(const faults::NextCrash& next) {
  return next.pruning == faults::Pruning::kNobodyToHit ||
         next.pruning == faults::Pruning::kNothingUnsynced;
}

}  // namespace

std::vector<faults::Target> explored_targets(const Scenario& scenario) {
  if (scenario.explore && !scenario.explore->crash.empty()) {
    return scenario.explore->crash;
  }
  return faults::targets_of(scenario.cluster.executors, scenario.receiver_count());
}

std::vector<faults::NextCrash> next_crashes(const Scenario& scenario,
                                            const faults::CountedRun& counted,
                                            std::span<const faults::Target> targets) {
  return faults::next_crashes(counted, 0, targets, aftermath_of(scenario));
}

SearchOptions search_options(const Scenario& scenario) {
  SearchOptions options;
  options.depth = scenario.explore ? scenario.explore->depth : 1;
  return options;
}

Explorer::Explorer(const PreparedScenario& prepared,
                   const KafkaChoice& kafka,
                   std::uint64_t seed,
                   const SearchOptions& options)
    : prepared_(with_fast_sink(prepared, kafka.kind)),
      seed_(seed),
      options_(options),
      targets_(explored_targets(prepared.scenario)),
      aftermath_(aftermath_of(prepared.scenario)) {
  for (const faults::Target& target : targets_) {
    crashes_per_boundary_ += std::ssize(outcomes_of(target, aftermath_.storage));
  }
}

// --- Rounds --------------------------------------------------------------------------------------

void Explorer::begin_next_round() {
  if (is_last_round()) {
    round_ = Round::kOver;
    job_count_ = 0;
  } else if (round_ == Round::kFirstCrash) {
    begin_further_crashes();
  } else if (options_.draws != nullptr) {
    begin_drawn();
  } else {
    begin_first_crash();
  }
}

bool Explorer::is_last_round() const {
  return round_ != Round::kBaseline && (round_ != Round::kFirstCrash || options_.depth == 1);
}

// How many there are, whoever draws them need not know.
void Explorer::begin_drawn() {
  round_ = Round::kDrawn;
  drawn_ = options_.draws(prepared_, result_.baseline, options_.depth);
  drawn_count_ = schedules_left();
  job_count_ = jobs_for(drawn_count_);
  result_.of_is_whole = false;
}

void Explorer::begin_first_crash() {
  round_ = Round::kFirstCrash;
  first_crashes_ =
      next_crashes(result_.baseline.run.counted, options_.first_boundary, targets_, aftermath_);
  result_.of += std::ssize(first_crashes_);
  for (std::size_t n = 0; n < first_crashes_.size(); ++n) {
    if (is_pruned(first_crashes_[n])) {
      count_pruned(result_.pruned, first_crashes_[n].pruning);
    } else {
      to_run_.push_back(n);
    }
  }
  job_count_ = jobs_for(std::ssize(to_run_));
}

// Of the schedules of one crash that have the same black-out, the first one is followed to its end,
// and the others only up to there. What lies behind it they have in common, so it is counted for
// each of them; and for each that was never run, since nothing can die between its crash and its
// black-out.
void Explorer::begin_further_crashes() {
  round_ = Round::kFurtherCrashes;
  job_count_ = nodes_.size();
  INVARIANT(nodes_.size() == to_run_.size(), "each schedule that was run can be followed");
  std::map<std::size_t, std::int64_t> followers;  // by index into first_crashes_
  Known known;
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    Node& node = nodes_[n];
    followers[to_run_[n]] = crashes_behind(node, node.first);
    if (options_.prunes && node.black_out && !known.try_emplace(node.black_out->state, 0).second) {
      node.end = node.black_out->boundaries_before;
      result_.of += crashes_behind(node, node.end);
      result_.pruned.same_by_hash += crashes_behind(node, node.end);
    }
  }
  for (const faults::NextCrash& next : first_crashes_) {
    if (options_.prunes && next.pruning == faults::Pruning::kSameBlackOut) {
      result_.of += followers.at(next.same_as);
      result_.pruned.same_by_rule += followers.at(next.same_as);
    }
  }
  // Deeper than that, what follows a schedule that was never run is not counted.
  result_.of_is_whole = options_.depth == 2;
}

// One crash more, at each boundary from this one on.
std::int64_t Explorer::crashes_behind(const Node& node, std::size_t boundary) const {
  return static_cast<std::int64_t>(node.boundaries - std::min(boundary, node.boundaries)) *
         crashes_per_boundary_;
}

void Explorer::take(Done done) {
  INVARIANT(done.part.schedules <= schedules_left(), "a job has run more than the budget allows");
  if (round_ == Round::kBaseline) {
    result_.baseline = std::move(done.part.baseline);
  }
  merge(result_, done.part);
  if (!done.is_whole) {
    result_.cut_short = true;
  }
  std::ranges::move(done.nodes, std::back_inserter(nodes_));
}

Exploration Explorer::finish() && {
  result_.cut_short = result_.cut_short || round_ != Round::kOver;
  result_.of_is_whole = result_.of_is_whole && !result_.cut_short;
  return std::move(result_);
}

// --- Jobs ----------------------------------------------------------------------------------------

Runner::Outcome<Explorer::Done> Explorer::work(Runner& runner,
                                               std::size_t number,
                                               std::int64_t schedules_max) const {
  Job job{.runner = runner, .schedules_max = schedules_max, .known = {}, .done = {}};
  Progress progress = true;
  if (round_ == Round::kBaseline) {
    progress = run_baseline(job);
  } else if (round_ == Round::kDrawn) {
    progress = run_drawn(job, number);
  } else if (round_ == Round::kFirstCrash) {
    progress = run_first_crashes(job, number);
  } else {
    progress = run_further_crashes(job, number);
  }
  if (!progress) {
    return progress.error();
  }
  job.done.is_whole = *progress;
  return std::move(job.done);
}

Explorer::Progress Explorer::run_baseline(Job& job) const {
  const faults::FaultPlan& plan = prepared_.scenario.faults;
  job.done.part.of = 1;
  auto judged = run(job, plan, {.targets = targets_, .is_known = {}});
  if (!judged) {
    return judged.error();
  }
  if (!*judged) {
    return false;
  }
  job.done.part.baseline = std::move(**judged);
  return true;
}

Explorer::Progress Explorer::run_drawn(Job& job, std::size_t number) const {
  const std::int64_t first = static_cast<std::int64_t>(number) * kSchedulesPerJob;
  const std::int64_t end = std::min(first + kSchedulesPerJob, drawn_count_);
  for (std::int64_t n = first; n < end; ++n) {
    const auto plan = drawn_(n);
    if (!plan) {
      return true;
    }
    const auto judged = run(job, *plan, {});
    if (!judged) {
      return judged.error();
    }
    if (!*judged) {
      return false;
    }
    ++job.done.part.of;
  }
  return true;
}

Explorer::Progress Explorer::run_first_crashes(Job& job, std::size_t number) const {
  const std::size_t first = number * kSchedulesPerJob;
  const std::size_t end = std::min(first + kSchedulesPerJob, to_run_.size());
  for (std::size_t n = first; n < end; ++n) {
    const faults::NextCrash& next = first_crashes_[to_run_[n]];
    const faults::FaultPlan plan = faults::with(prepared_.scenario.faults, next.crash);
    if (options_.depth == 1) {
      const Progress progress = run_last(job, plan);
      if (!progress || !*progress) {
        return progress;
      }
      continue;
    }
    auto noted = run_noted(job, plan, next.boundary);
    if (!noted) {
      return noted.error();
    }
    if (!*noted) {
      return false;
    }
    Node& node = (*noted)->node;
    if (changes_nothing(next)) {
      node.end = node.first;
    }
    job.done.nodes.push_back(std::move(node));
  }
  return true;
}

// The schedule of the node was judged in the round before. It is run once more, because its
// boundaries take too much memory to be kept for every node.
Explorer::Progress Explorer::run_further_crashes(Job& job, std::size_t number) const {
  const Node& node = nodes_.at(number);
  auto again = job.runner.run(prepared_,
                              seed_,
                              node.plan,
                              sim::Trace::Recording::kNothing,
                              {.targets = targets_, .is_known = {}});
  if (!again) {
    return again.error();
  }
  if (again->run.interrupted) {
    job.done.part.interrupted = true;
    return false;
  }
  INVARIANT(again->run.counted.boundaries.size() == node.boundaries, "a run repeats itself");
  if (node.black_out) {
    job.known.emplace(node.black_out->state, options_.depth - 1);
  }
  const CountedNode from{.node = node, .counted = std::move(again->run.counted)};
  return expand(job, from, options_.depth - 1);
}

// Every next crash of a schedule, and what follows it.
Explorer::Progress Explorer::expand(Job& job,
                                    const CountedNode& from,
                                    std::int32_t crashes_left) const {
  const Node& node = from.node;
  for (const faults::NextCrash& next :
       next_crashes(from.counted, node.first, targets_, aftermath_)) {
    if (next.boundary >= node.end) {
      break;
    }
    ++job.done.part.of;
    if (is_pruned(next)) {
      count_pruned(job.done.part.pruned, next.pruning);
      continue;
    }
    const Progress progress = follow(job, node, next, crashes_left);
    if (!progress || !*progress) {
      return progress;
    }
  }
  return true;
}

// A black-out from which as many crashes were explored already is not explored again.
Explorer::Progress Explorer::follow(Job& job,
                                    const Node& node,
                                    const faults::NextCrash& next,
                                    std::int32_t crashes_left) const {
  const faults::FaultPlan plan = faults::with(node.plan, next.crash);
  if (crashes_left == 1 || changes_nothing(next)) {
    return run_last(job, plan);
  }
  auto follower = run_noted(job, plan, next.boundary);
  if (!follower) {
    return follower.error();
  }
  if (!*follower) {
    return false;
  }
  Node& then = (*follower)->node;
  if (options_.prunes && then.black_out) {
    std::int32_t& explored = job.known[then.black_out->state];
    if (explored >= crashes_left - 1) {
      then.end = then.black_out->boundaries_before;
    }
    explored = std::max(explored, crashes_left - 1);
  }
  return expand(job, **follower, crashes_left - 1);
}

// No crash follows: the run may end at a black-out whose future is known.
Explorer::Progress Explorer::run_last(Job& job, const faults::FaultPlan& plan) const {
  Watch watch;
  if (options_.prunes) {
    watch.is_known = [&job](const sim::StateHash& state) { return job.known.contains(state); };
  }
  const auto judged = run(job, plan, watch);
  if (!judged) {
    return judged.error();
  }
  if (!*judged) {
    return false;
  }
  const RunResult& last = (*judged)->run;
  if (last.known) {
    ++job.done.part.pruned.same_by_hash;
  } else if (last.black_out) {
    job.known.try_emplace(last.black_out->state, 0);
  }
  return true;
}

// A crash may follow: the run goes on to its end, and its boundaries are noted. Empty: cut short.
Runner::Outcome<std::optional<Explorer::CountedNode>> Explorer::run_noted(
    Job& job, const faults::FaultPlan& plan, std::size_t first) const {
  auto judged = run(job, plan, {.targets = targets_, .is_known = {}});
  if (!judged) {
    return judged.error();
  }
  if (!*judged) {
    return std::optional<CountedNode>();
  }
  RunResult& noted = (*judged)->run;
  const std::size_t boundaries = noted.counted.boundaries.size();
  return std::optional<CountedNode>(CountedNode{.node = {.plan = plan,
                                                         .black_out = noted.black_out,
                                                         .first = first,
                                                         .end = boundaries,
                                                         .boundaries = boundaries},
                                                .counted = std::move(noted.counted)});
}

// Runs and accounts. Empty: the job is cut short.
Runner::Outcome<std::optional<JudgedRun>> Explorer::run(Job& job,
                                                        const faults::FaultPlan& plan,
                                                        const Watch& watch) const {
  Exploration& part = job.done.part;
  if (part.schedules >= job.schedules_max) {
    return std::optional<JudgedRun>();
  }
  auto judged = job.runner.run(prepared_, seed_, plan, sim::Trace::Recording::kNothing, watch);
  if (!judged) {
    return judged.error();
  }
  if (judged->run.interrupted || job.runner.interrupted()) {
    part.interrupted = true;
    return std::optional<JudgedRun>();
  }
  if (!judged->run.known) {
    account(part, *judged, plan);
  }
  return std::optional<JudgedRun>(std::move(*judged));
}

bool Explorer::is_pruned(const faults::NextCrash& next) const {
  return options_.prunes && next.pruning != faults::Pruning::kNone;
}

Runner::Outcome<Exploration> explore(Runner& runner,
                                     const PreparedScenario& prepared,
                                     std::uint64_t seed,
                                     const SearchOptions& options) {
  Explorer explorer(prepared, runner.kafka(), seed, options);
  for (; explorer.job_count() > 0; explorer.begin_next_round()) {
    for (std::size_t job = 0; job < explorer.job_count(); ++job) {
      auto done = explorer.work(runner, job, explorer.schedules_left());
      if (!done) {
        return done.error();
      }
      explorer.take(std::move(*done));
      if (explorer.is_cut_short()) {
        return std::move(explorer).finish();
      }
    }
  }
  return std::move(explorer).finish();
}

}  // namespace scenarios
