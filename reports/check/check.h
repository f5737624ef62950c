// reports/check/check.h
//
// The offline judge: files of inputs and files of outputs of somebody's pipeline in, a verdict out.
// It needs neither engine nor simulator, and memory for the distinct inputs only (32 bytes each, in
// a table that is at least three eighths full).
//
// Errors    Refusal, of the first line that cannot be judged.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "reports/check/aggregate_judge.h"
#include "reports/check/interpreter.h"
#include "reports/check/question.h"
#include "reports/input/refusal.h"
#include "reports/judge.h"

namespace reports::check {

struct Where {
  std::string file;
  std::int64_t line = 0;
};

// Of one finding. The record is empty if it came from where it cannot be read again.
struct Example {
  Description record;
  std::optional<Where> input;
  std::optional<Where> output;
  std::optional<Where> later;  // the output that came before this one and is of a later record
  std::optional<Sum> expected;
  std::optional<Sum> found;
};

struct Examples {
  std::vector<Example> lost;
  std::vector<Example> duplicated;
  std::vector<Example> phantom;
  std::vector<Example> reordered;
  std::vector<Example> wrong;
};

struct Answer {
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  StageVerdict output;
  std::int64_t phantom = 0;
  std::int64_t reordered = 0;
  std::int64_t wrong = 0;
  Examples examples;  // at most kExamplesMax of each

  // As of a run: phantom or wrong make it kNone, and the order of outputs changes nothing.
  [[nodiscard]] Guarantee guarantee() const;
};

// `begin_file` is told each file before it is read.
input::Accepted<Answer> check(const Question& question,
                              const std::function<void(const std::string& path)>& begin_file);

}  // namespace reports::check
