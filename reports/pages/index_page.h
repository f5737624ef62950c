// reports/pages/index_page.h
//
// The front page: the verdicts of the runs, the guarantee matrix, and what searches have found.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reports/matrix_table.h"
#include "reports/pages/run_data.h"
#include "reports/plots/recorded_plots.h"

namespace reports {

struct SearchFinding {
  std::string kind;
  std::int64_t faults = 0;
  std::string token;
};

// A campaign, as far as it is.
struct SearchLine {
  std::int64_t campaign_id = 0;
  std::string scenario;
  std::string strategy;
  std::int64_t depth = 0;
  std::int64_t parts_done = 0;
  std::int64_t parts = 0;
  std::int64_t schedules = 0;
  std::vector<SearchFinding> findings;
};

struct FrontPage {
  std::vector<RunSummary> runs;
  std::vector<MatrixReport> matrices;  // one per protocol that there are cells of
  std::vector<SearchLine> searches;
  std::vector<Plot> plots;
};

std::string index_page(const FrontPage& front);

// Errors    sql::Error is thrown.
std::vector<SearchLine> read_searches(sql::Database& database);

// Of the page of a run.
std::string run_file(std::int64_t run_id);

}  // namespace reports
