#include "scenarios/explored_promises.h"

#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "scenarios/expectation.h"
#include "scenarios/fault_text.h"
#include "scenarios/findings.h"

namespace scenarios {
namespace {

// A bound that `explore:` sets: what no schedule may fall below, in one stage.
struct Promise {
  std::string_view name;
  std::string_view key;    // of `explore:`
  std::string_view stage;  // in front of a finding: "", "received ", "processed "
  reports::Guarantee guarantee;
};

std::vector<Promise> promises_of(const Scenario& scenario) {
  std::vector<Promise> promises;
  if (!scenario.explore) {
    return promises;
  }
  const auto add = [&promises](std::string_view name,
                               std::string_view key,
                               std::string_view stage,
                               const std::optional<reports::Guarantee>& guarantee) {
    if (guarantee) {
      promises.push_back({.name = name, .key = key, .stage = stage, .guarantee = *guarantee});
    }
  };
  add("always", "always", "", scenario.explore->always);
  add("always received", "received", "received ", scenario.explore->received);
  add("always processed", "processed", "processed ", scenario.explore->processed);
  return promises;
}

std::string name_last(const faults::FaultPlan& plan) {
  return plan.empty() ? "no crash at all" : to_string(plan.back());
}

bool forbids(const Promise& promise, std::string_view finding) {
  const bool of_another_stage = promise.stage.empty() ? finding.find(' ') != std::string_view::npos
                                                      : !finding.starts_with(promise.stage);
  if (of_another_stage) {
    return false;
  }
  const std::string_view kind = finding.substr(promise.stage.size());
  const reports::Guarantee promised = promise.guarantee;
  if (kind == "lost") {
    return promised == reports::Guarantee::kAtLeastOnce ||
           promised == reports::Guarantee::kExactlyOnce;
  }
  if (kind == "duplicated") {
    return promised == reports::Guarantee::kAtMostOnce ||
           promised == reports::Guarantee::kExactlyOnce;
  }
  return promised != reports::Guarantee::kNone && kind != "reordered";
}

// An expectation of none of it, so that the sentence names the records as any other does.
Expectation none_of(const Promise& promise, const std::string& finding) {
  Expectation expect;
  const std::string kind = finding.substr(promise.stage.size());
  const CountExpectations none{{kind, Comparison{}}};
  if (promise.stage == "received ") {
    expect.received = none;
  } else if (promise.stage == "processed ") {
    expect.processed = none;
  } else if (kind != "stalled") {
    expect.output = none;
  }
  return expect;
}

}  // namespace

std::vector<Mismatch> check(const Scenario& scenario, const Exploration& exploration) {
  // What the file expects of a run, it expects of the one without the additional crash.
  std::vector<Mismatch> mismatches =
      check(scenario, exploration.baseline.verdict, exploration.baseline.run.ledger);
  if (!scenario.explore) {
    return mismatches;
  }
  for (const Promise& promise : promises_of(scenario)) {
    for (const auto& [kind, finding] : exploration.findings) {
      if (forbids(promise, kind)) {
        mismatches.push_back({.sentence = fmt::format("{}: expected {}, but {} {} with {} ({})",
                                                      promise.name,
                                                      reports::to_string(promise.guarantee),
                                                      finding.count,
                                                      kind,
                                                      name_last(finding.plan),
                                                      finding.token),
                              .key = {"explore", std::string(promise.key)},
                              .token = finding.token});
      }
    }
  }
  for (const std::string& kind : scenario.explore->sometimes) {
    if (!exploration.cut_short && !exploration.findings.contains(kind)) {
      mismatches.push_back(
          {.sentence = fmt::format("sometimes: expected a schedule with {} > 0, none of {} has one",
                                   kind,
                                   exploration.schedules),
           .key = {"explore", "sometimes"}});
    }
  }
  return mismatches;
}

std::vector<Mismatch> check_always(const Scenario& scenario, const JudgedRun& judged) {
  std::vector<Mismatch> mismatches;
  for (const Promise& promise : promises_of(scenario)) {
    for (const auto& [finding, count] : shown_by(judged.verdict)) {
      if (!forbids(promise, finding)) {
        continue;
      }
      Scenario strict = scenario;
      strict.expect = none_of(promise, finding);
      for (const Mismatch& mismatch : check(strict, judged.verdict, judged.run.ledger)) {
        mismatches.push_back({.sentence = fmt::format("{} {}: {}",
                                                      promise.name,
                                                      reports::to_string(promise.guarantee),
                                                      mismatch.sentence),
                              .key = {"explore", std::string(promise.key)}});
      }
    }
  }
  return mismatches;
}

}  // namespace scenarios
