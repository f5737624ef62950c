// scenarios/pipeline_reader.h
//
// The sections `topic`, `workload`, `pipeline` and `cluster` of a scenario.

#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "scenarios/mapping_reader.h"
#include "scenarios/scenario.h"

namespace scenarios {

void read_topic(const Field& field, Scenario& scenario);
void read_workload(const Field& field, Scenario& scenario);
void read_pipeline(const Field& field, Scenario& scenario);
void read_cluster(const Field& field, Scenario& scenario);

// The names that scenario files use for what is in a pipeline, in the order of the format.
std::span<const Choice<engine::OffsetKeeping>> offset_keepings();
std::span<const Choice<engine::SinkKind>> sink_kinds();
std::string_view to_string(engine::OffsetKeeping offsets);
std::string_view to_string(engine::SinkKind kind);

void append_pipeline_mappings(std::vector<KnownMapping>& known);

}  // namespace scenarios
