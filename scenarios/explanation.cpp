#include "scenarios/explanation.h"

#include <algorithm>
#include <utility>

#include "engine/ports/invariant.h"
#include "scenarios/explorer.h"

namespace scenarios {
namespace {

// Where rows are as good, and come faster.
PreparedScenario with_rows_in_memory(PreparedScenario prepared) {
  prepared.scenario.store = StoreKind::kMemory;
  return prepared;
}

// The others end as the run without them does, or as another one of the same boundary.
bool differs(const faults::NextCrash& next) {
  return next.pruning == faults::Pruning::kNone || next.pruning == faults::Pruning::kSameBlackOut;
}

}  // namespace

Explanation::Explanation(Runner& runner,
                         PreparedScenario prepared,
                         std::uint64_t seed,
                         faults::FaultPlan plan,
                         std::vector<reports::Anomaly> anomalies,
                         std::int64_t budget)
    : runner_(runner),
      prepared_(with_rows_in_memory(std::move(prepared))),
      targets_(faults::targets_of(prepared_.scenario.cluster.executors,
                                  prepared_.scenario.receiver_count())),
      seed_(seed),
      plan_(std::move(plan)),
      anomalies_(std::move(anomalies)),
      budget_(budget) {}

// From the end of the run backwards, one stretch after the other, until something prevents it.
Runner::Outcome<DecisiveStep> Explanation::decisive_step(std::size_t n) {
  const auto begun = begin();
  if (!begun) {
    return begun.error();
  }
  DecisiveStep decisive;
  for (std::size_t faults = order_.size() + 1; faults-- > 0;) {
    const bool is_last = faults == order_.size();
    const auto behind = stretch(faults);
    if (!behind) {
      return behind.error();
    }
    const bool anyway = known_.at((*behind)->plan).at(n);
    if (!anyway && is_last) {
      return Runner::Failure{
          "what is to be explained does not happen without those faults of the plan that never "
          "struck"};
    }
    const auto search = anyway ? last_escape(**behind, n) : Runner::Outcome<Search>(Search{});
    if (!search) {
      return search.error();
    }
    if (search->escape) {
      DecisiveStep step = at_step(**behind, *search->escape);
      decisive.prevented_by = step.prevented_by;
      if (is_last || step.step->when < struck_at_[faults]) {
        step.tried = decisive.tried + search->tried + 1;
        step.of = decisive.of + search->of + 1;
        return step;
      }
    }
    if (!anyway || search->escape) {
      decisive.kind = DecisiveStep::Kind::kFault;
      decisive.fault = order_[faults];
      return decisive;
    }
    decisive.tried += search->tried + 1;
    decisive.of += search->of + 1;
  }
  return decisive;
}

// In what order the faults struck; what never struck is not there.
Runner::Outcome<bool> Explanation::begin() {
  if (is_begun_) {
    return true;
  }
  const auto judged = runner_.run(prepared_, seed_, plan_);
  if (!judged) {
    return judged.error();
  }
  const std::vector<reports::FaultRecord>& faults = judged->run.ledger.faults;
  for (std::size_t n = 0; n < faults.size(); ++n) {
    if (faults[n].fired_at) {
      order_.push_back(n);
    }
  }
  std::ranges::stable_sort(order_, {}, [&](std::size_t n) { return *faults[n].fired_at; });
  for (const std::size_t n : order_) {
    struck_at_.push_back(*faults[n].fired_at);
  }
  is_begun_ = true;
  return true;
}

Runner::Outcome<Explanation::Stretch*> Explanation::stretch(std::size_t faults) {
  const auto [entry, is_new] = stretches_.try_emplace(faults);
  Stretch& stretch = entry->second;
  if (!is_new) {
    return &stretch;
  }
  for (std::size_t i = 0; i < faults; ++i) {
    stretch.plan.push_back(plan_[order_[i]]);
  }
  auto judged = runner_.run(prepared_,
                            seed_,
                            stretch.plan,
                            sim::Trace::Recording::kSteps,
                            {.targets = targets_, .is_known = {}});
  if (!judged) {
    stretches_.erase(entry);
    return judged.error();
  }
  stretch.judged = std::move(*judged);
  known_.emplace(stretch.plan, shown_in(stretch.judged.run.ledger));
  const faults::CountedRun& counted = stretch.judged.run.counted;
  stretch.crashes = next_crashes(prepared_.scenario, counted, targets_);
  for (std::size_t i = 0; i < stretch.crashes.size(); ++i) {
    const faults::NextCrash& next = stretch.crashes[i];
    const bool is_behind =
        faults == 0 || counted.boundaries[next.boundary].at > struck_at_[faults - 1];
    if (is_behind && differs(next)) {
      stretch.ahead.push_back(i);
    }
  }
  return &stretch;
}

// From the last crash to the first, at equal distances if there are too many; and when one of them
// prevents the anomaly, those that were left out behind it.
Runner::Outcome<Explanation::Search> Explanation::last_escape(const Stretch& stretch,
                                                              std::size_t n) {
  const std::size_t count = stretch.ahead.size();
  const auto share =
      std::max<std::size_t>(1, static_cast<std::size_t>(budget_) / (order_.size() + 1));
  const std::size_t stride = std::max<std::size_t>(1, (count + share - 1) / share);
  std::vector<std::size_t> order;
  for (std::size_t end = count; end > 0; end -= std::min(end, stride)) {
    order.push_back(end - 1);
  }
  Search search;
  std::vector<std::size_t> tried;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto prevented = prevents(stretch, order[i], n);
    if (!prevented) {
      return prevented.error();
    }
    if (!*prevented) {
      tried.push_back(order[i]);
      continue;
    }
    // What was left out between this one and the one that was tried before it.
    const bool refines = !search.escape && stride > 1;
    search.escape = order[i];
    order.resize(i + 1);
    for (std::size_t ahead = std::min(count, order[i] + stride); refines && --ahead > order[i];) {
      order.push_back(ahead);
    }
  }
  const auto boundary_of = [&](std::size_t ahead) {
    return stretch.crashes[stretch.ahead[ahead]].boundary;
  };
  const auto is_behind = [&](std::size_t ahead) {
    return !search.escape || boundary_of(ahead) > boundary_of(*search.escape);
  };
  search.tried = std::ranges::count_if(tried, is_behind);
  for (std::size_t ahead = 0; ahead < count; ++ahead) {
    search.of += is_behind(ahead) ? 1 : 0;
  }
  return search;
}

