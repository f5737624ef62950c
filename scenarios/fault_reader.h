// scenarios/fault_reader.h
//
// The sections `faults` and `stop` of a scenario: what breaks, and when the run ends.

#pragma once

#include <string>
#include <vector>

#include "scenarios/mapping_reader.h"
#include "scenarios/scenario.h"

namespace scenarios {

void read_faults(const Field& field, Scenario& scenario);
void read_stop(const Field& field, Scenario& scenario);

void append_fault_mappings(std::vector<KnownMapping>& known);

}  // namespace scenarios
