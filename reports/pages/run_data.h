// reports/pages/run_data.h
//
// What a recording says of one run, as the page of that run has it: a JSON object with tables in
// columns (reports/pages/columns.h). What a page has no room for is left out, the least telling
// first, and named.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reports/sqlite.h"

namespace reports {

struct StageFigures {
  std::string guarantee;
  std::int64_t lost = 0;
  std::int64_t duplicated = 0;
};

struct FaultLine {
  std::string words;  // "crash driver at ..."; of an old recording its kind and its target
  std::string point;
  std::optional<std::int64_t> struck_us;
};

// The row of a run, its verdict and its texts.
struct RunSummary {
  std::int64_t run_id = 0;
  std::string scenario;
  std::string seed;
  std::string kafka;
  std::string token;
  std::string started_at;
  std::int64_t virtual_us = 0;
  StageFigures received;
  StageFigures processed;
  StageFigures output;
  std::int64_t phantom = 0;
  std::int64_t reordered = 0;
  std::int64_t wrong = 0;
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  bool stalled = false;
  bool passed = false;
  std::string trace_hash;
  std::string expected;
  std::string description;
  std::string story;
  std::vector<std::string> reasons;
  std::vector<std::string> claims;
  std::vector<FaultLine> faults;
};

// How much of a run a page may show.
struct PageLimits {
  std::int64_t events = 100'000;  // points and messages
  std::int64_t records = 5'000;
  std::int64_t rows = 5'000;
  std::int64_t ranges = 20'000;     // of plans
  std::int64_t positions = 20'000;  // of receivers
};

// All runs, or only those of `run_ids`; in the order of the recording.
std::vector<RunSummary> read_summaries(sql::Database& database,
                                       const std::optional<std::vector<std::int64_t>>& run_ids);

struct LeftOut {
  std::string what;
  std::int64_t count = 0;
};

struct RunData {
  std::string json;
  std::vector<LeftOut> left_out;
};

RunData read_run_data(sql::Database& database,
                      const RunSummary& run,
                      const PageLimits& limits = {});

}  // namespace reports
