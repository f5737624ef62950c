#include "scenarios/yaml_writer.h"

#include <algorithm>

#include <yaml-cpp/emitter.h>

#include "engine/ports/invariant.h"

namespace scenarios {
namespace {

bool is_leaf(const YamlNode& node) {
  return node.kind == YamlNode::Kind::kScalar || node.kind == YamlNode::Kind::kNull;
}

// What is small stays on one line, as people write scenarios.
bool fits_a_line(const YamlNode& node) {
  return std::ranges::all_of(node.items, [](const YamlNode& item) {
    return is_leaf(item) || std::ranges::all_of(item.items, is_leaf);
  });
}

void emit(YAML::Emitter& out, const YamlNode& node, bool is_root);

void emit_mapping(YAML::Emitter& out, const YamlNode& node, bool is_root) {
  if (!is_root && fits_a_line(node)) {
    out << YAML::Flow;
  }
  out << YAML::BeginMap;
  for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
    out << YAML::Key << node.items[i].text << YAML::Value;
    emit(out, node.items[i + 1], false);
  }
  out << YAML::EndMap;
}

void emit_sequence(YAML::Emitter& out, const YamlNode& node) {
  if (std::ranges::all_of(node.items, is_leaf)) {
    out << YAML::Flow;
  }
  out << YAML::BeginSeq;
  for (const YamlNode& item : node.items) {
    emit(out, item, false);
  }
  out << YAML::EndSeq;
}

void emit(YAML::Emitter& out, const YamlNode& node, bool is_root) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      out << YAML::Null;
      return;
    case YamlNode::Kind::kScalar:
      if (node.quoted) {
        out << YAML::DoubleQuoted;
      }
      out << node.text;
      return;
    case YamlNode::Kind::kSequence:
      emit_sequence(out, node);
      return;
    case YamlNode::Kind::kMapping:
      emit_mapping(out, node, is_root);
      return;
  }
}

YamlNode& value_of(YamlNode& mapping, std::string_view key) {
  INVARIANT(mapping.kind == YamlNode::Kind::kMapping, "\"{}\" belongs to a mapping", key);
  for (std::size_t i = 0; i + 1 < mapping.items.size(); i += 2) {
    if (mapping.items[i].text == key) {
      return mapping.items[i + 1];
    }
  }
  mapping.items.push_back(make_scalar(std::string(key)));
  mapping.items.push_back(make_mapping({}));
  return mapping.items.back();
}

}  // namespace

YamlNode make_scalar(std::string text) {
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.text = std::move(text);
  return node;
}

YamlNode make_mapping(std::initializer_list<YamlEntry> entries) {
  YamlNode node;
  node.kind = YamlNode::Kind::kMapping;
  for (const auto& [key, value] : entries) {
    node.items.push_back(make_scalar(std::string(key)));
    node.items.push_back(value);
  }
  return node;
}

void set_value(YamlNode& document, std::initializer_list<std::string_view> path, YamlNode value) {
  YamlNode* node = &document;
  for (const std::string_view key : path) {
    node = &value_of(*node, key);
  }
  *node = std::move(value);
}

void remove_key(YamlNode& mapping, std::string_view key) {
  for (std::size_t i = 0; i + 1 < mapping.items.size(); i += 2) {
    if (mapping.items[i].text == key) {
      const auto at = mapping.items.begin() + static_cast<std::ptrdiff_t>(i);
      mapping.items.erase(at, at + 2);
      return;
    }
  }
}

std::string write_yaml(const YamlNode& document) {
  YAML::Emitter out;
  emit(out, document, true);
  INVARIANT(out.good(), "a tree can be written: {}", out.GetLastError());
  return std::string(out.c_str(), out.size()) + '\n';
}

}  // namespace scenarios
