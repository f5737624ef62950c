#include "reports/matrix_groups.h"

#include <algorithm>

#include <fmt/format.h>

namespace reports {
namespace {

MatrixGroup& group_of(std::vector<MatrixGroup>& groups, const MatrixTableCell& cell) {
  const std::string title = source_name(cell);
  const auto found = std::ranges::find(groups, title, &MatrixGroup::title);
  return found == groups.end() ? groups.emplace_back(MatrixGroup{.title = title, .pipelines = {}})
                               : *found;
}

MatrixPipeline& pipeline_of(MatrixGroup& group, const MatrixTableCell& cell) {
  const auto found = std::ranges::find_if(group.pipelines, [&cell](const MatrixPipeline& pipeline) {
    return pipeline.front()->sink == cell.sink;
  });
  return found == group.pipelines.end() ? group.pipelines.emplace_back() : *found;
}

}  // namespace

// Cells of one pipeline need not stand together: a recording has them as they were explored.
std::vector<MatrixGroup> groups_of(const MatrixReport& report) {
  std::vector<MatrixGroup> groups;
  for (const MatrixTableCell& cell : report.cells) {
    pipeline_of(group_of(groups, cell), cell).push_back(&cell);
  }
  return groups;
}

const MatrixTableCell* find_cell(const MatrixPipeline& pipeline, std::string_view crash) {
  const auto found = std::ranges::find(pipeline, crash, &MatrixTableCell::crash);
  return found == pipeline.end() ? nullptr : *found;
}

std::string source_name(const MatrixTableCell& cell) {
  if (cell.source == "kafka-direct") {
    return fmt::format("{}, offsets: {}", cell.source, cell.offsets);
  }
  return fmt::format("{}, {}, {}, {}",
                     cell.source,
                     cell.reliable ? "reliable" : "unreliable",
                     cell.wal ? "log" : "no log",
                     cell.checkpoint ? "checkpoint" : "no checkpoint");
}

std::string pipeline_name(const MatrixTableCell& cell) {
  return fmt::format("{}, sink: {}", source_name(cell), cell.sink);
}

std::string name_of(const MatrixTableCell& cell) {
  return fmt::format("{}, crash: {}", pipeline_name(cell), cell.crash);
}

std::vector<std::pair<std::string_view, std::string_view>> witnesses_of(
    const MatrixTableCell& cell) {
  std::vector<std::pair<std::string_view, std::string_view>> found{
      {"lost", cell.tokens.lost},
      {"duplicated", cell.tokens.duplicated},
      {"wrong", cell.tokens.wrong},
      {"stalled", cell.tokens.stalled}};
  std::erase_if(found, [](const auto& finding) { return finding.second.empty(); });
  return found;
}

}  // namespace reports
