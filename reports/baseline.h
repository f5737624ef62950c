// reports/baseline.h
//
// An answer of yesterday (--json of run, explore or matrix) held against one of today: what got
// worse, what got better, and what else is no longer as it was.
//
// Worse    a guarantee that lost one of its two promises (docs/GUARANTEES.md, "The words"), even if
//          it gained the other; a finding where there was none; what was judged and is gone; what
//          passed and fails.
// Invariants
//   B1  Reflexive.  An answer against itself has no change.
//   B2  Opposite.   What is worse in one direction is better in the other, or new; except that a
//                   guarantee exchanged for one that promises something else is worse in both.
// tests/unit/baseline_test.cpp checks each by name.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reports/json_reader.h"
#include "reports/judge.h"

namespace reports {

// Which command an answer is of.
enum class AnswerKind : std::uint8_t { kRun, kExplore, kMatrix };

// What an answer says of one scenario, or of one cell of the guarantee table.
struct Standing {
  struct Stage {
    std::string_view name;
    Guarantee guarantee = Guarantee::kNone;
  };

  struct Finding {
    std::string kind;
    std::optional<std::int64_t> count;  // empty: some
    std::string token;
  };

  std::string name;
  std::vector<Stage> stages;
  std::vector<Finding> findings;  // never with a count of 0
  std::int64_t schedules = 0;
  std::optional<bool> passed;  // empty: nothing was expected
  std::string token;           // of the run as a whole; empty: there is none
};

// Errors    the text is no answer of this kind; the place is that of the value in it.
JsonResult<std::vector<Standing>> read_answer(std::string_view text, AnswerKind kind);

enum class ChangeKind : std::uint8_t { kWorse, kBetter, kOther };

struct Change {
  ChangeKind kind = ChangeKind::kOther;
  std::string name;      // of the standing
  std::string sentence;  // with what was and what is
  std::string token;     // that shows what is; empty: there is none
  bool operator==(const Change&) const = default;
};

// In the order of `after`; what is gone comes last.
std::vector<Change> compare(std::span<const Standing> before, std::span<const Standing> after);

}  // namespace reports
