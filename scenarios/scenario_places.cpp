#include "scenarios/scenario_places.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>

#include "scenarios/text_file.h"

namespace scenarios {
namespace {

struct Member {
  const YamlNode* key = nullptr;  // null: there is none
  const YamlNode* value = nullptr;
};

Member find_key(const YamlNode& mapping, const std::string& name) {
  for (std::size_t i = 0; i + 1 < mapping.items.size(); i += 2) {
    if (mapping.items[i].text == name) {
      return {.key = &mapping.items[i], .value = &mapping.items[i + 1]};
    }
  }
  return {};
}

Member find_item(const YamlNode& sequence, const std::string& number) {
  std::size_t index = 0;
  std::from_chars(number.data(), number.data() + number.size(), index);
  return index < sequence.items.size()
             ? Member{.key = &sequence.items[index], .value = &sequence.items[index]}
             : Member{};
}

Member find_member(const YamlNode& node, const std::string& name) {
  switch (node.kind) {
    case YamlNode::Kind::kSequence:
      return find_item(node, name);
    case YamlNode::Kind::kMapping: {
      const Member member = find_key(node, name);
      // The one key that has two names.
      return member.key == nullptr && name == "output" ? find_key(node, "guarantee") : member;
    }
    case YamlNode::Kind::kNull:
    case YamlNode::Kind::kScalar:
      break;
  }
  return {};
}

bool is_called(const YamlNode& document, const std::string& name) {
  const YamlNode* const node = document.find("scenario");
  return node != nullptr && node->text == name;
}

}  // namespace

int ScenarioPlaces::line_of(const Scenario& scenario, const std::vector<std::string>& key) {
  const auto& documents = documents_of(scenario.path);
  const auto document = std::ranges::find_if(
      documents, [&](const YamlNode& one) { return is_called(one, scenario.name); });
  if (document == documents.end()) {
    return 0;
  }
  int line = find_key(*document, "scenario").key->line;
  const YamlNode* node = &*document;
  for (const std::string& name : key) {
    const Member member = find_member(*node, name);
    if (member.key == nullptr) {
      break;
    }
    line = member.key->line;
    node = member.value;
  }
  return line;
}

const std::vector<YamlNode>& ScenarioPlaces::documents_of(const std::string& path) {
  const auto [file, is_new] = files_.try_emplace(path);
  if (is_new) {
    const auto text = read_text_file(path, kScenarioBytesMax);
    auto documents = text ? parse_yaml(*text, path) : Loaded<std::vector<YamlNode>>(text.error());
    if (documents) {
      file->second = std::move(*documents);
    }
  }
  return file->second;
}

}  // namespace scenarios
