#include "scenarios/expectation.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "engine/ports/invariant.h"
#include "engine/ports/points.h"
#include "reports/metrics.h"

namespace scenarios {
namespace {

constexpr std::array<std::string_view, 2> kStageCounts{"lost", "duplicated"};
constexpr std::array<std::string_view, 5> kOutputCounts{
    "lost", "duplicated", "phantom", "reordered", "wrong"};
constexpr std::array<std::string_view, 6> kFindings{
    "lost", "duplicated", "phantom", "reordered", "wrong", "stalled"};

using Counts = std::map<std::string, std::int64_t>;

Counts counts_of(const reports::StageVerdict& stage) {
  return {{"lost", stage.lost}, {"duplicated", stage.duplicated}};
}

Counts output_counts(const reports::Verdict& verdict) {
  Counts counts = counts_of(verdict.output);
  counts["phantom"] = verdict.phantom;
  counts["reordered"] = verdict.reordered;
  counts["wrong"] = verdict.wrong;
  return counts;
}

std::string describe_record(engine::RecordId id, const reports::Ledger& ledger) {
  const auto found = std::ranges::find(ledger.inputs, id, &reports::InputRecord::id);
  if (found == ledger.inputs.end()) {
    return fmt::format("{}", id.value);
  }
  return fmt::format("{} (partition {}, offset {}, key {})",
                     id.value,
                     found->position.partition,
                     found->position.offset.value,
                     found->key);
}

std::string describe_records(std::string_view what,
                             const std::vector<engine::RecordId>& ids,
                             const reports::Ledger& ledger) {
  if (ids.empty()) {
    return {};
  }
  std::vector<std::string> records;
  records.reserve(ids.size());
  for (const engine::RecordId id : ids) {
    records.push_back(describe_record(id, ledger));
  }
  const bool there_may_be_more = ids.size() == reports::kExamplesMax;
  return fmt::format(
      "; {}: {}{}", what, fmt::join(records, ", "), there_may_be_more ? ", ..." : "");
}

// Which records of the output a count is about; the judge keeps examples of some kinds only.
std::string evidence(std::string_view count,
                     const reports::Verdict& verdict,
                     const reports::Ledger& ledger) {
  if (count == "lost") {
    return describe_records("lost records", verdict.lost_examples, ledger);
  }
  if (count == "duplicated") {
    return describe_records("duplicated records", verdict.duplicate_examples, ledger);
  }
  if (count == "wrong" && !verdict.wrong_examples.empty()) {
    return fmt::format("; wrong keys: {}", fmt::join(verdict.wrong_examples, ", "));
  }
  return {};
}

std::string all_evidence(const reports::Verdict& verdict, const reports::Ledger& ledger) {
  std::string text;
  for (const std::string_view count : kOutputCounts) {
    text += evidence(count, verdict, ledger);
  }
  return text;
}

std::string describe_counts(const Counts& counts) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : counts) {
    const bool always = name == "lost" || name == "duplicated";
    if (always || value != 0) {
      parts.push_back(fmt::format("{} {}", name, value));
    }
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

struct Stage {
  std::string_view name;
  Counts counts;
  reports::Guarantee found = reports::Guarantee::kNone;
  bool has_evidence = false;  // the verdict's examples are of the output
};

class Checker {
 public:
  Checker(const reports::Verdict& verdict, const reports::Ledger& ledger)
      : verdict_(verdict), ledger_(ledger) {}

  void check_stage(const Stage& stage, const std::optional<StageExpectation>& expected) {
    if (!expected) {
      return;
    }
    if (const auto* const guarantee = std::get_if<reports::Guarantee>(&*expected)) {
      check_guarantee(stage, *guarantee);
      return;
    }
    check_counts(stage, std::get<CountExpectations>(*expected));
  }

  void check_stalled(bool expected) {
    if (verdict_.stalled == expected) {
      return;
    }
    add(verdict_.stalled ? "expected the run to drain, found it stalled: work was left when its "
                           "virtual time ran out"
                         : "expected the run to stall, found it drained",
        {"expect", "stalled"});
  }

  void check_points(const CountExpectations& expected) {
    for (const auto& [name, comparison] : expected) {
      const auto point = engine::find_point(name);
      INVARIANT(point.has_value(), "the loader let the unknown point {} pass", name);
      const auto actual = std::ranges::count_if(ledger_.events, [&](const reports::Event& event) {
        return event.kind == reports::EventKind::kPoint && event.point == *point;
      });
      if (!comparison.holds(actual)) {
        add(fmt::format("point {}: expected to be reached {} times, found {}",
                        name,
                        comparison.to_string(),
                        actual),
            {"expect", "points", name});
      }
    }
  }

  void check_metrics(const CountExpectations& expected) {
    for (const auto& [name, comparison] : expected) {
      const auto known = reports::all_metrics();
      const auto found = std::ranges::find(known, name, &reports::NamedMetric::name);
      INVARIANT(found != known.end(), "the loader let the unknown metric {} pass", name);
      const std::int64_t actual = found->value(ledger_.metrics);
      if (!comparison.holds(actual)) {
        add(fmt::format("metric {}: expected {}, found {}", name, comparison.to_string(), actual),
            {"expect", "metrics", name});
      }
    }
  }

  void check_faults() {
    for (std::size_t i = 0; i < ledger_.faults.size(); ++i) {
      const reports::FaultRecord& fault = ledger_.faults[i];
      if (!fault.fired_at) {
        add(fmt::format("fault {}: expected {} of {} at {} (occurrence {}), found that it never "
                        "happened: the run did not come to that place, or "
                        "what it was to hit was dead already",
                        i + 1,
                        fault.kind,
                        fault.target,
                        fault.point,
                        fault.occurrence),
            {"faults", std::to_string(i)});
      }
    }
  }

  [[nodiscard]] std::vector<Mismatch> take() { return std::move(mismatches_); }

 private:
  void check_guarantee(const Stage& stage, reports::Guarantee expected) {
    if (stage.found == expected) {
      return;
    }
    add(fmt::format("{}: expected {}, found {} ({}){}",
                    stage.name,
                    reports::to_string(expected),
                    reports::to_string(stage.found),
                    describe_counts(stage.counts),
                    stage.has_evidence ? all_evidence(verdict_, ledger_) : std::string()),
        {"expect", std::string(stage.name)});
  }

  void check_counts(const Stage& stage, const CountExpectations& expected) {
    for (const auto& [name, comparison] : expected) {
      const auto found = stage.counts.find(name);
      INVARIANT(found != stage.counts.end(), "the loader let the unknown count {} pass", name);
      if (!comparison.holds(found->second)) {
        add(fmt::format("{}: expected {} {}, found {}{}",
                        stage.name,
                        name,
                        comparison.to_string(),
                        found->second,
                        stage.has_evidence ? evidence(name, verdict_, ledger_) : std::string()),
            {"expect", std::string(stage.name), name});
      }
    }
  }

  const reports::Verdict& verdict_;
  const reports::Ledger& ledger_;

  void add(std::string sentence, std::vector<std::string> key) {
    mismatches_.push_back({.sentence = std::move(sentence), .key = std::move(key)});
  }

  std::vector<Mismatch> mismatches_;
};

// In the judge's order of severity and not the map's.
std::string counts_text(const CountExpectations& counts) {
  std::vector<std::string> parts;
  for (const std::string_view name : kOutputCounts) {
    const auto found = counts.find(std::string(name));
    if (found != counts.end()) {
      parts.push_back(fmt::format("{} {}", name, found->second.to_string()));
    }
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string stage_text(const StageExpectation& expected) {
  if (const auto* const guarantee = std::get_if<reports::Guarantee>(&expected)) {
    return std::string(reports::to_string(*guarantee));
  }
  return counts_text(std::get<CountExpectations>(expected));
}

}  // namespace

std::vector<std::string> sentences_of(const std::vector<Mismatch>& mismatches) {
  std::vector<std::string> sentences;
  std::ranges::transform(mismatches, std::back_inserter(sentences), &Mismatch::sentence);
  return sentences;
}

std::vector<Mismatch> check(const Scenario& scenario,
                            const reports::Verdict& verdict,
                            const reports::Ledger& ledger) {
  const Expectation& expect = scenario.expect;
  Checker checker(verdict, ledger);
  checker.check_stage({.name = "received",
                       .counts = counts_of(verdict.received),
                       .found = verdict.received.guarantee()},
                      expect.received);
  checker.check_stage({.name = "processed",
                       .counts = counts_of(verdict.processed),
                       .found = verdict.processed.guarantee()},
                      expect.processed);
  checker.check_stage({.name = "output",
                       .counts = output_counts(verdict),
                       .found = verdict.guarantee(),
                       .has_evidence = true},
                      expect.output);
  checker.check_stalled(expect.stalled);
  checker.check_points(expect.points);
  checker.check_metrics(expect.metrics);
  checker.check_faults();
  return checker.take();
}

std::string expected_text(const Scenario& scenario) {
  const Expectation& expect = scenario.expect;
  std::vector<std::string> parts;
  if (scenario.explore && scenario.explore->always) {
    parts.push_back(fmt::format("always {}", reports::to_string(*scenario.explore->always)));
  }
  if (scenario.explore && scenario.explore->received) {
    parts.push_back(
        fmt::format("always received {}", reports::to_string(*scenario.explore->received)));
  }
  if (scenario.explore && scenario.explore->processed) {
    parts.push_back(
        fmt::format("always processed {}", reports::to_string(*scenario.explore->processed)));
  }
  if (scenario.explore && !scenario.explore->sometimes.empty()) {
    parts.push_back(fmt::format("sometimes {}", fmt::join(scenario.explore->sometimes, ", ")));
  }
  if (expect.output) {
    parts.push_back(stage_text(*expect.output));
  }
  if (expect.received) {
    parts.push_back(fmt::format("received {}", stage_text(*expect.received)));
  }
  if (expect.processed) {
    parts.push_back(fmt::format("processed {}", stage_text(*expect.processed)));
  }
  if (expect.stalled) {
    parts.emplace_back("stalled");
  }
  return parts.empty() ? "-" : fmt::format("{}", fmt::join(parts, "; "));
}

std::span<const std::string_view> stage_count_names() {
  return kStageCounts;
}

std::span<const std::string_view> output_count_names() {
  return kOutputCounts;
}

std::span<const std::string_view> metric_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    all.reserve(reports::all_metrics().size());
    for (const reports::NamedMetric& metric : reports::all_metrics()) {
      all.push_back(metric.name);
    }
    return all;
  }();
  return names;
}

std::span<const std::string_view> finding_names() {
  return kFindings;
}

}  // namespace scenarios
