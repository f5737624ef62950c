// reports/pages/run_page.h
//
// The page of one run: what it was to show and what it showed, its story, the space-time diagram,
// inputs and outputs, the faults, the token, and how to ask further.

#pragma once

#include <string>
#include <vector>

#include "reports/pages/run_data.h"
#include "reports/plots/recorded_plots.h"

namespace reports {

// `database` is the name of the recording, for the commands on the page.
std::string run_page(const RunSummary& run,
                     const RunData& data,
                     const std::string& database,
                     const std::vector<Plot>& plots);

}  // namespace reports
