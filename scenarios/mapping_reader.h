// scenarios/mapping_reader.h
//
// Mappings of a scenario file, described by tables: each key has one reader, and a key that is in
// no table is refused with the nearest one that is. The tables are the only list of keys; the JSON
// Schema is tested against them.
//
// Every function throws InputError at the place of the offending value.

#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "engine/ports/vocabulary.h"
#include "scenarios/scenario.h"
#include "scenarios/yaml_reader.h"

namespace scenarios {

// A value and how to speak of it: "workload.rate".
struct Field {
  std::string_view name;
  const YamlNode& node;
};

// One key of a mapping that fills a T. A key without a reader belongs to the format, but this
// version cannot do what it asks.
template <class T>
struct Key {
  std::string_view name;
  void (*read)(const Field& field, T& target);
};

template <class T>
struct Mapping {
  std::string_view name;  // "workload"
  std::span<const Key<T>> keys;
  std::span<const std::string_view> required;
};

// A name that the format accepts, and what it stands for.
template <class T>
struct Choice {
  std::string_view name;
  T value;
};

struct KnownMapping {
  std::string_view name;
  std::vector<std::string_view> keys;
};

// The value at the end of `path`, or as far as the document goes towards it.
const YamlNode& locate(const YamlNode& document, std::initializer_list<std::string_view> path);

[[noreturn]] void refuse(const YamlNode& node, std::string message);
[[noreturn]] void refuse_type(const Field& field, std::string_view expected);

// Speaks of a key that the contract names and this version does not have.
[[noreturn]] void refuse_unsupported(const YamlNode& node,
                                     std::string_view what,
                                     std::span<const std::string_view> supported);

[[noreturn]] void refuse_unknown_key(const YamlNode& key,
                                     std::string_view mapping,
                                     std::span<const std::string_view> known);

bool read_bool(const Field& field);
std::string read_text(const Field& field);
std::int64_t read_integer(const Field& field, std::int64_t min, std::int64_t max);
std::int32_t read_int32(const Field& field, std::int32_t min, std::int32_t max);
std::uint64_t read_unsigned(const Field& field);
engine::Duration read_duration(const Field& field, engine::Duration min, engine::Duration max);
std::int64_t read_bytes(const Field& field, std::int64_t min, std::int64_t max);
double read_rate(const Field& field, double min, double max);
Comparison read_comparison(const Field& field);

// The value's plain text.
const std::string& read_word(const Field& field, std::string_view expected);

void require_mapping(const Field& field);

// Refuses a word that is none of `known`; one of `unsupported` is refused as not yet there.
[[noreturn]] void refuse_word(const Field& field,
                              std::span<const std::string_view> known,
                              std::span<const std::string_view> unsupported);

template <class T>
T read_choice(const Field& field,
              std::span<const Choice<T>> choices,
              std::span<const std::string_view> unsupported = {}) {
  std::vector<std::string_view> names;
  for (const Choice<T>& choice : choices) {
    names.push_back(choice.name);
  }
  const std::string& word = read_word(field, fmt::format("one of: {}", fmt::join(names, ", ")));
  const auto found = std::ranges::find(choices, word, &Choice<T>::name);
  if (found == choices.end()) {
    refuse_word(field, names, unsupported);
  }
  return found->value;
}

template <class T>
KnownMapping known_mapping(const Mapping<T>& mapping) {
  KnownMapping known{.name = mapping.name, .keys = {}};
  for (const Key<T>& key : mapping.keys) {
    if (key.read != nullptr) {
      known.keys.push_back(key.name);
    }
  }
  return known;
}

template <class T>
void read_entry(const YamlNode& key, const YamlNode& value, const Mapping<T>& mapping, T& target) {
  const auto found = std::ranges::find(mapping.keys, key.text, &Key<T>::name);
  if (found == mapping.keys.end()) {
    refuse_unknown_key(key, mapping.name, known_mapping(mapping).keys);
  }
  if (found->read == nullptr) {
    refuse_unsupported(
        key, fmt::format("key \"{}\" in {}", key.text, mapping.name), known_mapping(mapping).keys);
  }
  const std::string name = fmt::format("{}.{}", mapping.name, key.text);
  found->read(Field{.name = name, .node = value}, target);
}

// Reads each entry in the order of the file.
template <class T>
void read_mapping(const Field& field, const Mapping<T>& mapping, T& target) {
  require_mapping(field);
  const auto& items = field.node.items;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    read_entry(items[i], items[i + 1], mapping, target);
  }
  for (const std::string_view required : mapping.required) {
    if (field.node.find(required) == nullptr) {
      refuse(field.node, fmt::format("{} needs the key \"{}\"", mapping.name, required));
    }
  }
}

}  // namespace scenarios
