// scenarios/fault_rules.h
//
// What breaks and when the run ends, against the pipeline and the cluster that it happens to: a
// moment that never comes and a target that is not there are refused.

#pragma once

#include "scenarios/scenario.h"
#include "scenarios/yaml_reader.h"

namespace scenarios {

// Throws InputError at the value in `document` that the first broken rule is about.
void check_fault_rules(const Scenario& scenario, const YamlNode& document);

}  // namespace scenarios
