// reports/plots/recorded_plots.h
//
// The plots of a recording: of one run how late its batches and records were and what its executors
// kept; across runs how fast they were; of a search what it had found after how many schedules.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reports/pages/run_data.h"
#include "reports/sqlite.h"

namespace reports {

struct Plot {
  std::string name;  // of a file: "batch_delay"
  std::string svg;
};

// Without those of which the recording knows nothing.
std::vector<Plot> run_plots(sql::Database& database, const RunSummary& run);

// Rows in the sink per second of virtual time, from the first input to the last row. Empty: fewer
// than two runs.
std::vector<Plot> throughput_plot(sql::Database& database, const std::vector<RunSummary>& runs);

// One per campaign.
std::vector<Plot> campaign_plots(sql::Database& database);

}  // namespace reports
