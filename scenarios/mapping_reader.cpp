#include "scenarios/mapping_reader.h"

#include <limits>
#include <utility>

#include "scenarios/units.h"

namespace scenarios {
namespace {

// The number that `parse` finds in a value without quotes.
template <class Parse>
auto read_number(const Field& field, std::string_view expected, Parse parse) {
  if (field.node.kind != YamlNode::Kind::kScalar || field.node.quoted) {
    refuse_type(field, expected);
  }
  const auto value = parse(field.node.text);
  if (!value) {
    refuse(field.node, fmt::format("{}: \"{}\" {}", field.name, field.node.text, value.error()));
  }
  return *value;
}

// The quantity that `parse` finds in a word, no less than `min` and no more than `max`.
template <class Quantity, class Parse, class Format>
Quantity read_between(const Field& field,
                      std::string_view expected,
                      Parse parse,
                      Format format,
                      Quantity min,
                      Quantity max) {
  const std::string& text = read_word(field, expected);
  const auto value = parse(text);
  if (!value) {
    refuse(field.node, fmt::format("{}: \"{}\" {}", field.name, text, value.error()));
  }
  if (*value < min || *value > max) {
    refuse(field.node,
           fmt::format(
               "{} must be from {} to {}, not {}", field.name, format(min), format(max), text));
  }
  return *value;
}

std::string format_rate(double per_second) {
  return fmt::format("{:.10g}/s", per_second);
}

}  // namespace

const YamlNode& locate(const YamlNode& document, std::initializer_list<std::string_view> path) {
  const YamlNode* node = &document;
  for (const std::string_view key : path) {
    const YamlNode* const next = node->find(key);
    if (next == nullptr) {
      break;
    }
    node = next;
  }
  return *node;
}

void refuse(const YamlNode& node, std::string message) {
  throw InputError{.line = node.line, .column = node.column, .message = std::move(message)};
}

void refuse_type(const Field& field, std::string_view expected) {
  const bool quoted = field.node.kind == YamlNode::Kind::kScalar && field.node.quoted;
  refuse(field.node,
         fmt::format("{} must be {}, not {}",
                     field.name,
                     expected,
                     quoted ? "text in quotes" : describe(field.node.kind)));
}

void refuse_unsupported(const YamlNode& node,
                        std::string_view what,
                        std::span<const std::string_view> supported) {
  refuse(node,
         fmt::format("{} is not supported by this version, which supports: {}",
                     what,
                     fmt::join(supported, ", ")));
}

void refuse_unknown_key(const YamlNode& key,
                        std::string_view mapping,
                        std::span<const std::string_view> known) {
  refuse(key,
         fmt::format("key \"{}\" is not known in {}{}; known keys are: {}",
                     key.text,
                     mapping,
                     suggestion(key.text, known),
                     fmt::join(known, ", ")));
}

void refuse_word(const Field& field,
                 std::span<const std::string_view> known,
                 std::span<const std::string_view> unsupported) {
  const std::string& word = field.node.text;
  if (std::ranges::find(unsupported, word) != unsupported.end()) {
    refuse_unsupported(field.node, fmt::format("{} \"{}\"", field.name, word), known);
  }
  refuse(field.node,
         fmt::format("{} \"{}\" is not known{}; accepted are: {}",
                     field.name,
                     word,
                     suggestion(word, known),
                     fmt::join(known, ", ")));
}

void require_mapping(const Field& field) {
  if (field.node.kind != YamlNode::Kind::kMapping) {
    refuse_type(field, "a mapping");
  }
}

const std::string& read_word(const Field& field, std::string_view expected) {
  if (field.node.kind != YamlNode::Kind::kScalar) {
    refuse_type(field, expected);
  }
  return field.node.text;
}

bool read_bool(const Field& field) {
  const bool scalar = field.node.kind == YamlNode::Kind::kScalar && !field.node.quoted;
  if (!scalar) {
    refuse_type(field, "true or false");
  }
  if (field.node.text != "true" && field.node.text != "false") {
    refuse(field.node,
           fmt::format("{} must be true or false, not \"{}\"", field.name, field.node.text));
  }
  return field.node.text == "true";
}

std::string read_text(const Field& field) {
  const std::string& text = read_word(field, "text");
  if (text.empty()) {
    refuse(field.node, fmt::format("{} is empty", field.name));
  }
  return text;
}

std::int64_t read_integer(const Field& field, std::int64_t min, std::int64_t max) {
  const std::int64_t value = read_number(field, "a whole number", parse_integer);
  if (value < min || value > max) {
    refuse(field.node,
           fmt::format("{} must be from {} to {}, not {}", field.name, min, max, value));
  }
  return value;
}

std::int32_t read_int32(const Field& field, std::int32_t min, std::int32_t max) {
  return static_cast<std::int32_t>(read_integer(field, min, max));
}

std::uint64_t read_unsigned(const Field& field) {
  return read_number(field, "a whole number from 0", parse_unsigned);
}

engine::Duration read_duration(const Field& field, engine::Duration min, engine::Duration max) {
  return read_between(field, "a duration such as 200ms", parse_duration, format_duration, min, max);
}

std::int64_t read_bytes(const Field& field, std::int64_t min, std::int64_t max) {
  return read_between(field, "a size such as 64MiB", parse_bytes, format_bytes, min, max);
}

double read_rate(const Field& field, double min, double max) {
  return read_between(field, "a rate such as 150/s", parse_rate, format_rate, min, max);
}

Comparison read_comparison(const Field& field) {
  const std::string& text = read_word(field, "a number, or a comparison in quotes");
  const auto value = parse_comparison(text);
  if (!value) {
    refuse(field.node, fmt::format("{}: \"{}\" {}", field.name, text, value.error()));
  }
  return *value;
}

}  // namespace scenarios
