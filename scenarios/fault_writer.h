// scenarios/fault_writer.h
//
// A fault as an entry of `faults:`. What to_yaml() writes, read_faults() reads back as the same
// fault.

#pragma once

#include "faults/fault_plan.h"
#include "scenarios/yaml_reader.h"

namespace scenarios {

YamlNode to_yaml(const faults::Fault& fault);

// The whole section.
YamlNode to_yaml(const faults::FaultPlan& plan);

}  // namespace scenarios
