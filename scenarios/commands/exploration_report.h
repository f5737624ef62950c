// scenarios/commands/exploration_report.h
//
// What a search has found, as its table says it.

#pragma once

#include "reports/exploration_table.h"
#include "scenarios/exploration.h"

namespace scenarios {

// Without what was searched, and how, and what was promised.
reports::ExplorationReport report_of(const Exploration& exploration);

}  // namespace scenarios
