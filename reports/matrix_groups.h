// reports/matrix_groups.h
//
// The cells of a guarantee table as people read it: pipelines that differ in their sink only stand
// together, and each has its cells by who dies.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reports/matrix_table.h"

namespace reports {

// The cells of one pipeline.
using MatrixPipeline = std::vector<const MatrixTableCell*>;

// Pipelines that differ in their sink only.
struct MatrixGroup {
  std::string title;
  std::vector<MatrixPipeline> pipelines;
};

// In the order in which the report has the first cell of each. Valid as long as the report.
std::vector<MatrixGroup> groups_of(const MatrixReport& report);

// Null: the pipeline has nobody to crash there.
const MatrixTableCell* find_cell(const MatrixPipeline& pipeline, std::string_view crash);

// "kafka-receiver, reliable, log, checkpoint": everything but the sink.
std::string source_name(const MatrixTableCell& cell);

// "kafka-direct, offsets: checkpoint, sink: append"
std::string pipeline_name(const MatrixTableCell& cell);

// "kafka-direct, offsets: checkpoint, sink: append, crash: driver": no other cell is called so.
std::string name_of(const MatrixTableCell& cell);

// What some schedule of the cell shows, and the token that repeats it.
std::vector<std::pair<std::string_view, std::string_view>> witnesses_of(
    const MatrixTableCell& cell);

}  // namespace reports
