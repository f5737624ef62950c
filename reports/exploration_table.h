// reports/exploration_table.h
//
// What a search of one scenario has found: for a terminal, for a page and for a program. Each
// function returns text; nothing here writes anywhere. None says how long it took: what is found
// does not depend on that.

#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "reports/judge.h"

namespace reports {

struct FindingLine {
  std::string kind;                 // "duplicated", "received lost"
  std::int64_t count = 0;           // in the witness
  std::int64_t worst = 0;           // in any schedule
  std::string token;                // of the witness
  std::vector<std::string> faults;  // of the witness, in words
};

struct ExplorationReport {
  std::string scenario;
  std::string kafka;
  std::uint64_t seed = 0;
  std::string strategy;
  std::int32_t depth = 0;
  std::int64_t schedules = 0;
  std::int64_t of = 0;
  bool of_is_whole = true;      // else there are more
  std::int64_t parts_done = 0;  // of `parts`, if they are kept
  std::int64_t parts = 0;
  std::string cut_short;  // empty: it was not; else why, "the budget is spent"
  std::vector<std::pair<std::string, std::int64_t>> pruned;  // by reason
  Guarantee received = Guarantee::kExactlyOnce;
  Guarantee processed = Guarantee::kExactlyOnce;
  Guarantee output = Guarantee::kExactlyOnce;
  std::vector<FindingLine> findings;
  std::string explored;              // hash of the explored set
  std::string token;                 // of the run without an additional fault
  std::vector<std::string> reasons;  // why the scenario's promises do not hold; empty: they do
};

std::string terminal_exploration(const ExplorationReport& report);

// A section with a table of findings.
std::string markdown_exploration(const ExplorationReport& report);

// One object on one line, ending with a newline.
std::string json_exploration(const ExplorationReport& report);

}  // namespace reports
