// scenarios/expectation.h
//
// What a scenario expects, held against what the judge found.
//
// An expected guarantee is the verdict itself, not a lower bound: a pipeline that should break and
// did not is reported like one that broke. A family of schedules (`explore`) states bounds instead.

#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reports/judge.h"
#include "reports/ledger.h"
#include "scenarios/scenario.h"

namespace scenarios {

// What was expected, what was found, which records.
struct Mismatch {
  std::string sentence;
  std::vector<std::string> key;  // of the scenario, that expects it: {"expect", "output", "lost"}
  std::string token = {};        // of a schedule that shows it; empty: the run in question does
};

std::vector<std::string> sentences_of(const std::vector<Mismatch>& mismatches);

// A fault of the plan that never fired is a mismatch, too: the run did not show what the scenario
// is about.
std::vector<Mismatch> check(const Scenario& scenario,
                            const reports::Verdict& verdict,
                            const reports::Ledger& ledger);

// For a table: "exactly-once", "lost >0, duplicated 0", "received at-least-once; stalled", or "-".
std::string expected_text(const Scenario& scenario);

// Names that expectations may use.
std::span<const std::string_view> stage_count_names();   // received, processed
std::span<const std::string_view> output_count_names();  // output
std::span<const std::string_view> metric_names();        // of reports::Metrics
std::span<const std::string_view> finding_names();       // explore.sometimes

}  // namespace scenarios
