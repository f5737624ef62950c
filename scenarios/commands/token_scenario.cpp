#include "scenarios/commands/token_scenario.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "scenarios/catalogue.h"
#include "scenarios/commands/options.h"
#include "scenarios/matrix/rows.h"
#include "scenarios/text_file.h"

namespace scenarios {
namespace {

std::optional<Scenario> pick(std::vector<Scenario> scenarios, std::uint64_t hash) {
  const auto found = std::ranges::find(scenarios, hash, &Scenario::text_hash);
  return found == scenarios.end() ? std::nullopt : std::optional(std::move(*found));
}

// A world of the guarantee tables, which is in no file.
struct RowWorld {
  Scenario scenario;
  std::string text;
};

std::optional<RowWorld> find_in_matrix(std::uint64_t hash) {
  for (const Engine engine : {Engine::kFaithful, Engine::kHardened}) {
    for (const MatrixRow& row : matrix_rows(engine)) {
      auto scenario = load_scenario(row);
      if (scenario && scenario.value().text_hash == hash) {
        return RowWorld{std::move(scenario.value()), scenario_text(row)};
      }
    }
  }
  return std::nullopt;
}

Loaded<Scenario> find_by_hash(const std::string& token,
                              std::uint64_t hash,
                              const std::vector<std::string>& given) {
  std::vector<std::string> guesses = scenario_files(catalogue_directory());
  std::ranges::move(scenario_files(shipped_directory("defects")), std::back_inserter(guesses));
  std::ranges::move(scenario_files("."), std::back_inserter(guesses));
  const auto is_given = [&given](std::size_t i) { return i < given.size(); };
  for (std::size_t i = 0; i < given.size() + guesses.size(); ++i) {
    auto found = find_scenarios({is_given(i) ? given[i] : guesses[i - given.size()]});
    if (!found && is_given(i)) {
      return found.error();
    }
    auto scenario = found ? pick(std::move(found.value()), hash) : std::nullopt;
    if (scenario) {
      return *std::move(scenario);
    }
  }
  auto row = find_in_matrix(hash);
  if (row) {
    return std::move(row->scenario);
  }
  return Diagnostic{
      .file = token,
      .message =
          "this token was made from another scenario text, which is neither in the files given nor "
          "in the catalogue nor in the current folder: name the file that it was made from"};
}

}  // namespace

std::string unfold_token(const std::string& pasted) {
  std::string token;
  for (const char character : pasted) {
    if (std::string_view(" \t\r\n\v\f").find(character) == std::string_view::npos) {
      const bool is_capital = character >= 'A' && character <= 'Z';
      token += is_capital ? static_cast<char>(character - 'A' + 'a') : character;
    }
  }
  return token;
}

Loaded<Scenario> find_scenario_of(const std::string& token,
                                  const TokenContent& content,
                                  const std::vector<std::string>& given) {
  auto scenario = find_by_hash(token, content.scenario_hash, given);
  if (scenario) {
    scenario.value().seed = content.seed;
  }
  return scenario;
}

Loaded<YamlNode> document_of(const Scenario& scenario) {
  const auto row = find_in_matrix(scenario.text_hash);
  const auto text = row ? Loaded<std::string>(boost::system::in_place_value, row->text)
                        : read_text_file(scenario.path, kScenarioBytesMax);
  if (!text) {
    return text.error();
  }
  auto documents = parse_yaml(text.value(), scenario.path);
  if (!documents) {
    return documents.error();
  }
  for (YamlNode& document : documents.value()) {
    const YamlNode* const name = document.find("scenario");
    if (name != nullptr && name->text == scenario.name) {
      return std::move(document);
    }
  }
  return Diagnostic{.file = scenario.path, .message = "the scenario is no longer in this file"};
}

boost::system::result<KafkaChoice, std::string> choose_kafka(const std::string& wanted,
                                                             KafkaKind of_token) {
  if (wanted.empty() && of_token != KafkaKind::kExternal) {
    return KafkaChoice{.kind = of_token, .address = {}, .session = {}};
  }
  if (wanted.empty()) {
    return std::string(
        "the token was made on a real cluster, whose address no token holds: give --kafka "
        "HOST:PORT, mock or model");
  }
  const auto chosen = parse_kafka(wanted);
  if (!chosen) {
    return not_a_kafka(wanted);
  }
  return *chosen;
}

}  // namespace scenarios
