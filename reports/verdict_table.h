// reports/verdict_table.h
//
// The verdicts of several runs, for a terminal, for a page and for a program (for a CI server:
// ci_report.h). Each function returns text; nothing here writes anywhere.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reports/judge.h"
#include "reports/ledger.h"

namespace reports {

// What one run took in, kept of it, and held at once.
struct Footprint {
  std::int64_t received_bytes = 0;  // by receivers; 0: there are none
  std::int64_t stored_bytes = 0;    // blocks, replicas and the receivers' logs
  std::int64_t peak_executor_bytes = 0;
};

// One scenario, or one family of schedules of it; then the guarantees are the weakest that any
// schedule showed and the counts the highest.
struct VerdictRow {
  std::string scenario;
  std::vector<std::string> claims;
  std::string kafka;
  std::string token;
  std::string expected;  // as the scenario says it: "exactly-once", "lost >0, duplicated 0"
  Guarantee received = Guarantee::kExactlyOnce;
  Guarantee processed = Guarantee::kExactlyOnce;
  Guarantee found = Guarantee::kExactlyOnce;  // of the output
  std::int64_t lost = 0;
  std::int64_t duplicated = 0;
  std::int64_t phantom = 0;
  std::int64_t reordered = 0;
  std::int64_t wrong = 0;
  bool stalled = false;
  std::int64_t schedules = 1;
  std::optional<Footprint> footprint;  // of one run; a family of them has none
  std::chrono::microseconds wall_time{0};
  bool passed = false;
  std::vector<std::string> reasons;  // why it did not pass: one sentence each
};

// The row of one run.
VerdictRow make_row(const Verdict& verdict, const Metrics& metrics);

enum class Colour : std::uint8_t { kNever, kAlways };

// Aligned columns, a line that sums up, and for each scenario that did not pass its reasons and the
// token that repeats it. Counts that are zero in every row have no column, and where nothing was
// received by receivers there is none about memory.
std::string terminal_table(std::span<const VerdictRow> rows, Colour colour);

std::string markdown_table(std::span<const VerdictRow> rows);

// {"runs":[...]}, ending with a newline.
std::string json_report(std::span<const VerdictRow> rows);

}  // namespace reports
