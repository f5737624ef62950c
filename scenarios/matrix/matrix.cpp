#include "scenarios/matrix/matrix.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "engine/ports/points.h"
#include "scenarios/explorer.h"
#include "scenarios/matrix/crash_window.h"

namespace scenarios {
namespace {

using faults::FaultPlan;
using faults::Target;
using faults::TargetKind;
using reports::Guarantee;

// So many pairs of crashes a cell tries at most. All of them would be some ten thousand per row.
constexpr std::int64_t kPairsMax = 400;

faults::Crash crash(Target target, const Boundary& at) {
  return {.target = target,
          .at = at.trigger(),
          .restart_after = std::nullopt,
          .restarts = true,
          .redeploy = {}};
}

bool shows_nothing(const reports::Verdict& verdict) {
  return verdict.guarantee() == Guarantee::kExactlyOnce && !verdict.stalled;
}

void keep_shorter(std::optional<CellWitness>& kept,
                  const JudgedRun& judged,
                  const FaultPlan& plan) {
  const engine::Instant ended_at = judged.run.ledger.ended_at;
  if (!kept || ended_at < kept->ended_at) {
    kept = CellWitness{
        .plan = plan, .token = judged.token, .verdict = judged.verdict, .ended_at = ended_at};
  }
}

void account(MatrixCell& cell, const JudgedRun& judged, const FaultPlan& plan) {
  const reports::Verdict& verdict = judged.verdict;
  ++cell.schedules;
  add_hash(cell.explored, hash_of(judged));
  cell.received = reports::common_part(cell.received, verdict.received.guarantee());
  cell.output = reports::common_part(cell.output, verdict.guarantee());
  if (verdict.output.lost > 0) {
    keep_shorter(cell.lost, judged, plan);
  }
  if (verdict.output.duplicated > 0) {
    keep_shorter(cell.duplicated, judged, plan);
  }
  if (verdict.wrong > 0 || verdict.phantom > 0) {
    keep_shorter(cell.wrong, judged, plan);
  }
  if (verdict.stalled) {
    keep_shorter(cell.stalled, judged, plan);
  }
}

// The schedules of a cell.
struct Family {
  std::vector<FaultPlan> plans;
  std::int64_t pruned = 0;  // left out, since they end as one of these does, or as if nobody died
  std::int64_t of = 0;      // that exist
};

class RowExplorer {
 public:
  RowExplorer(Runner& runner, const MatrixRow& row, const PreparedScenario& prepared)
      : runner_(runner), row_(row), prepared_(prepared) {}

  Runner::Outcome<ExploredRow> explore(std::span<const CrashColumn> columns);

 private:
  Runner::Outcome<JudgedRun> run(const FaultPlan& plan, std::span<const Target> watched = {});
  [[nodiscard]] std::vector<Target> everybody() const;
  [[nodiscard]] bool is_in_window(CrashColumn column, const Boundary& boundary) const;
  [[nodiscard]] bool dies(CrashColumn column, const Target& target, std::size_t boundary) const;
  [[nodiscard]] Family single_crashes(CrashColumn column) const;
  Runner::Outcome<std::vector<Boundary>> recovery_from(const FaultPlan& first);
  Runner::Outcome<Family> double_crashes();
  Runner::Outcome<MatrixCell> explore_cell(CrashColumn column);
  Runner::Outcome<std::optional<CellWitness>> middle_of(const std::vector<FaultPlan>& clean);
  [[nodiscard]] bool loses_so_far() const;
  [[nodiscard]] std::size_t first_later_boundary() const;
  Runner::Outcome<MatrixCell> explore_any_two();
  std::optional<Runner::Failure> keep_witness(std::optional<CellWitness>& kept,
                                              const Exploration& exploration,
                                              const std::string& kind);

