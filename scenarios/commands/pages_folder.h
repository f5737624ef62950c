// scenarios/commands/pages_folder.h
//
// The pages of a recording, in a folder.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "reports/pages/pages.h"
#include "reports/recording.h"
#include "scenarios/commands/options.h"

namespace scenarios {

// Makes the folder if it is not there, and writes what reports::write_pages() makes into it, over
// what is there of the same name. Returns how many runs have a page.
reports::RecordingResult<std::int64_t> write_pages_folder(
    const std::string& database,
    const std::string& folder,
    const std::optional<reports::RunIds>& run_ids);

// The same into the folder that pages were asked for in, if they were. Empty: done; else a
// sentence.
std::string write_pages_if_wanted(const CommonOptions& common,
                                  const std::optional<reports::RunIds>& run_ids);

}  // namespace scenarios
