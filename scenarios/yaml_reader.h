// scenarios/yaml_reader.h
//
// YAML as a tree that keeps the place of every value. A small, strict reading of YAML: duplicate
// keys, keys that are no plain names, tags, tabs as indentation, recursive aliases, lines of more
// than 64 KiB and documents of more than kYamlNodesMax nodes (aliases counted as written out) are
// refused.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/diagnostic.h"

namespace scenarios {

inline constexpr std::int64_t kYamlNodesMax = 10'000;

struct YamlNode {
  enum class Kind : std::uint8_t { kNull, kScalar, kSequence, kMapping };

  Kind kind = Kind::kNull;
  bool quoted = false;          // kScalar: written in quotes or as a block
  std::string text;             // kScalar
  int line = 0;                 // from 1
  int column = 0;               // from 1
  std::vector<YamlNode> items;  // kSequence: the items; kMapping: key, value, key, value ...

  // The value of `key`, or null.
  [[nodiscard]] const YamlNode* find(std::string_view key) const;
};

// "a mapping", "a list", "text", "nothing".
std::string_view describe(YamlNode::Kind kind);

// Every document of the file, in order; those without content are left out.
Loaded<std::vector<YamlNode>> parse_yaml(const std::string& text, const std::string& file);

// A hash of everything that the document says: its keys, values and their order. Comments, layout
// and quoting style are no part of it.
std::uint64_t hash_content(const YamlNode& document);

}  // namespace scenarios
