#include "scenarios/expectation_reader.h"

#include <array>

#include "engine/ports/points.h"
#include "scenarios/expectation.h"
#include "scenarios/trigger_reader.h"

namespace scenarios {
namespace {

constexpr std::array kGuarantees{
    Choice<reports::Guarantee>{"exactly-once", reports::Guarantee::kExactlyOnce},
    Choice<reports::Guarantee>{"at-least-once", reports::Guarantee::kAtLeastOnce},
    Choice<reports::Guarantee>{"at-most-once", reports::Guarantee::kAtMostOnce},
    Choice<reports::Guarantee>{"none", reports::Guarantee::kNone},
};

reports::Guarantee read_guarantee(const Field& field) {
  return read_choice<reports::Guarantee>(field, kGuarantees);
}

CountExpectations read_counts(const Field& field,
                              std::string_view mapping,
                              std::span<const std::string_view> known) {
  require_mapping(field);
  CountExpectations counts;
  const auto& items = field.node.items;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    const YamlNode& key = items[i];
    if (std::ranges::find(known, key.text) == known.end()) {
      refuse_unknown_key(key, mapping, known);
    }
    const std::string name = fmt::format("{}.{}", mapping, key.text);
    counts[key.text] = read_comparison({.name = name, .node = items[i + 1]});
  }
  return counts;
}

StageExpectation read_stage(const Field& field, std::span<const std::string_view> known) {
  if (field.node.kind == YamlNode::Kind::kMapping) {
    return read_counts(field, field.name, known);
  }
  return read_guarantee(field);
}

std::vector<std::string_view> point_names() {
  std::vector<std::string_view> names;
  for (const engine::PointInfo& point : engine::all_points()) {
    names.push_back(point.name);
  }
  return names;
}

constexpr std::array kExpectKeys{
    Key<Expectation>{"received",
                     [](const Field& field, Expectation& expect) {
                       expect.received = read_stage(field, stage_count_names());
                     }},
    Key<Expectation>{"processed",
                     [](const Field& field, Expectation& expect) {
                       expect.processed = read_stage(field, stage_count_names());
                     }},
    Key<Expectation>{"output",
                     [](const Field& field, Expectation& expect) {
                       expect.output = read_stage(field, output_count_names());
                     }},
    Key<Expectation>{
        "guarantee",
        [](const Field& field, Expectation& expect) { expect.output = read_guarantee(field); }},
    Key<Expectation>{
        "stalled",
        [](const Field& field, Expectation& expect) { expect.stalled = read_bool(field); }},
    Key<Expectation>{"points",
                     [](const Field& field, Expectation& expect) {
                       expect.points = read_counts(field, field.name, point_names());
                     }},
    Key<Expectation>{"metrics",
                     [](const Field& field, Expectation& expect) {
                       expect.metrics = read_counts(field, field.name, metric_names());
                     }},
};
constexpr Mapping<Expectation> kExpect{"expect", kExpectKeys, {}};

std::vector<std::string> read_findings(const Field& field) {
  if (field.node.kind != YamlNode::Kind::kSequence) {
    refuse_type(field, "a list such as [ lost, duplicated ]");
  }
  std::vector<std::string> findings;
  for (const YamlNode& item : field.node.items) {
    const Field finding{.name = field.name, .node = item};
    const std::string& word = read_word(finding, "the name of a finding");
    const auto known = finding_names();
    if (std::ranges::find(known, word) == known.end()) {
      refuse_word(finding, known, {});
    }
    findings.push_back(word);
  }
  return findings;
}

std::vector<faults::Target> read_targets(const Field& field) {
  if (field.node.kind != YamlNode::Kind::kSequence || field.node.items.empty()) {
    refuse_type(field, "a list such as [ driver, executor:1 ]");
  }
  std::vector<faults::Target> targets;
  targets.reserve(field.node.items.size());
  for (const YamlNode& item : field.node.items) {
    targets.push_back(read_target({.name = field.name, .node = item}));
  }
  return targets;
}

constexpr std::array kExploreKeys{
    Key<Explore>{
        "depth",
        [](const Field& field, Explore& explore) { explore.depth = read_int32(field, 1, 3); }},
    Key<Explore>{"crash",
                 [](const Field& field, Explore& explore) { explore.crash = read_targets(field); }},
    Key<Explore>{
        "always",
        [](const Field& field, Explore& explore) { explore.always = read_guarantee(field); }},
    Key<Explore>{
        "received",
        [](const Field& field, Explore& explore) { explore.received = read_guarantee(field); }},
    Key<Explore>{
        "processed",
        [](const Field& field, Explore& explore) { explore.processed = read_guarantee(field); }},
    Key<Explore>{
        "sometimes",
        [](const Field& field, Explore& explore) { explore.sometimes = read_findings(field); }},
};
constexpr Mapping<Explore> kExplore{"explore", kExploreKeys, {}};

}  // namespace

void read_expect(const Field& field, Scenario& scenario) {
  read_mapping(field, kExpect, scenario.expect);
  const YamlNode* const guarantee = field.node.find("guarantee");
  if (guarantee != nullptr && field.node.find("output") != nullptr) {
    refuse(*guarantee, "guarantee is short for output; give only one of them");
  }
}

void read_explore(const Field& field, Scenario& scenario) {
  scenario.explore.emplace();
  read_mapping(field, kExplore, *scenario.explore);
}

void append_expectation_mappings(std::vector<KnownMapping>& known) {
  const auto stage = stage_count_names();
  const auto output = output_count_names();
  const auto metrics = metric_names();
  known.push_back(known_mapping(kExpect));
  known.push_back({.name = "stage_counts", .keys = {stage.begin(), stage.end()}});
  known.push_back({.name = "output_counts", .keys = {output.begin(), output.end()}});
  known.push_back({.name = "points", .keys = point_names()});
  known.push_back({.name = "metrics", .keys = {metrics.begin(), metrics.end()}});
  known.push_back(known_mapping(kExplore));
}

}  // namespace scenarios
