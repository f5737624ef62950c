#include "scenarios/shrinker.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "scenarios/anchors.h"
#include "scenarios/fault_writer.h"
#include "scenarios/findings.h"
#include "scenarios/plainer_faults.h"
#include "scenarios/yaml_writer.h"

namespace scenarios {
namespace {

using faults::FaultPlan;

// Runs that one smaller world may take until it is given up. One fault is tried at every place of a
// small world; of several, each at its likeliest places.
constexpr double kRunsPerWorldMax = 2000;

std::int64_t count_of(const reports::Verdict& verdict, const std::string& finding) {
  for (const auto& [kind, count] : shown_by(verdict)) {
    if (kind == finding) {
      return count;
    }
  }
  return 0;
}

void set_trigger(faults::Fault& fault, const faults::Trigger& trigger) {
  std::visit([&trigger](auto& what) { what.at = trigger; }, fault);
}

FaultPlan without(const FaultPlan& plan, std::size_t from, std::size_t until) {
  FaultPlan rest(plan.begin(), plan.begin() + static_cast<std::ptrdiff_t>(from));
  rest.insert(rest.end(), plan.begin() + static_cast<std::ptrdiff_t>(until), plan.end());
  return rest;
}

class Shrinker {
 public:
  Shrinker(Runner& runner, const ShrinkRequest& request) : runner_(runner), request_(request) {}

  Runner::Outcome<Shrunk> shrink() {
    auto world = load_world(bare_document(request_.document, request_.seed), request_.path);
    INVARIANT(world.has_value(), "a scenario without its faults is one");
    auto found = judge(*world, request_.plan);
    if (failure_) {
      return *failure_;
    }
    INVARIANT(found.has_value(), "a budget has room for a run");
    may_stall_ = found->judged.verdict.stalled;
    INVARIANT(shows(found->judged), "the plan shows {}", request_.finding);
    Shrunk result;
    result.original = found->size;
    current_ = std::move(*found);
    reduce_faults();
    Witness reduced = current_;
    make_faults_plainer();
    name_places();
    result.fewest_faults = current_;
    reduce_world();
    if (reduced.size.fault_details > result.fewest_faults.size.fault_details) {
      reduce_world_of(std::move(reduced));
    }
    result.is_same_world =
        write_yaml(current_.world.document) == write_yaml(result.fewest_faults.world.document);
    result.complete = !is_spent();
    result.smallest = std::move(current_);
    result.runs = runs_;
    if (failure_) {
      return *failure_;
    }
    return result;
  }

 private:
  // --- One run -----------------------------------------------------------------------------------

  [[nodiscard]] bool is_spent() const {
    return failure_ || runs_ >= request_.budget || runner_.interrupted() ||
           (request_.out_of_time && request_.out_of_time());
  }

  // A run that has not drained after `limit` has stalled.
  // Empty: the budget is spent, or the bench could not do its work.
  std::optional<Witness> judge(const SmallWorld& world,
                               const FaultPlan& plan,
                               engine::Duration limit = engine::Duration::max()) {
    if (is_spent()) {
      return std::nullopt;
    }
    ++runs_;
    Witness witness{.world = world, .plan = plan, .judged = {}, .size = {}};
    const PreparedScenario& prepared = witness.world.prepared;
    engine::Duration& within = witness.world.prepared.scenario.stop.within;
    const engine::Duration given = std::exchange(within, std::min(within, limit));
    auto judged = runner_.run(prepared, request_.seed, plan, sim::Trace::Recording::kSteps);
    within = given;
    if (!judged) {
      failure_ = judged.error();
      return std::nullopt;
    }
    witness.judged = std::move(judged.value());
    witness.size = size_of(prepared, plan, witness.judged);
    return witness;
  }

  // What takes longer than this costs more than what there is. A fault that is never come to keeps
  // a world from draining, and most runs would be of that kind.
  [[nodiscard]] engine::Duration time_worth(const SmallWorld& world, const FaultPlan& plan) const {
    const Scenario& scenario = world.prepared.scenario;
    if (may_stall_ || scenario.stop.when != Stop::When::kDrained) {
      return engine::Duration::max();
    }
    const auto batches = current_.size.cost() - size_of(world.prepared, plan).cost();
    return std::max<std::int64_t>(batches, 1) * scenario.pipeline.batch_interval;
  }

  [[nodiscard]] bool shows(const JudgedRun& judged) const {
    return count_of(judged.verdict, request_.finding) > 0 &&
           (may_stall_ || !judged.verdict.stalled) && !judged.run.interrupted;
  }

  std::optional<Witness> judge_and_show(const SmallWorld& world, const FaultPlan& plan) {
    auto witness = judge(world, plan, time_worth(world, plan));
    return witness && shows(witness->judged) ? std::move(witness) : std::nullopt;
  }

