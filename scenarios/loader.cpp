#include "scenarios/loader.h"

#include <array>
#include <filesystem>
#include <set>
#include <utility>

#include "scenarios/expectation_reader.h"
#include "scenarios/fault_reader.h"
#include "scenarios/pipeline_reader.h"
#include "scenarios/scenario_rules.h"
#include "scenarios/text_file.h"
#include "scenarios/yaml_reader.h"

namespace scenarios {
namespace {

constexpr std::size_t kNameBytesMax = 120;

bool is_snake_case(std::string_view name) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_body = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && is_letter(name.front()) && std::ranges::all_of(name, is_body);
}

void read_name(const Field& field, Scenario& scenario) {
  scenario.name = read_text(field);
  if (!is_snake_case(scenario.name) || scenario.name.size() > kNameBytesMax) {
    refuse(field.node,
           fmt::format("\"{}\" is no scenario name; names are snake_case, such as "
                       "crash_before_commit, of at most {} letters",
                       scenario.name,
                       kNameBytesMax));
  }
}

void read_claims(const Field& field, Scenario& scenario) {
  if (field.node.kind != YamlNode::Kind::kSequence) {
    scenario.claims.push_back(read_text(field));
    return;
  }
  for (const YamlNode& item : field.node.items) {
    scenario.claims.push_back(read_text({.name = field.name, .node = item}));
  }
}

constexpr std::array kScenarioKeys{
    Key<Scenario>{"scenario", read_name},
    Key<Scenario>{"claim", read_claims},
    Key<Scenario>{
        "description",
        [](const Field& field, Scenario& scenario) { scenario.description = read_text(field); }},
    Key<Scenario>{
        "seed",
        [](const Field& field, Scenario& scenario) { scenario.seed = read_unsigned(field); }},
    Key<Scenario>{"topic", read_topic},
    Key<Scenario>{"workload", read_workload},
    Key<Scenario>{"pipeline", read_pipeline},
    Key<Scenario>{"cluster", read_cluster},
    Key<Scenario>{"faults", read_faults},
    Key<Scenario>{"stop", read_stop},
    Key<Scenario>{"expect", read_expect},
    Key<Scenario>{"explore", read_explore},
};
constexpr std::array<std::string_view, 4> kScenarioRequired{
    "scenario", "topic", "workload", "pipeline"};
constexpr Mapping<Scenario> kScenario{"scenario", kScenarioKeys, kScenarioRequired};

// A run on other events is another run, whatever the scenario says.
void resolve_event_file(const YamlNode& document, Scenario& scenario) {
  if (scenario.workload.file.empty()) {
    return;
  }
  const YamlNode& node = *document.find("workload")->find("file");
  const std::filesystem::path file(scenario.workload.file);
  const auto extension = file.extension();
  if (extension != ".jsonl" && extension != ".csv") {
    refuse(node,
           fmt::format("event files end in .jsonl or .csv, unlike \"{}\"", scenario.workload.file));
  }
  const auto resolved = std::filesystem::path(scenario.path).parent_path() / file;
  scenario.workload.file = resolved.lexically_normal().string();
  const auto hash = hash_file(scenario.workload.file, kEventFileBytesMax);
  if (!hash) {
    refuse(node, fmt::format("event file {}: {}", hash.error().file, hash.error().message));
  }
  scenario.text_hash ^= *hash;
}

Scenario read_scenario(const YamlNode& document, const std::string& path) {
  Scenario scenario;
  scenario.path = path;
  scenario.text_hash = hash_content(document);
  if (document.kind != YamlNode::Kind::kMapping) {
    refuse(document,
           fmt::format("a scenario is a mapping that begins with \"scenario: name\", not {}",
                       describe(document.kind)));
  }
  read_mapping({.name = "the scenario", .node = document}, kScenario, scenario);
  check_rules(scenario, document);
  resolve_event_file(document, scenario);
  return scenario;
}

std::vector<Scenario> read_scenarios(const std::vector<YamlNode>& documents,
                                     const std::string& path) {
  std::vector<Scenario> scenarios;
  std::set<std::string> names;
  for (const YamlNode& document : documents) {
    scenarios.push_back(read_scenario(document, path));
    const std::string& name = scenarios.back().name;
    if (!names.insert(name).second) {
      refuse(*document.find("scenario"),
             fmt::format("another scenario of this file is also called \"{}\"", name));
    }
  }
  return scenarios;
}

}  // namespace

Loaded<std::vector<Scenario>> load(const std::string& path) {
  const auto text = read_text_file(path, kScenarioBytesMax);
  if (!text) {
    return text.error();
  }
  return load_text(*text, path);
}

Loaded<std::vector<Scenario>> load_text(const std::string& text, const std::string& path) {
  const auto documents = parse_yaml(text, path);
  if (!documents) {
    return documents.error();
  }
  if (documents->empty()) {
    return Diagnostic{.file = path, .message = "the file holds no scenario"};
  }
  try {
    return read_scenarios(*documents, path);
  } catch (const InputError& error) {
    return Diagnostic{path, error.line, error.column, error.message};
  }
}

std::vector<KnownMapping> known_mappings() {
  std::vector<KnownMapping> known{known_mapping(kScenario)};
  append_pipeline_mappings(known);
  append_fault_mappings(known);
  append_expectation_mappings(known);
  return known;
}

}  // namespace scenarios
