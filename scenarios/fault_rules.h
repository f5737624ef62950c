// scenarios/fault_rules.h
//
// What breaks and when the run ends, against the pipeline and the cluster that it happens to: a
// moment that never comes and a target that is not there are refused.

#pragma once

#include <string>

#include "scenarios/scenario.h"
#include "scenarios/yaml_reader.h"

namespace scenarios {

// Throws InputError at the value in `document` that the first broken rule is about.
void check_fault_rules(const Scenario& scenario, const YamlNode& document);

// Why a cluster that is the model, or is not, cannot do what the plan asks of it: a sentence that
// names what it can do. Empty: it can.
std::string why_impossible(const Scenario& scenario, const faults::FaultPlan& plan, bool on_model);

}  // namespace scenarios
