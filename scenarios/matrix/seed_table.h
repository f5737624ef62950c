// scenarios/matrix/seed_table.h
//
// Six cells that an article states without a run behind them: what a worker's and what a driver's
// failure costs, with and without the write-ahead log, by kind of receiver. Here they stand beside
// what the exploration found.

#pragma once

#include <vector>

#include "reports/matrix_table.h"

namespace scenarios {

// Marks the cells that the article's table speaks of, and compares. A statement of which not all
// cells were explored has no line.
std::vector<reports::SeedTableLine> compare_with_seed_table(
    std::vector<reports::MatrixTableCell>& cells);

}  // namespace scenarios
