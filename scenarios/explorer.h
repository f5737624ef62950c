// scenarios/explorer.h
//
// Judges a family of schedules: the scenario's own faults and one crash more, at every effect
// boundary of every process, of every target. Keeps the first schedule that shows each finding, and
// of the weakest guarantee.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "reports/judge.h"
#include "scenarios/runner.h"

namespace scenarios {

// Something that a schedule can show, by the names that `sometimes:` uses (lost, duplicated,
// phantom, reordered, wrong, stalled), or with a stage in front ("received lost").
struct Finding {
  std::string kind;
  std::int64_t count = 0;
  faults::FaultPlan plan;
  std::string token;
};

struct Exploration {
  std::int64_t schedules = 0;                                      // run
  std::int64_t of = 0;                                             // that exist
  reports::Guarantee received = reports::Guarantee::kExactlyOnce;  // weakest found
  reports::Guarantee processed = reports::Guarantee::kExactlyOnce;
  reports::Guarantee output = reports::Guarantee::kExactlyOnce;
  std::map<std::string, Finding> findings;    // by kind: the first schedule that shows it
  std::map<std::string, std::int64_t> worst;  // by kind: the highest count of any schedule
  JudgedRun baseline;                         // without the additional crash
  bool interrupted = false;
};

// What a verdict shows: kinds of findings, and how many records or keys of each.
std::vector<std::pair<std::string, std::int64_t>> shown_by(const reports::Verdict& verdict);

// Whom an exploration crashes: those that `explore.crash` names, else everybody there is.
std::vector<faults::Target> explored_targets(const Scenario& scenario);

Runner::Outcome<Exploration> explore(Runner& runner,
                                     const PreparedScenario& prepared,
                                     std::uint64_t seed);

// One sentence per claim of `explore:` that the exploration refutes, and per expectation of
// `expect:` that the run without the additional crash does not meet.
std::vector<std::string> check(const Scenario& scenario, const Exploration& exploration);

// What the bounds of `explore:` forbid in this one schedule: a sentence per kind of finding, with
// the records.
std::vector<std::string> check_always(const Scenario& scenario, const JudgedRun& judged);

}  // namespace scenarios
