// scenarios/fault_text.h
//
// Faults in words: "crash driver at task.output_written, batch 3, partition 1; restart after 5s",
// "partition driver and executor:0 at 2500ms; for 20000ms", "fail write of driver at step 812 of
// driver; 3 times".

#pragma once

#include <string>

#include "faults/fault_plan.h"
#include "reports/ledger.h"

namespace scenarios {

std::string to_string(const faults::Target& target);
std::string to_string(const faults::Fault& fault);

// As it is recorded; whether it fired is for the caller to say.
reports::FaultRecord describe_fault(const faults::Fault& fault);

}  // namespace scenarios
