// scenarios/commands/scenario_report.h
//
// One scenario run (or explored), judged against its expectation: a row of the table, and the runs
// worth keeping.

#pragma once

#include <vector>

#include "reports/recording.h"
#include "reports/verdict_table.h"
#include "scenarios/expectation.h"
#include "scenarios/runner.h"

namespace scenarios {

struct RecordedRun {
  reports::RunInfo info;  // without the wall time of its start
  JudgedRun judged;
};

struct ScenarioReport {
  reports::VerdictRow row;
  std::vector<Mismatch> mismatches;  // the row's reasons, and which key each is about
  std::vector<RecordedRun> runs;  // the run itself; of an exploration the first of each finding too
  bool interrupted = false;       // not all schedules were run; without any run, not even the first
};

// One run with these faults, watched closely.
Runner::Outcome<RecordedRun> run_for_record(Runner& runner,
                                            const PreparedScenario& prepared,
                                            const faults::FaultPlan& plan);

Runner::Outcome<ScenarioReport> report_on(Runner& runner, const PreparedScenario& prepared);

}  // namespace scenarios