  // --- Places ------------------------------------------------------------------------------------

  // Places for the faults `varied` (indices into the plan, ascending) so that the finding shows.
  // The others stay where they are, and so do the first `depth` of these, which have their places.
  std::optional<Witness> place(const SmallWorld& world,
                               FaultPlan& plan,
                               const std::vector<std::size_t>& varied,
                               std::size_t depth) {
    const auto open = varied.size() - depth;
    FaultPlan placed;
    for (std::size_t n = 0; n < plan.size(); ++n) {
      const bool is_open =
          std::find(varied.begin() + static_cast<std::ptrdiff_t>(depth), varied.end(), n) !=
          varied.end();
      if (!is_open) {
        placed.push_back(plan[n]);
      }
    }
    const auto prefix = judge(world, placed);
    if (!prefix || (placed.empty() && shows(prefix->judged))) {
      return std::nullopt;
    }
    std::vector<Anchor> anchors = anchors_of(prefix->judged);
    sort_by_likeness(anchors, moments_[varied[depth]]);
    const auto width = static_cast<std::size_t>(
        std::pow(kRunsPerWorldMax, 1.0 / static_cast<double>(varied.size())));
    anchors.resize(std::min(anchors.size(), std::max<std::size_t>(width, 1)));
    for (const Anchor& anchor : anchors) {
      set_trigger(plan[varied[depth]], anchor.at);
      auto witness =
          open == 1 ? judge_and_show(world, plan) : place(world, plan, varied, depth + 1);
      if (witness || is_spent()) {
        return witness;
      }
    }
    return std::nullopt;
  }

  // The plan in a smaller world: as it is, else with its faults where they show the finding again.
  std::optional<Witness> attempt(const SmallWorld& world, FaultPlan plan) {
    const auto clean = judge(world, {});
    if (!clean || shows(clean->judged) != plan.empty()) {
      return std::nullopt;
    }
    if (plan.empty()) {
      return clean;
    }
    if (allows(world, plan)) {
      auto witness = judge_and_show(world, plan);
      if (witness) {
        return witness;
      }
    }
    for (faults::Fault& fault : plan) {
      set_trigger(fault, faults::AtTime{});
    }
    if (!allows(world, plan)) {
      return std::nullopt;
    }
    std::vector<std::size_t> all(plan.size());
    for (std::size_t n = 0; n < plan.size(); ++n) {
      all[n] = n;
    }
    return place(world, plan, all, 0);
  }

  void remember_moments() {
    moments_.clear();
    const std::vector<Anchor> anchors = anchors_of(current_.judged);
    for (std::size_t n = 0; n < current_.plan.size(); ++n) {
      moments_.push_back(moment_of(current_.judged, anchors, current_.plan, n));
    }
  }

  bool accept_if_smaller(std::optional<Witness> witness) {
    if (!witness || witness->size.cost() >= current_.size.cost()) {
      return false;
    }
    current_ = std::move(*witness);
    return true;
  }

  // --- Faults ------------------------------------------------------------------------------------

  // Delta debugging: chunks of the plan are left out, of half of it first, of one fault last, until
  // no single fault can be left out.
  void reduce_faults() {
    if (accept_if_smaller(judge_and_show(current_.world, {}))) {
      return;
    }
    std::size_t chunk = (current_.plan.size() + 1) / 2;
    while (chunk > 0 && current_.plan.size() > 1) {
      const bool reduced = leave_out_a_chunk(chunk);
      if (!reduced && chunk == 1) {
        return;
      }
      chunk = reduced ? std::min(chunk, current_.plan.size()) : (chunk + 1) / 2;
    }
  }

  bool leave_out_a_chunk(std::size_t chunk) {
    for (std::size_t from = 0; from < current_.plan.size(); from += chunk) {
      const std::size_t until = std::min(from + chunk, current_.plan.size());
      const FaultPlan rest = without(current_.plan, from, until);
      if (!rest.empty() && accept_if_smaller(judge_and_show(current_.world, rest))) {
        return true;
      }
    }
    return false;
  }

  bool make_faults_plainer() {
    bool changed = false;
    for (std::size_t n = 0; n < current_.plan.size(); ++n) {
      while (make_plainer(n)) {
        changed = true;
      }
    }
    return changed;
  }

  bool make_plainer(std::size_t n) {
    remember_moments();
    for (const faults::Fault& fault : plainer_faults(current_.plan[n])) {
      FaultPlan plan = current_.plan;
      plan[n] = fault;
      const bool is_plainer =
          size_of(current_.world.prepared, plan).cost() + current_.size.batches <
          current_.size.cost();
      if (!is_plainer || !allows(current_.world, plan)) {
        continue;
      }
      if (accept_if_smaller(judge_and_show(current_.world, plan)) ||
          accept_if_smaller(place(current_.world, plan, {n}, 0))) {
        return true;
      }
    }
    return false;
  }

