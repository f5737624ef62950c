// scenarios/disruption_reader.h
//
// The faults of a scenario that kill nobody and cut nobody off, and its choices of schedule.

#pragma once

#include <string_view>
#include <vector>

#include "scenarios/mapping_reader.h"

namespace scenarios {

// The keys that say what kind of disruption a fault is: "pause", "drop", ...
std::vector<std::string_view> disruption_kinds();

// Requires  `kind` is one of them.
faults::Fault read_disruption(std::string_view kind, const Field& field);

void append_disruption_mappings(std::vector<KnownMapping>& known);

}  // namespace scenarios