// A crash that leaves what an earlier one leaves ends as that one does.
Runner::Outcome<bool> Explanation::prevents(const Stretch& stretch,
                                            std::size_t ahead,
                                            std::size_t n) {
  const faults::NextCrash& next = stretch.crashes[stretch.ahead[ahead]];
  const bool is_same = next.pruning == faults::Pruning::kSameBlackOut;
  const faults::NextCrash& run = is_same ? stretch.crashes[next.same_as] : next;
  const auto shown = shows(faults::with(stretch.plan, run.crash), n);
  return shown ? Runner::Outcome<bool>(!*shown) : shown;
}

Runner::Outcome<bool> Explanation::shows(const faults::FaultPlan& plan, std::size_t n) {
  const auto known = known_.find(plan);
  if (known != known_.end()) {
    return known->second[n];
  }
  const auto judged = runner_.run(prepared_, seed_, plan, sim::Trace::Recording::kNothing);
  if (!judged) {
    return judged.error();
  }
  const std::vector<bool> shown = shown_in(judged->run.ledger);
  known_.emplace(plan, shown);
  return shown[n];
}

// The boundary behind the last crash that prevents the anomaly: a crash there comes too late.
DecisiveStep Explanation::at_step(const Stretch& stretch, std::size_t ahead) {
  const faults::NextCrash& last = stretch.crashes[stretch.ahead[ahead]];
  const auto& boundaries = stretch.judged.run.counted.boundaries;
  const faults::Boundary& boundary = boundaries[std::min(last.boundary + 1, boundaries.size() - 1)];
  const faults::AtStep at{.process = boundary.process, .step = boundary.step};
  const std::vector<Anchor> anchors = anchors_of(stretch.judged);
  const auto anchor = std::ranges::find(anchors, at, &Anchor::at);
  INVARIANT(anchor != anchors.end(), "every boundary is a step");
  DecisiveStep found;
  found.kind = DecisiveStep::Kind::kStep;
  found.step = *anchor;
  found.prevented_by = last.crash;
  return found;
}

std::vector<bool> Explanation::shown_in(const reports::Ledger& ledger) const {
  std::vector<bool> shown;
  shown.reserve(anomalies_.size());
  for (const reports::Anomaly& anomaly : anomalies_) {
    shown.push_back(reports::shows(ledger, anomaly));
  }
  return shown;
}

}  // namespace scenarios