  // Of all places of a fault, one after which the run is over soonest.
  bool strike_as_early_as_possible() {
    bool changed = false;
    for (std::size_t n = 0; n < current_.plan.size(); ++n) {
      const auto rest = judge(current_.world, without(current_.plan, n, n + 1));
      const std::vector<Anchor> anchors = rest ? anchors_of(rest->judged) : std::vector<Anchor>();
      const std::size_t count =
          std::min(anchors.size(), static_cast<std::size_t>(kRunsPerWorldMax));
      for (std::size_t i = 0; i < count && !is_spent(); ++i) {
        FaultPlan plan = current_.plan;
        set_trigger(plan[n], anchors[i].at);
        changed = accept_if_smaller(judge_and_show(current_.world, plan)) || changed;
      }
    }
    return changed;
  }

  // --- The world ---------------------------------------------------------------------------------

  void reduce_world() {
    bool changed = true;
    while (changed && !is_spent()) {
      changed = false;
      while (reduce_world_once()) {
        changed = true;
      }
      const bool plainer = make_faults_plainer();
      const bool earlier = strike_as_early_as_possible();
      changed = changed || plainer || earlier;
      name_places();
    }
  }

  // From another beginning: a detail of a fault that is not needed in a large world may be what a
  // small one needs.
  void reduce_world_of(Witness beginning) {
    Witness smallest = std::exchange(current_, std::move(beginning));
    reduce_world();
    if (smallest.size.cost() <= current_.size.cost()) {
      current_ = std::move(smallest);
    }
  }

  bool reduce_world_once() {
    remember_moments();
    for (YamlNode& document : smaller_documents(current_.world)) {
      const auto world = load_world(std::move(document), request_.path);
      if (!world) {
        continue;
      }
      const std::int64_t least = size_of(world->prepared, current_.plan).cost();
      if (least < current_.size.cost() && accept_if_smaller(attempt(*world, current_.plan))) {
        return true;
      }
    }
    return false;
  }

  // --- Names -------------------------------------------------------------------------------------

  // Where a named point coincides, it is the place: a number says nothing to a reader, and is
  // another in another world.
  void name_places() {
    for (std::size_t n = 0; n < current_.plan.size(); ++n) {
      const auto* const at = std::get_if<faults::AtStep>(&faults::trigger_of(current_.plan[n]));
      const auto rest =
          at == nullptr ? std::nullopt : judge(current_.world, without(current_.plan, n, n + 1));
      if (!rest) {
        continue;
      }
      const engine::Duration interval = current_.world.prepared.scenario.pipeline.batch_interval;
      for (const faults::AtPoint& point : points_beside(rest->judged, *at, interval)) {
        FaultPlan plan = current_.plan;
        set_trigger(plan[n], point);
        auto witness = judge_and_show(current_.world, plan);
        if (witness && witness->size.cost() <= current_.size.cost() &&
            allows(current_.world, plan)) {
          current_ = std::move(*witness);
          break;
        }
      }
    }
  }

  Runner& runner_;
  const ShrinkRequest& request_;
  bool may_stall_ = true;
  Witness current_;
  std::vector<std::optional<Moment>> moments_;  // of the faults of current_
  std::int64_t runs_ = 0;
  std::optional<Runner::Failure> failure_;
};

YamlNode expectation_of(const reports::Verdict& verdict, const std::string& finding) {
  if (finding == "stalled") {
    return make_mapping({{"stalled", make_scalar("true")}});
  }
  const auto blank = finding.find(' ');
  const std::string stage = blank == std::string::npos ? "output" : finding.substr(0, blank);
  const std::string kind = blank == std::string::npos ? finding : finding.substr(blank + 1);
  YamlNode expect = make_mapping({});
  set_value(expect, {stage, kind}, make_scalar(fmt::format("{}", count_of(verdict, finding))));
  if (verdict.stalled) {
    set_value(expect, {"stalled"}, make_scalar("true"));
  }
  return expect;
}

}  // namespace

Runner::Outcome<Shrunk> shrink(Runner& runner, const ShrinkRequest& request) {
  return Shrinker(runner, request).shrink();
}

YamlNode scenario_of(const Witness& witness,
                     const std::string& name,
                     const std::string& finding,
                     const std::string& original_name) {
  YamlNode document = witness.world.document;
  set_value(document, {"scenario"}, make_scalar(name));
  set_value(
      document,
      {"description"},
      make_scalar(fmt::format("The least of {} that still shows: {}.", original_name, finding)));
  set_value(document, {"faults"}, to_yaml(witness.plan));
  set_value(document, {"expect"}, expectation_of(witness.judged.verdict, finding));
  return document;
}

}  // namespace scenarios
