// scenarios/conviction.h
//
// Whether a mistake of the engine can be told from what comes out. The world of a defect is
// searched twice: with the mistake, and with the value that the decision has otherwise. What
// schedules of the one show and no schedule of the other does convicts. The judge knows of neither.
//
// Invariants
//   V1  One mistake.  The two engines of a defect differ in one decision and in nothing else.
//   V2  Every one.    Each mistake of engine/ports/protocol.h has a world, and only one.
// tests/scenario/defects_test.cpp checks each by name.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/ports/protocol.h"
#include "faults/fault_plan.h"
#include "scenarios/prepared.h"
#include "scenarios/runner.h"
#include "scenarios/search_strategy.h"

namespace scenarios {

struct Defect {
  engine::ProtocolChoice mistake;
  PreparedScenario mistaken;
  PreparedScenario sound;
};

// "offset_guard.blind_update".
std::string defect_name(const engine::ProtocolChoice& mistake);

// The folder of the shipped worlds, one scenario for each mistake.
std::string defects_directory();

// The defects of these scenarios.
// Errors    a scenario without a mistake, with several, or with one that another has.
Loaded<std::vector<Defect>> make_defects(std::vector<Scenario> scenarios);

struct Conviction {
  std::string finding;         // empty: not convicted
  std::int64_t schedules = 0;  // until the first that convicts, that one included; else all
  std::int64_t of = 0;         // run with the sound engine
  std::string token;           // of the shortest of the schedules that were run and convict
  faults::FaultPlan plan;
  bool interrupted = false;

  [[nodiscard]] bool is_guilty() const { return !finding.empty(); }
};

// A strategy that does not end by itself tries 300 schedules, and ends with the first that
// convicts. A world without `explore:` is not searched: its own faults convict.
Runner::Outcome<Conviction> convict(Runner& runner,
                                    const Defect& defect,
                                    const SearchStrategy& strategy);

}  // namespace scenarios
