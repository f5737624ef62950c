// scenarios/scenario_rules.h
//
// Combinations that are each well formed and cannot work together: refused, with the reason, rather
// than run to a verdict that means nothing.

#pragma once

#include "scenarios/scenario.h"
#include "scenarios/yaml_reader.h"

namespace scenarios {

// Throws InputError at the value in `document` that the first broken rule is about.
void check_rules(const Scenario& scenario, const YamlNode& document);

}  // namespace scenarios
