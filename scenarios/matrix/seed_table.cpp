#include "scenarios/matrix/seed_table.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "scenarios/matrix/rows.h"

namespace scenarios {
namespace {

using reports::MatrixTableCell;
using reports::SeedTableLine;

// The article speaks of the semantics of the whole: they are compared with the output of the sink
// that adds nothing of its own. Its drivers come back, which needs a checkpoint to come back from.
constexpr std::string_view kSink = "append";

struct Statement {
  bool wal;
  bool of_driver;  // else of a worker
  bool reliable;
  std::string_view says;
  bool loses;  // some record is lost; else none ever is
};

constexpr std::array kStatements{
    Statement{false, false, false, "buffered data is lost", true},
    Statement{false, false, true, "no data is lost; at least once", false},
    Statement{false, true, false, "all buffered data is lost", true},
    Statement{false, true, true, "all data received before is lost, with any receiver", true},
    Statement{true, false, true, "no data is lost; at least once", false},
    Statement{true, true, true, "no data is lost", false},
};

// A worker is the executor with the receiver or another; a driver fails early or late.
std::array<CrashColumn, 2> columns_of(const Statement& statement) {
  if (statement.of_driver) {
    return {CrashColumn::kDriverAtStart, CrashColumn::kDriver};
  }
  return {CrashColumn::kReceiverExecutor, CrashColumn::kOtherExecutor};
}

MatrixTableCell* find_cell(std::vector<MatrixTableCell>& cells,
                           const Statement& statement,
                           CrashColumn column) {
  const auto found = std::ranges::find_if(cells, [&](const MatrixTableCell& cell) {
    return cell.source == "kafka-receiver" && cell.reliable == statement.reliable &&
           cell.wal == statement.wal && cell.checkpoint && cell.sink == kSink &&
           cell.crash == to_string(column);
  });
  return found == cells.end() ? nullptr : &*found;
}

void add_cell(SeedTableLine& line, MatrixTableCell& cell) {
  cell.in_seed_table = true;
  line.crashes.push_back(cell.crash);
  line.found = reports::common_part(line.found, cell.output);
  line.schedules += cell.schedules;
  if (!cell.tokens.lost.empty()) {
    line.losses.push_back({.crash = cell.crash, .token = cell.tokens.lost});
  }
}

}  // namespace

std::vector<SeedTableLine> compare_with_seed_table(std::vector<MatrixTableCell>& cells) {
  std::vector<SeedTableLine> lines;
  for (const Statement& statement : kStatements) {
    SeedTableLine line;
    line.wal = statement.wal;
    line.failure = statement.of_driver ? "driver" : "worker";
    line.reliable = statement.reliable;
    line.says = statement.says;
    const auto columns = columns_of(statement);
    const bool explored = std::ranges::all_of(columns, [&](CrashColumn column) {
      return find_cell(cells, statement, column) != nullptr;
    });
    if (!explored) {
      continue;
    }
    for (const CrashColumn column : columns) {
      add_cell(line, *find_cell(cells, statement, column));
    }
    line.agrees = statement.loses != line.losses.empty();
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace scenarios
