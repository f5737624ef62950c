// scenarios/pipeline_reader.h
//
// The sections `topic`, `workload`, `pipeline` and `cluster` of a scenario.

#pragma once

#include <vector>

#include "scenarios/mapping_reader.h"
#include "scenarios/scenario.h"

namespace scenarios {

void read_topic(const Field& field, Scenario& scenario);
void read_workload(const Field& field, Scenario& scenario);
void read_pipeline(const Field& field, Scenario& scenario);
void read_cluster(const Field& field, Scenario& scenario);

void append_pipeline_mappings(std::vector<KnownMapping>& known);

}  // namespace scenarios