  Runner& runner_;
  const MatrixRow& row_;
  const PreparedScenario& prepared_;
  JudgedRun baseline_;  // nobody dies
  std::size_t first_start_ends_ = 0;
  std::vector<Boundary> boundaries_;                         // of the baseline
  std::vector<std::optional<std::int32_t>> receiver_hosts_;  // at each of them
  std::vector<faults::NextCrash> crashes_;                   // everybody's, at each of them
  ExploredRow explored_;
};

// Once interrupted, every run is cut off and counts for nothing; the callers see the flag.
Runner::Outcome<JudgedRun> RowExplorer::run(const FaultPlan& plan,
                                            std::span<const Target> watched) {
  auto judged = runner_.run(prepared_,
                            prepared_.scenario.seed,
                            plan,
                            sim::Trace::Recording::kNothing,
                            {.targets = watched, .is_known = {}});
  ++explored_.runs;
  const bool cut_off = judged && judged.value().run.interrupted;
  explored_.interrupted = explored_.interrupted || cut_off || runner_.interrupted();
  return judged;
}

std::vector<Target> RowExplorer::everybody() const {
  const Scenario& scenario = prepared_.scenario;
  std::vector<Target> targets =
      faults::targets_of(scenario.cluster.executors, scenario.receiver_count());
  if (scenario.receiver_count() > 0) {
    targets.push_back({.kind = TargetKind::kReceiverExecutor, .index = 0});
  }
  return targets;
}

bool RowExplorer::is_in_window(CrashColumn column, const Boundary& boundary) const {
  const bool first_start = boundary.index < first_start_ends_;
  return first_start == (column == CrashColumn::kDriverAtStart);
}

bool RowExplorer::dies(CrashColumn column, const Target& target, std::size_t boundary) const {
  switch (column) {
    case CrashColumn::kNone:
    case CrashColumn::kAnyTwo:
      return false;
    case CrashColumn::kReceiver:
      return target.kind == TargetKind::kReceiver;
    case CrashColumn::kReceiverExecutor:
      return target.kind == TargetKind::kReceiverExecutor;
    case CrashColumn::kOtherExecutor:
      return target.kind == TargetKind::kExecutor && target.index != receiver_hosts_[boundary];
    case CrashColumn::kDriverAtStart:
    case CrashColumn::kDriver:
    case CrashColumn::kDriverTwice:
      return target.kind == TargetKind::kDriver;
    case CrashColumn::kCluster:
      return target.kind == TargetKind::kCluster;
  }
  return false;
}

// A schedule that ends as another one does is left out if the column has that other one.
Family RowExplorer::single_crashes(CrashColumn column) const {
  const auto has = [&](const faults::NextCrash& next) {
    return is_in_window(column, boundaries_[next.boundary]) &&
           dies(column, next.crash.target, next.boundary);
  };
  Family family;
  for (const faults::NextCrash& next : crashes_) {
    if (!has(next)) {
      continue;
    }
    ++family.of;
    const bool is_pruned = next.pruning == faults::Pruning::kSameBlackOut
                               ? has(crashes_[next.same_as])
                               : next.pruning != faults::Pruning::kNone;
    if (is_pruned) {
      ++family.pruned;
    } else {
      family.plans.push_back({next.crash});
    }
  }
  return family;
}

// A recovery begins with the new driver and has the boundaries of every process.
Runner::Outcome<std::vector<Boundary>> RowExplorer::recovery_from(const FaultPlan& first) {
  const auto judged = run(first, everybody());
  if (!judged) {
    return judged.error();
  }
  const RunResult& result = judged.value().run;
  const auto is_new_driver = [](const sim::TraceStep& step) {
    return step.process == engine::Address{{engine::Role::kDriver, 0}, 2};
  };
  const auto begin = static_cast<std::size_t>(std::ranges::find_if(result.trace, is_new_driver) -
                                              result.trace.begin());
  const std::size_t end = end_of_recovery(result).value_or(result.trace.size());
  std::vector<Boundary> boundaries = boundaries_of(result);
  std::erase_if(boundaries, [begin, end](const Boundary& boundary) {
    return boundary.index < begin || boundary.index >= end;
  });
  return boundaries;
}

// All pairs in one line, first crash by first crash, and every n-th of them.
Runner::Outcome<Family> RowExplorer::double_crashes() {
  const Target driver{.kind = TargetKind::kDriver, .index = 0};
  const Family firsts = single_crashes(CrashColumn::kDriverTwice);
  std::vector<FaultPlan> pairs;
  for (const FaultPlan& first : firsts.plans) {
    const auto recovery = recovery_from(first);
    if (!recovery) {
      return recovery.error();
    }
    if (explored_.interrupted) {
      return Family{};
    }
    for (const Boundary& boundary : recovery.value()) {
      pairs.push_back({first.front(), crash(driver, boundary)});
    }
  }
  Family family{.plans = {}, .pruned = 0, .of = std::ssize(pairs)};
  const std::int64_t stride = std::max<std::int64_t>(1, (family.of + kPairsMax - 1) / kPairsMax);
  for (std::int64_t i = 0; i < family.of; i += stride) {
    family.plans.push_back(std::move(pairs[static_cast<std::size_t>(i)]));
  }
  return family;
}

// Run again, because only one of them is kept.
Runner::Outcome<std::optional<CellWitness>> RowExplorer::middle_of(
    const std::vector<FaultPlan>& clean) {
  std::optional<CellWitness> middle;
  if (clean.empty()) {
    return middle;
  }
  const FaultPlan& plan = clean[clean.size() / 2];
  const auto judged = run(plan);
  if (!judged) {
    return judged.error();
  }
  keep_shorter(middle, judged.value(), plan);
  return middle;
}

Runner::Outcome<MatrixCell> RowExplorer::explore_cell(CrashColumn column) {
  MatrixCell cell;
  cell.column = column;
  Family family{.plans = {FaultPlan{}}, .pruned = 0, .of = 1};
  if (column == CrashColumn::kDriverTwice) {
    cell.depth = 2;
    auto pairs = double_crashes();
    if (!pairs) {
      return pairs.error();
    }
    family = std::move(pairs.value());
  } else if (column != CrashColumn::kNone) {
    cell.depth = 1;
    family = single_crashes(column);
  }
  cell.pruned = family.pruned;
  cell.of = family.of;
  std::vector<FaultPlan> clean;
  for (FaultPlan& plan : family.plans) {
    const auto judged = run(plan);
    if (!judged) {
      return judged.error();
    }
    if (explored_.interrupted) {
      return cell;
    }
    account(cell, judged.value(), plan);
    if (shows_nothing(judged.value().verdict)) {
      clean.push_back(std::move(plan));
    }
  }
  auto middle = middle_of(clean);
  if (!middle) {
    return middle.error();
  }
  cell.clean = std::move(middle.value());
  return cell;
}

// Pairs begin behind the first start, and so does this.
bool RowExplorer::loses_so_far() const {
  return std::ranges::any_of(explored_.cells, [](const MatrixCell& cell) {
    const bool loses = cell.output == Guarantee::kAtMostOnce || cell.output == Guarantee::kNone;
    return loses && cell.column != CrashColumn::kDriverAtStart;
  });
}

// The first boundary behind the first start, in the order of those that an Explorer counts.
std::size_t RowExplorer::first_later_boundary() const {
  const auto later = std::ranges::find_if(boundaries_, [this](const Boundary& boundary) {
    return boundary.index >= first_start_ends_;
  });
  return static_cast<std::size_t>(later - boundaries_.begin());
}

// An exploration keeps plans; what a confirmation compares is run once more. Empty: done.
std::optional<Runner::Failure> RowExplorer::keep_witness(std::optional<CellWitness>& kept,
                                                         const Exploration& exploration,
                                                         const std::string& kind) {
  const auto found = exploration.findings.find(kind);
  if (found == exploration.findings.end()) {
    return std::nullopt;
  }
  const auto judged = run(found->second.plan);
  if (!judged) {
    return judged.error();
  }
  keep_shorter(kept, judged.value(), found->second.plan);
  return std::nullopt;
}

Runner::Outcome<MatrixCell> RowExplorer::explore_any_two() {
  SearchOptions options;
  options.depth = 2;
  options.first_boundary = first_later_boundary();
  auto explored = scenarios::explore(runner_, prepared_, prepared_.scenario.seed, options);
  if (!explored) {
    return explored.error();
  }
  const Exploration& exploration = explored.value();
  explored_.runs += exploration.schedules + exploration.pruned.same_by_hash;
  explored_.interrupted = explored_.interrupted || exploration.cut_short;
  MatrixCell cell;
  cell.column = CrashColumn::kAnyTwo;
  cell.depth = options.depth;
  cell.schedules = exploration.schedules;
  cell.pruned = exploration.pruned.total();
  cell.of = exploration.of;
  cell.explored = exploration.explored;
  cell.received = exploration.received;
  cell.output = exploration.output;
  for (const auto& [kind, kept] : {std::pair("lost", &cell.lost),
                                   std::pair("duplicated", &cell.duplicated),
                                   std::pair("phantom", &cell.wrong),
                                   std::pair("wrong", &cell.wrong),
                                   std::pair("stalled", &cell.stalled)}) {
    const auto failure = keep_witness(*kept, exploration, kind);
    if (failure) {
      return *failure;
    }
  }
  return cell;
}

Runner::Outcome<ExploredRow> RowExplorer::explore(std::span<const CrashColumn> columns) {
  const std::vector<Target> watched = everybody();
  auto judged = run({}, watched);
  if (!judged) {
    return judged.error();
  }
  if (explored_.interrupted) {
    return explored_;
  }
  baseline_ = std::move(judged.value());
  boundaries_ = boundaries_of(baseline_.run);
  for (const Boundary& boundary : boundaries_) {
    receiver_hosts_.push_back(receiver_host(baseline_.run, boundary.index));
  }
  crashes_ = next_crashes(prepared_.scenario, baseline_.run.counted, watched);
  const auto end = end_of_first_start(baseline_.run, row_.checkpoint);
  if (!end) {
    return Runner::Failure{fmt::format("{}: no batch comes to its end, even if nobody dies ({})",
                                       prepared_.scenario.name,
                                       baseline_.token)};
  }
  first_start_ends_ = *end;
  for (const CrashColumn column : columns) {
    const bool two = column == CrashColumn::kAnyTwo;
    if (!row_.has(column) || (two && loses_so_far())) {
      continue;
    }
    auto cell = two ? explore_any_two() : explore_cell(column);
    if (!cell) {
      return cell.error();
    }
    if (explored_.interrupted) {
      break;
    }
    explored_.cells.push_back(std::move(cell.value()));
  }
  return std::move(explored_);
}

// The witnesses of a cell and its clean schedule; each schedule once.
std::vector<const CellWitness*> worth_repeating(const MatrixCell& cell) {
  std::vector<const CellWitness*> found;
  for (const auto* const witness :
       {&cell.lost, &cell.duplicated, &cell.wrong, &cell.stalled, &cell.clean}) {
    const bool known = *witness && std::ranges::any_of(found, [&](const CellWitness* other) {
      return other->plan == (*witness)->plan;
    });
    if (*witness && !known) {
      found.push_back(&**witness);
    }
  }
  return found;
}

}  // namespace

Runner::Outcome<ExploredRow> explore_row(Runner& runner,
                                         const MatrixRow& row,
                                         const PreparedScenario& prepared,
                                         std::span<const CrashColumn> columns) {
  return RowExplorer(runner, row, prepared).explore(columns);
}

Runner::Outcome<Confirmation> confirm_row(Runner& runner,
                                          const PreparedScenario& prepared,
                                          const ExploredRow& explored) {
  Confirmation confirmation;
  for (const MatrixCell& cell : explored.cells) {
    for (const CellWitness* const witness : worth_repeating(cell)) {
      const auto judged = runner.run(prepared, prepared.scenario.seed, witness->plan);
      if (!judged) {
        return judged.error();
      }
      if (judged.value().run.interrupted || runner.interrupted()) {
        confirmation.interrupted = true;
        return confirmation;
      }
      ++confirmation.replayed;
      if (judged.value().verdict != witness->verdict) {
        confirmation.disagreements.push_back(
            {.token = witness->token, .other_token = judged.value().token});
      }
    }
  }
  return confirmation;
}

}  // namespace scenarios
