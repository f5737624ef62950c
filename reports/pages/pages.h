// reports/pages/pages.h
//
// All pages and pictures of a recording.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "reports/recording.h"

namespace reports {

// Takes a file by its name; answers with a sentence if it could not be written, else with nothing.
using WriteFile = std::function<std::string(const std::string& name, const std::string& text)>;

using RunIds = std::vector<std::int64_t>;

// The front page, a page for each run and the pictures on them. `run_ids`: only these runs. Ends at
// the first file that cannot be written. Returns how many runs have a page. Errors    kFailed with
// that sentence; kUnknownRun; as of Recording::open(): the file must exist.
RecordingResult<std::int64_t> write_pages(const std::string& database,
                                          const std::optional<RunIds>& run_ids,
                                          const WriteFile& write);

}  // namespace reports
