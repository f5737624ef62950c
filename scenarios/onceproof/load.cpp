#include "scenarios/onceproof/load.h"

#include <iterator>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

#include "scenarios/loader.h"
#include "scenarios/onceproof/sink_adapter.h"
#include "scenarios/text_file.h"
#include "scenarios/yaml_reader.h"
#include "scenarios/yaml_writer.h"

namespace onceproof {
namespace {

using scenarios::Diagnostic;
using scenarios::Loaded;
using scenarios::Scenario;
using scenarios::YamlNode;

Loaded<YamlNode> parse_one(const std::string& text, const std::string& path) {
  auto documents = scenarios::parse_yaml(text, path);
  if (!documents) {
    return documents.error();
  }
  if (documents->size() != 1) {
    return Diagnostic{
        .file = path,
        .message = fmt::format("this is one document, and here are {}", documents->size())};
  }
  return std::move(documents->front());
}

// False: there is no mapping in the way to `place`.
bool set_at(YamlNode& section, std::string_view place, const YamlNode& value) {
  if (section.kind != YamlNode::Kind::kMapping) {
    return false;
  }
  const std::size_t dot = place.find('.');
  const std::string_view key = place.substr(0, dot);
  if (dot == std::string_view::npos) {
    scenarios::set_value(section, {key}, value);
    return true;
  }
  const YamlNode* const found = section.find(key);
  YamlNode inner = found == nullptr ? scenarios::make_mapping({}) : *found;
  if (!set_at(inner, place.substr(dot + 1), value)) {
    return false;
  }
  scenarios::set_value(section, {key}, std::move(inner));
  return true;
}

Loaded<YamlNode> value_of(const Pipeline::Setting& setting) {
  const std::string path = fmt::format("set(\"{}\")", setting.place);
  const auto parsed = parse_one(fmt::format("value: {}", setting.value), path);
  if (!parsed) {
    return parsed.error();
  }
  const YamlNode* const value = parsed->find("value");
  if (value == nullptr || parsed->items.size() != 2) {
    return Diagnostic{.file = path, .message = fmt::format("\"{}\" is no value", setting.value)};
  }
  return *value;
}

Loaded<std::string> with_settings(const Pipeline::Parts& parts, const std::string& text) {
  auto document = parse_one(text, parts.path);
  if (!document) {
    return document.error();
  }
  for (const Pipeline::Setting& setting : parts.settings) {
    const auto value = value_of(setting);
    if (!value) {
      return value.error();
    }
    if (!set_at(*document, setting.place, *value)) {
      return Diagnostic{.file = parts.path,
                        .message = fmt::format("set(\"{}\") leads through a value that has no keys",
                                               setting.place)};
    }
  }
  return {boost::system::in_place_value, scenarios::write_yaml(*document)};
}

// A plugged-in sink is appended to, and has the name of a sink in no text but this one.
Loaded<std::string> with_plugged_sink(const Pipeline::Parts& parts, const std::string& text) {
  auto document = parse_one(text, parts.path);
  if (!document) {
    return document.error();
  }
  const YamlNode* const pipeline = document->find("pipeline");
  if (pipeline != nullptr && pipeline->find("sink") != nullptr) {
    return Diagnostic{.file = parts.path,
                      .message = fmt::format("the text names a sink, and the sink \"{}\" is "
                                             "plugged in: it can only be one",
                                             parts.sink_name)};
  }
  const YamlNode append = scenarios::make_mapping({{"kind", scenarios::make_scalar("append")}});
  const bool has_place = set_at(*document, "pipeline.sink", append);
  return {boost::system::in_place_value, has_place ? scenarios::write_yaml(*document) : text};
}

// The text of the scenario, with what was set in it.
Loaded<std::string> text_of(const Pipeline::Parts& parts) {
  Loaded<std::string> text(boost::system::in_place_value, parts.text);
  if (parts.text.empty()) {
    text = scenarios::read_text_file(parts.path, scenarios::kScenarioBytesMax);
  }
  if (text && !parts.settings.empty()) {
    text = with_settings(parts, *text);
  }
  if (text && parts.make_sink) {
    text = with_plugged_sink(parts, *text);
  }
  return text;
}

std::uint64_t hash_with_names(std::uint64_t text_hash, const Pipeline::Parts& parts) {
  std::string identity = fmt::format("{:016x}", text_hash);
  for (const Pipeline::NamedOperation& each : parts.operations) {
    identity += fmt::format(" operation {}:{}", each.name.size(), each.name);
  }
  if (parts.make_sink) {
    identity += fmt::format(" sink {}:{}", parts.sink_name.size(), parts.sink_name);
  }
  return XXH3_64bits(identity.data(), identity.size());
}

// A task's rows go to a user's sink in one statement.
void plug_in(const Pipeline::Parts& parts, Scenario& scenario) {
  auto& operations = scenario.pipeline.operations;
  std::vector<engine::Operation> all;
  for (const Pipeline::NamedOperation& each : parts.operations) {
    engine::Operation operation;
    operation.kind = engine::OperationKind::kUser;
    operation.user = each.operation;
    all.push_back(std::move(operation));
  }
  all.insert(all.end(),
             std::make_move_iterator(operations.begin()),
             std::make_move_iterator(operations.end()));
  operations = std::move(all);
  if (parts.make_sink) {
    scenario.pipeline.sink = {.kind = engine::SinkKind::kAppend,
                              .rows_per_write = std::numeric_limits<std::int32_t>::max()};
  }
  if (parts.make_sink || !parts.operations.empty()) {
    scenario.text_hash = hash_with_names(scenario.text_hash, parts);
  }
}

// What can be said against a user's own code before it runs; empty: nothing.
std::string objection(const Pipeline::Parts& parts, const Scenario& scenario) {
  for (const Pipeline::NamedOperation& each : parts.operations) {
    if (!each.operation) {
      return fmt::format("the operation \"{}\" is a null pointer", each.name);
    }
  }
  const bool offsets_in_sink = scenario.pipeline.source.offsets == engine::OffsetKeeping::kSink;
  if (parts.make_sink && offsets_in_sink) {
    return "offsets: sink keeps the offsets in a table of the sink, and a plugged-in sink has none";
  }
  return {};
}

}  // namespace

Loaded<scenarios::PreparedScenario> load(const Pipeline& pipeline) {
  const Pipeline::Parts& parts = pipeline.parts();
  const auto text = text_of(parts);
  if (!text) {
    return text.error();
  }
  auto loaded = scenarios::load_text(*text, parts.path);
  if (!loaded) {
    return loaded.error();
  }
  if (loaded->size() != 1) {
    return Diagnostic{
        .file = parts.path,
        .message = fmt::format("a pipeline is one scenario; here are {}", loaded->size())};
  }
  Scenario scenario = std::move(loaded->front());
  std::string against = objection(parts, scenario);
  if (!against.empty()) {
    return Diagnostic{.file = parts.path, .message = std::move(against)};
  }
  scenario.store = scenarios::StoreKind::kMemory;
  scenario.expect = {};
  scenario.explore.reset();
  plug_in(parts, scenario);
  auto prepared = scenarios::prepare(std::move(scenario));
  if (prepared && parts.make_sink) {
    prepared->make_sink = [make = parts.make_sink] {
      return std::make_unique<SinkAdapter>(make());
    };
  }
  return prepared;
}

}  // namespace onceproof
