// scenarios/loader.h
//
// Scenario files: YAML, one scenario per document. Whatever is wrong is one sentence with its
// place; nothing is ignored, and nothing is guessed.
//
// Invariants
//   L1  Whole.    A file loads completely or not at all.
//   L2  Strict.   Every key of a loaded file had an effect on the Scenario.
//   L3  Named.    Every refusal names file, line and column, where there is one, and what would be
//                 accepted.
// tests/unit/loader_test.cpp checks them.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/diagnostic.h"
#include "scenarios/mapping_reader.h"
#include "scenarios/scenario.h"

namespace scenarios {

// Every scenario of the file. An event file that a workload names is looked for beside the scenario
// file, and its bytes are part of the scenario's hash.
Loaded<std::vector<Scenario>> load(const std::string& path);

// As load(), of text that is no file; `path` serves messages and relative names of event files.
Loaded<std::vector<Scenario>> load_text(const std::string& text, const std::string& path);

// Every mapping of the format and its keys: what the JSON Schema must describe.
std::vector<KnownMapping> known_mappings();

}  // namespace scenarios
