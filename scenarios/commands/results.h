// scenarios/commands/results.h
//
// What a command that judges leaves behind: a table on standard output, the files that were asked
// for, and in a workflow of GitHub notes beside the lines of the scenarios and a summary of the
// job. The same for all of these commands.
//
// Streams   Standard output has one thing: the table, or the format that "-" was given for. Notes
//           for GitHub go to standard error, which it reads as well.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/baseline.h"
#include "reports/ci_report.h"
#include "scenarios/commands/options.h"
#include "scenarios/diagnostic.h"
#include "scenarios/expectation.h"
#include "scenarios/scenario.h"
#include "scenarios/scenario_places.h"

namespace scenarios {

struct Results {
  std::string table;  // for the terminal
  std::string json;
  reports::CiReport ci;
};

// Empty: the options go together; else a sentence.
std::string output_conflict(const CommonOptions& common);

// A file that cannot be written is better known before an hour of work than behind it. Empty: all
// can be; else a sentence.
std::string first_unwritable(const CommonOptions& common);

// What --baseline names. Empty: nothing.
// Errors    the file cannot be read, or is no answer of this command.
Loaded<std::optional<std::vector<reports::Standing>>> read_baseline(const CommonOptions& common,
                                                                    reports::AnswerKind kind);

// Holds the answer of the results against the baseline.
void compare_with(const std::optional<std::vector<reports::Standing>>& baseline,
                  const CommonOptions& common,
                  reports::AnswerKind kind,
                  Results& results);

// Every output that can be written is. Empty: all of them; else a sentence about the first other.
std::string write_results(const CommonOptions& common, const Results& results);

// A case of this scenario that failed for these reasons, or passed. `token` is of its own run.
reports::JudgedCase case_of(const Scenario& scenario,
                            const std::string& kafka,
                            const std::string& token,
                            const std::vector<Mismatch>& mismatches,
                            ScenarioPlaces& places);

}  // namespace scenarios
