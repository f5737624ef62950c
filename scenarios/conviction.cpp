#include "scenarios/conviction.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "scenarios/catalogue.h"
#include "scenarios/explorer.h"
#include "scenarios/findings.h"

namespace scenarios {
namespace {

bool is_selected(const engine::ProtocolChoice& choice, const engine::Protocol& protocol) {
  engine::Protocol same = protocol;
  choice.apply(same);
  return same == protocol;
}

std::vector<engine::ProtocolChoice> mistakes_of(const engine::Protocol& protocol) {
  std::vector<engine::ProtocolChoice> mistakes;
  for (const engine::ProtocolChoice& choice : engine::all_protocol_choices()) {
    if (choice.soundness == engine::Soundness::kMistake && is_selected(choice, protocol)) {
      mistakes.push_back(choice);
    }
  }
  return mistakes;
}

// V1: with this decision as the base has it.
Scenario without(const engine::ProtocolChoice& mistake, Scenario scenario) {
  for (const engine::ProtocolChoice& choice : engine::all_protocol_choices()) {
    if (choice.decision == mistake.decision && is_selected(choice, scenario.protocol_base)) {
      choice.apply(scenario.pipeline.protocol);
    }
  }
  INVARIANT(!is_selected(mistake, scenario.pipeline.protocol), "no base has a mistake");
  return scenario;
}

// In a schedule that is drawn, and of such schedules.
constexpr std::int32_t kFaultsMax = 3;
constexpr std::int64_t kDrawnMax = 300;

// Sees each run of a search; false ends it.
using Visitor = std::function<bool(const JudgedRun& judged, const faults::FaultPlan& plan)>;

// Errors    those of the runs. False: interrupted.
Runner::Outcome<bool> search(Runner& runner,
                             const PreparedScenario& prepared,
                             const SearchStrategy& strategy,
                             const Visitor& visit) {
  const Scenario& scenario = prepared.scenario;
  const std::vector<faults::Target> targets = explored_targets(scenario);
  auto judged = runner.run(prepared,
                           scenario.seed,
                           scenario.faults,
                           sim::Trace::Recording::kNothing,
                           {.targets = targets, .is_known = {}});
  if (!judged) {
    return judged.error();
  }
  if (!visit(judged.value(), scenario.faults) || !scenario.explore) {
    return true;
  }
  const Schedules schedules = strategy.schedules(prepared, judged.value(), kFaultsMax);
  const std::int64_t schedules_max = is_exhaustive(strategy) ? strategy.budget : kDrawnMax;
  for (std::int64_t n = 0; n < schedules_max; ++n) {
    const auto plan = schedules(n);
    if (!plan) {
      return true;
    }
    judged = runner.run(prepared, scenario.seed, *plan, sim::Trace::Recording::kNothing);
    if (!judged) {
      return judged.error();
    }
    if (runner.interrupted() || judged.value().run.interrupted) {
      return false;
    }
    if (!visit(judged.value(), *plan)) {
      return true;
    }
  }
  return true;
}

// Keeps the shortest schedule that shows what `excused` does not hold: of the fewest faults the one
// that ends first.
class Prosecutor {
 public:
  Prosecutor(std::set<std::string> excused, bool wants_shortest)
      : excused_(std::move(excused)), wants_shortest_(wants_shortest) {}

  bool hear(const JudgedRun& judged, const faults::FaultPlan& plan) {
    ++runs_;
    for (const auto& [kind, count] : shown_by(judged.verdict)) {
      if (!excused_.contains(kind)) {
        keep_if_shorter(kind, judged, plan);
        break;
      }
    }
    // Nothing is shorter than the scenario's own faults.
    return !conviction_.is_guilty() || (wants_shortest_ && runs_ > 1);
  }

  Conviction conclude() {
    if (!conviction_.is_guilty()) {
      conviction_.schedules = runs_;
    }
    return std::move(conviction_);
  }

 private:
  void keep_if_shorter(const std::string& kind,
                       const JudgedRun& judged,
                       const faults::FaultPlan& plan) {
    if (!conviction_.is_guilty()) {
      conviction_.schedules = runs_;
    } else if (std::tuple(plan.size(), judged.run.ledger.ended_at) >=
               std::tuple(conviction_.plan.size(), ended_at_)) {
      return;
    }
    conviction_.finding = kind;
    conviction_.token = judged.token;
    conviction_.plan = plan;
    ended_at_ = judged.run.ledger.ended_at;
  }

  std::set<std::string> excused_;
  bool wants_shortest_;
  std::int64_t runs_ = 0;
  Conviction conviction_;
  engine::Instant ended_at_;
};

}  // namespace

std::string defect_name(const engine::ProtocolChoice& mistake) {
  return fmt::format("{}.{}", mistake.decision, mistake.value);
}

std::string defects_directory() {
  return shipped_directory("defects");
}

Loaded<std::vector<Defect>> make_defects(std::vector<Scenario> scenarios) {
  std::vector<Defect> defects;
  std::set<std::string> names;
  for (Scenario& scenario : scenarios) {
    const auto mistakes = mistakes_of(scenario.pipeline.protocol);
    if (mistakes.size() != 1) {
      return Diagnostic{
          .file = scenario.path,
          .message =
              fmt::format("{} must switch on one mistake, not {}", scenario.name, mistakes.size())};
    }
    const engine::ProtocolChoice& mistake = mistakes.front();
    if (!names.insert(defect_name(mistake)).second) {
      return Diagnostic{
          .file = scenario.path,
          .message = fmt::format(
              "{} switches on {}, as another scenario does", scenario.name, defect_name(mistake))};
    }
    auto sound = prepare(without(mistake, scenario));
    if (!sound) {
      return sound.error();
    }
    auto mistaken = prepare(std::move(scenario));
    if (!mistaken) {
      return mistaken.error();
    }
    defects.push_back({.mistake = mistake,
                       .mistaken = std::move(mistaken.value()),
                       .sound = std::move(sound.value())});
  }
  return defects;
}

Runner::Outcome<Conviction> convict(Runner& runner,
                                    const Defect& defect,
                                    const SearchStrategy& strategy) {
  std::set<std::string> excused;
  std::int64_t of = 0;
  const auto excuse = [&](const JudgedRun& judged, const faults::FaultPlan& /*plan*/) {
    ++of;
    for (const auto& [kind, count] : shown_by(judged.verdict)) {
      excused.insert(kind);
    }
    return true;
  };
  const auto excused_all = search(runner, defect.sound, strategy, excuse);
  if (!excused_all) {
    return excused_all.error();
  }
  Prosecutor prosecutor(std::move(excused), is_exhaustive(strategy));
  const auto accuse = [&prosecutor](const JudgedRun& judged, const faults::FaultPlan& plan) {
    return prosecutor.hear(judged, plan);
  };
  const auto heard_all = search(runner, defect.mistaken, strategy, accuse);
  if (!heard_all) {
    return heard_all.error();
  }
  Conviction conviction = prosecutor.conclude();
  conviction.of = of;
  conviction.interrupted = !excused_all.value() || !heard_all.value();
  return conviction;
}

}  // namespace scenarios
