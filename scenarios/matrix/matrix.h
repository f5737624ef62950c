// scenarios/matrix/matrix.h
//
// Explores a row of the guarantee table: for each of its columns every schedule in which that one
// dies, at every effect boundary of every process in the column's part of the run, with every
// outcome on disk.
//
// Invariants
//   X1  Complete.  No schedule is left out, but for those that end as another one does
//                  (explorer.h), and in kDriverTwice: a fixed stride picks the pairs, and the cell
//                  says how many there are.
//   X2  Function.  A cell is a function of row and seed.
//   X3  Witness.   Whatever weakens a cell has a token that shows it.
//   X4  Worth it.  kAnyTwo is explored where no schedule of the columns before it loses, but at
//                  the start.
// tests/scenario/matrix_test.cpp checks each by name.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "faults/fault_plan.h"
#include "reports/judge.h"
#include "scenarios/matrix/rows.h"
#include "scenarios/prepared.h"
#include "scenarios/runner.h"
#include "sim/state_bytes.h"

namespace scenarios {

// A run worth repeating.
struct CellWitness {
  faults::FaultPlan plan;
  std::string token;
  reports::Verdict verdict;
  engine::Instant ended_at;
};

// Of several witnesses a cell keeps the run that ends first, and of those the one with the earliest
// crash.
struct MatrixCell {
  CrashColumn column = CrashColumn::kNone;
  std::int32_t depth = 0;      // crashes in one schedule
  std::int64_t schedules = 0;  // run
  std::int64_t pruned = 0;     // not run, since they end as another one does
  std::int64_t of = 0;         // that exist
  reports::Guarantee received = reports::Guarantee::kExactlyOnce;  // weakest found
  reports::Guarantee output = reports::Guarantee::kExactlyOnce;
  sim::StateHash explored;  // of all that were run (exploration.h)
  std::optional<CellWitness> lost;
  std::optional<CellWitness> duplicated;
  std::optional<CellWitness> wrong;  // a wrong row, or one that nobody sent
  std::optional<CellWitness> stalled;
  std::optional<CellWitness> clean;  // the middle one of the schedules that show nothing of it
};

struct ExploredRow {
  std::vector<MatrixCell> cells;
  std::int64_t runs = 0;     // more than the cells have: some are run twice, to be looked at
  bool interrupted = false;  // cells are missing
};

// The cells of `columns` that the row has, in that order.
Runner::Outcome<ExploredRow> explore_row(Runner& runner,
                                         const MatrixRow& row,
                                         const PreparedScenario& prepared,
                                         std::span<const CrashColumn> columns);

// A schedule that another Kafka judges differently.
struct Disagreement {
  std::string token;        // of the exploration
  std::string other_token;  // on the other Kafka
};

struct Confirmation {
  std::int64_t replayed = 0;
  std::vector<Disagreement> disagreements;
  bool interrupted = false;
};

// Runs every witness and the clean schedule of every cell again, on the Kafka of `runner`.
Runner::Outcome<Confirmation> confirm_row(Runner& runner,
                                          const PreparedScenario& prepared,
                                          const ExploredRow& explored);

}  // namespace scenarios
