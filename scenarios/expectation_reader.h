// scenarios/expectation_reader.h
//
// The sections `expect` and `explore` of a scenario.

#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "reports/judge.h"
#include "scenarios/mapping_reader.h"
#include "scenarios/scenario.h"

namespace scenarios {

void read_expect(const Field& field, Scenario& scenario);
void read_explore(const Field& field, Scenario& scenario);

void append_expectation_mappings(std::vector<KnownMapping>& known);

}  // namespace scenarios
