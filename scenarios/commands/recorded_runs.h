// scenarios/commands/recorded_runs.h
//
// Runs on their way into a recording.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reports/recording.h"
#include "scenarios/commands/scenario_report.h"

namespace scenarios {

// Records each, as begun now, and adds its number. Empty: done; else a sentence.
std::string record_runs(reports::Recording& recording,
                        const std::vector<RecordedRun>& runs,
                        std::vector<std::int64_t>& run_ids);

// A schedule that showed something.
struct Shown {
  const PreparedScenario* prepared = nullptr;
  faults::FaultPlan plan;
};

// Runs each again, watched closely, and records it, so that it has a page. Empty: done, or
// interrupted; else a sentence.
std::string record_shown(const KafkaChoice& kafka,
                         const std::string& database,
                         const std::vector<Shown>& shown,
                         std::vector<std::int64_t>& run_ids);

}  // namespace scenarios
