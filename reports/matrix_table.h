// reports/matrix_table.h
//
// The guarantee table for a terminal, for a page and for a program: pipelines by who dies in them,
// and what was found. Each function returns text; nothing here writes anywhere.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reports/judge.h"
#include "reports/verdict_table.h"

namespace reports {

// Replay tokens of the shortest schedules that show a finding; empty: no schedule shows it.
struct MatrixTokens {
  std::string lost;
  std::string duplicated;
  std::string wrong;
  std::string stalled;
};

// One pipeline, and one kind of death. The names are those of scenario files.
struct MatrixTableCell {
  std::string source;
  bool reliable = false;
  bool wal = false;
  bool checkpoint = false;
  std::string offsets;
  std::string sink;
  std::string crash;
  Guarantee received = Guarantee::kExactlyOnce;  // weakest of any schedule
  Guarantee output = Guarantee::kExactlyOnce;
  std::int64_t schedules = 0;  // run
  std::int64_t pruned = 0;     // not run, since they end as another one does
  std::int64_t of = 0;         // that exist
  std::int32_t depth = 0;      // crashes in one schedule
  MatrixTokens tokens;
  bool in_seed_table = false;

  [[nodiscard]] bool is_sample() const { return schedules + pruned < of; }
};

// A cell of the table in the article that the project started from, beside what was found.
struct SeedTableLine {
  struct Loss {
    std::string crash;
    std::string token;
  };

  bool wal = false;
  std::string failure;  // "worker", "driver"
  bool reliable = false;
  std::string says;
  std::vector<std::string> crashes;           // the columns that the failure stands for
  Guarantee found = Guarantee::kExactlyOnce;  // weakest output of their cells
  std::int64_t schedules = 0;
  std::vector<Loss> losses;  // of each column that has one, the shortest
  bool agrees = false;
};

// What another Kafka said about the schedules that were run again on it.
struct MatrixConfirmation {
  struct Disagreement {
    std::string token;
    std::string other_token;
  };

  std::string kafka;
  std::int64_t replayed = 0;
  std::vector<Disagreement> disagreements;
};

struct MatrixReport {
  std::string protocol = "faithful";  // or "hardened": the decisions of the engine
  std::vector<std::string> crashes;   // the columns
  // By pipeline, and within one by column; a pipeline may lack columns.
  std::vector<MatrixTableCell> cells;
  std::vector<SeedTableLine> seed_table;
  std::vector<MatrixConfirmation> confirmations;  // none, or one
  std::string explored;  // hash of all schedules and what they showed; empty: not known
};

// The tokens of every weakened cell, the table with a line per sink and one for what all sinks of a
// source received at worst, the article's table, and a legend.
std::string terminal_matrix(const MatrixReport& report, Colour colour);

std::string markdown_matrix(const MatrixReport& report);

// {"cells":[...]}, ending with a newline.
std::string json_matrix(const MatrixReport& report);

}  // namespace reports
