// scenarios/yaml_writer.h
//
// YAML that the program makes or changes, and its text: what write_yaml() says, parse_yaml() reads
// back as the same content. Comments and layout of a document that was read are not kept.

#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "scenarios/yaml_reader.h"

namespace scenarios {

YamlNode make_scalar(std::string text);

using YamlEntry = std::pair<std::string_view, YamlNode>;
YamlNode make_mapping(std::initializer_list<YamlEntry> entries);

// The value at the end of `path` becomes `value`. Mappings that the path needs and the document
// lacks are made.
void set_value(YamlNode& document, std::initializer_list<std::string_view> path, YamlNode value);

// Nothing happens if the key is not there.
void remove_key(YamlNode& mapping, std::string_view key);

// One document, with a line break at its end.
std::string write_yaml(const YamlNode& document);

}  // namespace scenarios
